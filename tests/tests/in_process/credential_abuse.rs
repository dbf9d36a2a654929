//! Refresh tokens that are tampered with, relabelled, or from another issuer are refused with
//! `invalid_grant`, and nothing is written.

use secrecy::ExposeSecret;
use tokensmith_issuer::Judged;
use tokensmith_issuer::credential::{CredentialKind, GrantId, HmacKey, Nonce};
use tokensmith_issuer::store::records::Settings;
use tokensmith_tests::forge::{assert_inactive, bytes_of, credential_of, with_checksum};
use tokensmith_tests::{InProcess, TestClient, TestGrant};

/// The bytes of a refresh token: format, HMAC key version, grant id, generation, nonce and HMAC.
const LENGTH: usize = 1 + 4 + 32 + 4 + 16 + 32;

async fn a_grant() -> (InProcess, TestClient, TestGrant) {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    (issuer, client, grant)
}

/// Asserts that every endpoint rejects `token`, and that nothing was written.
async fn assert_rejected(issuer: &InProcess, client: &TestClient, token: &str, case: &str) {
    let before = issuer.items().await;
    let refused = issuer.refresh(client, token).await;
    assert_eq!(refused.error(), (400, "invalid_grant".into()), "{case}");
    assert_eq!(issuer.items().await, before, "{case}");
    let judged = assert_inactive(issuer, client, token, case).await;
    let is_live = matches!(
        judged,
        Judged::AccessToken { .. } | Judged::RefreshToken { verdict: Ok(_), .. }
    );
    assert!(!is_live, "{case}: {judged:?}");
}

#[tokio::test]
async fn every_changed_byte_of_a_refresh_token_is_rejected() {
    let (issuer, client, grant) = a_grant().await;
    let original = bytes_of(&grant.token);
    assert_eq!(original.len(), LENGTH);
    for at in 0..LENGTH {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = original.clone();
            bytes[at] ^= change;
            let token = credential_of("tksmr_", &bytes);
            let case = format!("byte {at} ^ {change:#x}");
            assert_rejected(&issuer, &client, &token, &case).await;
        }
    }
    assert_eq!(issuer.refresh(&client, &grant.token).await.status, 200);
}

#[tokio::test]
async fn a_wrong_checksum_is_rejected_before_any_call() {
    let (issuer, client, grant) = a_grant().await;
    for at in 0..grant.token.len() {
        let mut text = grant.token.clone().into_bytes();
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        let token = String::from_utf8(text).expect("text");
        issuer.dynamo.take_calls();
        assert_eq!(issuer.refresh(&client, &token).await.status, 400, "{at}");
        let calls = issuer.dynamo.take_calls();
        assert!(calls.is_empty(), "{at}: {calls:?}");
    }
}

#[tokio::test]
async fn a_truncated_or_extended_refresh_token_is_rejected() {
    let (issuer, client, grant) = a_grant().await;
    let bytes = bytes_of(&grant.token);
    for length in (0..LENGTH).step_by(8).chain([LENGTH - 1]) {
        let token = credential_of("tksmr_", &bytes[..length]);
        assert_rejected(&issuer, &client, &token, &format!("{length} bytes")).await;
    }
    for more in [1, 2, 3, 100] {
        let longer = [&bytes[..], &vec![0; more]].concat();
        let token = credential_of("tksmr_", &longer);
        assert_rejected(&issuer, &client, &token, &format!("{more} more")).await;
    }
    for length in [1, 4, 5, 10, 50, grant.token.len() - 1] {
        let part = &grant.token[..length];
        assert_rejected(&issuer, &client, part, &format!("{length} characters")).await;
    }
}

