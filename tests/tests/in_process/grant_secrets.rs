//! Invariant 1: no raw secret and no refresh token is ever in the table, a log line, an error or a
//! `Debug` output. Invariant 10: a wrong client id and a wrong secret look the same outside.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokensmith_issuer::credential::GrantCredential;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::forge::with_checksum;
use tokensmith_tests::logged::{logged, tell};
use tokensmith_tests::{InProcess, TestClient};

/// What of a refresh token must not be seen anywhere: its text, its nonce and its HMAC.
fn secrets_of(refresh_token: &str) -> Vec<String> {
    let encoded = &refresh_token[6..refresh_token.len() - 6];
    let bytes = URL_SAFE_NO_PAD.decode(encoded).expect("base64url");
    let (nonce, tag) = (&bytes[41..57], &bytes[57..]);
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    vec![
        encoded.to_owned(),
        // A part of it is enough: its end, which is the HMAC.
        encoded[encoded.len() - 24..].to_owned(),
        URL_SAFE_NO_PAD.encode(nonce),
        URL_SAFE_NO_PAD.encode(tag),
        base64::engine::general_purpose::STANDARD.encode(nonce),
        hex(nonce),
        hex(tag),
    ]
}

fn secrets_of_access_token(token: &str) -> Vec<String> {
    let (_, signature) = token.rsplit_once('.').expect("three parts");
    vec![signature.to_owned()]
}

/// Does with an issuer whatever a client can do, and returns all secrets that took part.
async fn everything(issuer: &InProcess) -> Vec<String> {
    let client = issuer.confidential("app", |_| {}).await;
    let public = issuer.public("public", |_| {}).await;
    let wrong = client.with_wrong_secret();
    let mut secrets = Vec::new();
    for known in [&client, &wrong] {
        let secret = known.secret.as_deref().expect("a secret");
        secrets.push(secret[6..49].to_owned());
    }
    let grant = issuer.grant(&client, |_| {}).await;
    let first = issuer.refresh(&client, &grant.token).await;
    let second = issuer.refresh(&client, &first.refresh_token()).await;
    let other = issuer.grant(&public, |_| {}).await;
    let own = issuer.client_credentials(&client).await;
    for answer in [&first, &second, &own] {
        secrets.extend(secrets_of_access_token(&answer.access_token()));
    }
    let ahead = issuer.credential(&grant, 9, 1).await;
    let refresh_tokens = [
        grant.token.clone(),
        first.refresh_token(),
        second.refresh_token(),
        other.token.clone(),
        ahead,
    ];
    for token in &refresh_tokens {
        secrets.extend(secrets_of(token));
    }
    let body = &grant.token[..grant.token.len() - 6];
    let relabelled = with_checksum(&body.replace("tksmr_", "tksma_"));
    let last = issuer.grant(&client, |_| {}).await;
    secrets.extend(secrets_of(&last.token));
    for (token, by) in [
        (&relabelled, &client),
        (&refresh_tokens[4], &client),
        (&refresh_tokens[1], &wrong),
        (&refresh_tokens[3], &client),
        (&refresh_tokens[3], &public),
        (&own.access_token(), &client),
        // Reuse, and what is left of the grant.
        (&refresh_tokens[0], &client),
        (&refresh_tokens[2], &client),
    ] {
        issuer.refresh(by, token).await;
        issuer.introspect(by, token).await;
    }
    issuer.revoke(&client, &own.access_token()).await;
    issuer.revoke(&client, &last.token).await;
    issuer.dynamo.outage(Some(Fault::Throttled));
    issuer.pass(20);
    issuer
        .refresh(&client, &last.token)
        .await
        .assert_unavailable();
    issuer.dynamo.outage(None);
    secrets
}