#[tokio::test]
async fn another_spelling_of_a_refresh_token_is_rejected() {
    let (issuer, client, grant) = a_grant().await;
    let body = &grant.token[..grant.token.len() - 6];
    let encoded = &body[6..];
    let token = &grant.token;
    let mut spellings = vec![
        format!(" {token}"),
        format!("{token} "),
        format!("{token}\n"),
        format!("{token}{token}"),
        format!("Bearer {token}"),
        token.to_uppercase(),
        token.to_lowercase(),
        token.replace("tksmr_", "TKSMR_"),
        token.replace("tksmr_", "tksmr-"),
        with_checksum(&format!("TKSMR_{encoded}")),
        with_checksum(&format!("tksmr_{encoded}=")),
        with_checksum(&format!("tksmr_{encoded}==")),
        with_checksum(&format!("tksmr_tksmr_{encoded}")),
        with_checksum(&format!("tksmc_{encoded}")),
        with_checksum(&format!("tksmk_{encoded}")),
        with_checksum(encoded),
        with_checksum("tksmr_"),
        with_checksum(""),
        with_checksum(&format!(
            "tksmr_{}",
            encoded.replace('-', "+").replace('_', "/")
        )),
        "tksmr_ä".repeat(9),
    ];
    // The last character has bits to spare: only one spelling of them is right.
    let (start, last) = encoded.split_at(encoded.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let other = alphabet.chars().filter(|one| !last.starts_with(*one));
    spellings.extend(other.map(|one| with_checksum(&format!("tksmr_{start}{one}"))));
    for spelling in spellings.iter().filter(|spelling| *spelling != token) {
        assert_rejected(&issuer, &client, spelling, spelling).await;
    }
}

/// The HMAC covers the prefix: with or without the key's help, a code is no refresh token.
#[tokio::test]
async fn a_relabelled_credential_is_rejected() {
    let (issuer, client, grant) = a_grant().await;
    let bytes = bytes_of(&grant.token);
    for prefix in ["tksma_", "tksmd_"] {
        let relabelled = credential_of(prefix, &bytes);
        assert_rejected(&issuer, &client, &relabelled, prefix).await;
    }
    let key = issuer
        .hmac_keys()
        .newest(issuer.now())
        .await
        .expect("a key");
    let url = &issuer.config.issuer;
    let kind = CredentialKind::AuthorizationCode;
    for generation in [0, 1, 2] {
        let code = key.print(url, kind, grant.id, generation, &grant.nonce);
        let code = code.expose_secret();
        let case = format!("{kind:?} {generation}");
        assert_rejected(&issuer, &client, code, &case).await;
        for prefix in ["tksmr_", "tksmd_"] {
            let relabelled = credential_of(prefix, &bytes_of(code));
            assert_rejected(&issuer, &client, &relabelled, &case).await;
        }
    }
}

/// Generation 0 is a code's: a refresh token never has it, whatever the record says.
#[tokio::test]
async fn a_refresh_token_of_generation_0_is_rejected() {
    let (issuer, client, grant) = a_grant().await;
    for record in [1, 0] {
        issuer
            .change_grant(&grant, |grant| grant.generation = record)
            .await;
        let zero = issuer.credential(&grant, 0, 1).await;
        assert_rejected(&issuer, &client, &zero, &format!("{record}")).await;
    }
}

/// The same grant, nonce and key under another issuer URL: a copy of the table for a test system.
#[tokio::test]
async fn a_refresh_token_of_another_issuer_is_rejected() {
    let (issuer, client, grant) = a_grant().await;
    // Without them, only the proof says whose it is.
    let settings = issuer.table().delete(&Settings::only_key()).await;
    settings.expect("they are deleted");
    let there = issuer
        .cold_as(|config| config.issuer = "https://other.example".parse().expect("a URL"))
        .await;
    let foreign = there.credential(&grant, 1, 1).await;
    assert_rejected(&issuer, &client, &foreign, "there").await;
    assert_rejected(&there, &client, &grant.token, "here").await;
    assert_eq!(there.refresh(&client, &foreign).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_by_another_key_is_rejected() {
    let (issuer, client, grant) = a_grant().await;
    let url = &issuer.config.issuer;
    for secret in [[0; 32], [0x5a; 32]] {
        let key = HmacKey::new(1, &secret);
        let kind = CredentialKind::RefreshToken;
        let forged = key.print(url, kind, grant.id, 1, &grant.nonce);
        assert_rejected(&issuer, &client, forged.expose_secret(), "another key").await;
    }
}

/// Somebody has the HMAC key but none of the grant's credentials.
#[tokio::test]
async fn an_hmac_key_alone_makes_no_refresh_token() {
    let (issuer, client, grant) = a_grant().await;
    for generation in [1, 2] {
        let guessed = TestGrant {
            nonce: Nonce::random(),
            ..grant.clone()
        };
        let forged = issuer.credential(&guessed, generation, 1).await;
        let before = issuer.items().await;
        let refused = issuer.refresh(&client, &forged).await;
        assert_eq!(refused.error(), (400, "invalid_grant".into()));
        assert!(!issuer.is_active(&client, &forged).await);
        assert_eq!(issuer.items().await, before);
    }
}

#[tokio::test]
async fn a_refresh_token_of_a_grant_that_never_was_is_rejected() {
    let (issuer, client, grant) = a_grant().await;
    let unknown = TestGrant {
        id: GrantId::random(&"alice".parse().expect("a subject")),
        ..grant
    };
    let token = issuer.credential(&unknown, 1, 1).await;
    assert_rejected(&issuer, &client, &token, "unknown grant").await;
}

/// What the issuer made but the table has forgotten. To revoke with it is the safe side.
#[tokio::test]
async fn a_future_generation_is_rejected_but_its_client_may_revoke_with_it() {
    let (issuer, client, grant) = a_grant().await;
    let other = issuer.confidential("other", |_| {}).await;
    let ahead = issuer.credential(&grant, 2, 1).await;
    let before = issuer.items().await;
    let refused = issuer.refresh(&client, &ahead).await;
    assert_eq!(refused.error(), (400, "invalid_grant".into()));
    assert!(!issuer.is_active(&client, &ahead).await);
    assert_eq!(issuer.revoke(&other, &ahead).await.status, 200);
    assert_eq!(issuer.items().await, before);
    assert_eq!(issuer.revoke(&client, &ahead).await.status, 200);
    assert!(issuer.stored(&grant).await.revoked_at.is_some());
}