#[tokio::test(start_paused = true)]
async fn invariant_1_no_refresh_token_and_no_secret_is_in_the_table() {
    let issuer = InProcess::start().await;
    let secrets = everything(&issuer).await;
    let mut stored = format!("{:?}", issuer.all_items().await);
    for attempt in issuer.dynamo.take_attempts() {
        stored.push_str(&attempt.body);
    }
    assert!(stored.contains("nonce_hash") && stored.contains("GRANT#"));
    for secret in &secrets {
        assert!(!stored.contains(secret), "{secret}");
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_1_no_refresh_token_and_no_secret_is_in_the_log() {
    let scenario = async {
        let issuer = InProcess::start().await;
        for secret in everything(&issuer).await {
            tell(&secret);
        }
    };
    let Some(log) = logged(scenario).await else {
        return;
    };
    assert!(log.lines().len() > 20 && log.told.len() > 20);
    let reasons: Vec<_> = log
        .lines()
        .into_iter()
        .map(|l| l["reason"].clone())
        .collect();
    for expected in [
        "refresh_token_reused",
        "wrong_client_secret",
        "grant_revoked",
    ] {
        assert!(
            reasons.iter().any(|reason| reason == expected),
            "{expected}"
        );
    }
    for secret in &log.told {
        assert!(!log.stderr.contains(secret.as_str()), "{secret}");
    }
}

#[tokio::test]
async fn invariant_1_a_credential_shows_nothing_in_debug() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    issuer.refresh(&client, &grant.token).await;
    let parsed = GrantCredential::parse(&grant.token).expect("a credential");
    let judged = issuer.issuer.judge(&grant.token).await;
    let key = issuer.hmac_keys().version(1, issuer.now()).await;
    let stored = issuer.stored(&grant).await;
    // The issuer's own `Debug` reaches its caches and loaded keys.
    let shown = format!(
        "{parsed:?} {:?} {judged:?} {key:?} {stored:?} {:?}",
        grant.nonce, issuer.issuer
    );
    assert!(shown.contains(&grant.id.to_string()));
    let mut secrets = secrets_of(&grant.token);
    // `{:?}` of a byte array.
    let bytes = URL_SAFE_NO_PAD.decode(&grant.token[6..grant.token.len() - 6]);
    let bytes = bytes.expect("base64url");
    secrets.push(format!("{:?}", &bytes[41..57]));
    secrets.push(format!("{:?}", &bytes[57..]));
    for secret in secrets {
        assert!(!shown.contains(&secret), "{secret} in {shown}");
    }
}

#[tokio::test]
async fn invariant_10_a_wrong_client_id_and_a_wrong_secret_look_the_same() {
    for cache_ttl in [Duration::ZERO, Duration::from_secs(10)] {
        let issuer = InProcess::configured(|config| config.cache_ttl = cache_ttl).await;
        let client = issuer.confidential("app", |_| {}).await;
        let disabled = issuer.confidential("off", |c| c.disabled = true).await;
        let also_disabled = issuer.confidential("gone", |c| c.disabled = true).await;
        let public = issuer.public("public", |_| {}).await;
        let grant = issuer.grant(&client, |_| {}).await;
        issuer.refresh(&client, &grant.token).await;
        let mut strangers = vec![
            client.with_wrong_secret(),
            disabled.with_wrong_secret(),
            also_disabled,
            public.with_wrong_secret(),
            client.called("nobody"),
            client.called("another"),
        ];
        // None of them is in the cache.
        let fresh = issuer.cold().await;
        for token in [grant.token.as_str(), "tksmr_garbage"] {
            for endpoint in ["token", "revoke", "introspect"] {
                let mut all = Vec::new();
                for stranger in &strangers {
                    issuer.dynamo.take_calls();
                    let answer = match endpoint {
                        "token" => fresh.refresh(stranger, token).await,
                        "revoke" => fresh.revoke(stranger, token).await,
                        _ => fresh.introspect(stranger, token).await,
                    };
                    let calls = issuer.dynamo.take_calls();
                    let calls: Vec<_> = calls.into_iter().filter(|c| c != "Query").collect();
                    all.push((answer.comparable(), calls));
                }
                for other in &all {
                    assert_eq!(other, &all[0], "{endpoint}");
                }
                let refused_before_the_client = endpoint == "token" && token == "tksmr_garbage";
                let expected = if refused_before_the_client { 400 } else { 401 };
                assert_eq!(all[0].0.status, expected);
            }
        }
        // Without a secret, an unknown client looks like one that has a secret.
        strangers.truncate(0);
        for id in ["app", "nobody", "off"] {
            strangers.push(TestClient::public(id));
        }
        let mut answers = Vec::new();
        for stranger in &strangers {
            let cold = issuer.cold().await;
            let answer = cold.refresh(stranger, &grant.token).await;
            answers.push(answer.comparable());
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(answers[0], answers[2]);
    }
}

/// RFC 6749 §5.2: why a refresh token is refused is for the log only.
#[tokio::test]
async fn invariant_10_every_invalid_refresh_token_gets_the_same_answer() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let other = issuer.confidential("other", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let foreign = issuer.grant(&other, |_| {}).await;
    let revoked = issuer.grant(&client, |_| {}).await;
    issuer.revoke(&client, &revoked.token).await;
    let expired = issuer.grant(&client, |g| g.expires_at = g.created_at).await;
    let ahead = issuer.credential(&grant, 7, 1).await;
    let body = &grant.token[..grant.token.len() - 6];
    let forged = with_checksum(&format!("{}AAAA", &body[..body.len() - 4]));
    let relabelled = with_checksum(&body.replace("tksmr_", "tksmd_"));
    let mut answers = Vec::new();
    for token in [
        &foreign.token,
        &revoked.token,
        &expired.token,
        &ahead,
        &forged,
        &relabelled,
        "nothing",
    ] {
        answers.push(issuer.refresh(&client, token).await.comparable());
    }
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}
