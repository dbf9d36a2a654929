//! Custody `kms` when KMS is strict, slow, throttled or wrong. Faults lie at the SDK's connector, so that
//! its own retries and time limits are part of what is tested (invariant 9).

use std::sync::Arc;
use std::time::Duration;

use crate::fake_kms::{FakeKms, REQUEST_ID, WRAPPING_KEY};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokensmith_issuer::keys::{EncryptionContext, KeyUse, PrivateKey, Signer, Wrapped};
use tokensmith_issuer::store::records::Client;
use tokensmith_tests::InProcess;
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::scopes;
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::{Algorithm, paths};

fn context(key_use: KeyUse) -> EncryptionContext {
    let issuer = "https://issuer.example".parse().expect("a URL");
    EncryptionContext::new(&issuer, key_use)
}

async fn issuer(kms: &FakeKms) -> InProcess {
    InProcess::kept_by(kms.custody(), |config| {
        config.algorithms = vec![Algorithm::EdDSA];
    })
    .await
}

async fn new_signer(kms: &FakeKms) -> Arc<dyn Signer> {
    let custody = kms.custody();
    let made = custody
        .make
        .new_key_pair(Algorithm::EdDSA, context(KeyUse::Signing))
        .await;
    let (public_key, private_key) = made.expect("a key");
    let signer = custody
        .sign
        .signer(Algorithm::EdDSA, &private_key)
        .await
        .expect("a signer");
    assert_eq!(*signer.public_key(), public_key);
    kms.take_attempts();
    signer
}

#[tokio::test]
async fn a_secret_opens_with_its_key_and_its_context_only() {
    let kms = FakeKms::new();
    let custody = kms.custody();
    let wrapped = custody
        .make
        .new_secret(context(KeyUse::Hmac))
        .await
        .expect("a secret");
    assert_eq!(
        custody.open.unwrap(&wrapped).await.expect("it opens").len(),
        32
    );

    let mut tampered = wrapped.ciphertext.clone().into_bytes();
    tampered[3] = if tampered[3] == b'A' { b'B' } else { b'A' };
    let touched = |change: fn(&mut Wrapped)| {
        let mut touched = wrapped.clone();
        change(&mut touched);
        touched
    };
    for (what, wrapped) in [
        (
            "ciphertext",
            Wrapped {
                ciphertext: String::from_utf8(tampered).expect("text"),
                ..wrapped.clone()
            },
        ),
        ("length", touched(|wrapped| wrapped.ciphertext.clear())),
        ("encoding", touched(|wrapped| wrapped.ciphertext.push('+'))),
        (
            "use",
            touched(|wrapped| wrapped.context.key_use = KeyUse::Signing),
        ),
        (
            "key id",
            touched(|wrapped| wrapped.context.key_id.push('x')),
        ),
        (
            "issuer",
            touched(|wrapped| {
                wrapped.context.issuer = "https://other.example".parse().expect("a URL");
            }),
        ),
    ] {
        assert!(custody.open.unwrap(&wrapped).await.is_err(), "{what}");
    }
    let other = kms.custody_under("alias/other");
    let err = other.open.unwrap(&wrapped).await.expect_err("another key");
    assert!(err.to_string().contains("IncorrectKeyException"), "{err}");
    // Without it nobody finds the call in CloudTrail.
    assert!(err.to_string().contains(REQUEST_ID), "{err}");
}

/// KMS opens a symmetric ciphertext without being told the key; then whoever can write the table chooses it.
#[tokio::test]
async fn every_decrypt_names_the_key_and_the_context() {
    let kms = FakeKms::new();
    let custody = kms.custody();
    let wrapped = custody
        .make
        .new_secret(context(KeyUse::Hmac))
        .await
        .expect("a secret");
    custody.open.unwrap(&wrapped).await.expect("it opens");
    let attempts = kms.take_attempts();
    for attempt in &attempts {
        let body = attempt.json();
        assert_eq!(body["KeyId"], WRAPPING_KEY);
        let bound = &body["EncryptionContext"];
        assert_eq!(bound["issuer"], "https://issuer.example");
        assert_eq!(bound["use"], "hmac");
        assert_eq!(bound["key_id"], wrapped.context.key_id);
    }
    let names: Vec<_> = attempts
        .iter()
        .map(|attempt| attempt.operation.as_str())
        .collect();
    assert_eq!(names, ["GenerateDataKeyWithoutPlaintext", "Decrypt"]);
}

/// Roles are limited to the keys of an issuer by their tags (invariant 11).
#[tokio::test]
async fn a_new_key_has_the_tags_of_its_issuer() {
    let kms = FakeKms::new();
    let context = context(KeyUse::Signing);
    let made = kms
        .custody()
        .make
        .new_key_pair(Algorithm::EdDSA, context.clone())
        .await;
    made.expect("a key");
    let body = kms.take_attempts()[0].json();
    let tags = body["Tags"].as_array().expect("tags");
    for (name, value) in [
        ("tokensmith:issuer", "https://issuer.example"),
        ("tokensmith:use", "signing"),
        ("tokensmith:key_id", &context.key_id),
    ] {
        let has = |tag: &&serde_json::Value| tag["TagKey"] == name && tag["TagValue"] == value;
        assert!(tags.iter().any(|tag| has(&tag)), "{name}: {tags:?}");
    }
    assert_eq!(body["KeyUsage"], "SIGN_VERIFY");
}

/// KMS takes at most 4,096 bytes as a raw message.
#[tokio::test]
async fn a_message_of_4096_bytes_is_signed_and_no_longer_one() {
    let kms = FakeKms::new();
    let signer = new_signer(&kms).await;
    assert_eq!(signer.longest_message(), 4096);
    assert_eq!(signer.sign(&[b'a'; 4096]).await.expect("signed").len(), 64);
    assert!(signer.sign(&[b'a'; 4097]).await.is_err());
}

/// A token of 5 KB: no KMS signs it with Ed25519, and a key in this process does.
#[tokio::test]
async fn a_token_that_kms_cannot_sign_is_refused_before_kms_or_the_table_are_asked() {
    let many: Vec<String> = (0..280).map(|n| format!("scope-{n:06}")).collect();
    let many = scopes(&many.join(" "));
    let kms = FakeKms::new();
    let in_process = InProcess::configured(|config| config.algorithms = vec![Algorithm::EdDSA]);
    for (issuer, expected) in [(issuer(&kms).await, 400), (in_process.await, 200)] {
        let wide = |client: &mut Client| client.scopes = many.clone();
        let client = issuer.confidential("app", wide).await;
        let grant = issuer.grant(&client, |grant| grant.scopes = many.clone());
        let grant = grant.await;
        kms.take_attempts();
        let answer = issuer.refresh(&client, &grant.token).await;
        assert_eq!(answer.status, expected, "{}", answer.body);
        assert!(kms.take_calls().iter().all(|call| call == "Decrypt"));
        let consumed = issuer.stored(&grant).await.generation == 2;
        assert_eq!(consumed, expected == 200);
    }
}

#[tokio::test]
async fn a_throttled_signature_is_asked_for_again() {
    let kms = FakeKms::new();
    let issuer = issuer(&kms).await;
    let client = issuer.confidential("app", |_| {}).await;
    kms.take_attempts();
    kms.plan([Some(Fault::Throttled), Some(Fault::Throttled)]);
    assert_eq!(issuer.client_credentials(&client).await.status, 200);
    assert_eq!(kms.take_calls(), ["Sign", "Sign", "Sign"]);
}

/// Invariant 9: 503 with `Retry-After`, and nothing is consumed; the retry gets what it would have got.
#[tokio::test(start_paused = true)]
async fn invariant_9_an_outage_of_kms_is_503_in_time_and_consumes_nothing() {
    for fault in [Fault::Throttled, Fault::Silence, Fault::After, Fault::Junk] {
        let kms = FakeKms::new();
        let issuer = issuer(&kms).await;
        let client = issuer.confidential("app", |_| {}).await;
        let grant = issuer.grant(&client, |_| {}).await;
        kms.outage(Some(fault));
        let started = tokio::time::Instant::now();
        let answer = issuer.refresh(&client, &grant.token).await;
        assert_eq!(answer.status, 503, "{fault:?}: {}", answer.body);
        assert_eq!(answer.json()["error"], "temporarily_unavailable");
        assert!(answer.headers.contains_key("retry-after"), "{fault:?}");
        assert!(started.elapsed() <= Duration::from_secs(5), "{fault:?}");
        assert_eq!(issuer.stored(&grant).await.generation, 1, "{fault:?}");
        let key = OwnKey::new(SignatureAlgorithm::ES256);
        let signing = issuer.signing("signs", &key).await;
        let assertion = key.assertion(&signing, &issuer);
        let own = [("grant_type", "client_credentials")];
        let asserted = issuer.post_asserted(paths::TOKEN, &own, &assertion).await;
        asserted.assert_unavailable();
        kms.outage(None);
        assert_eq!(issuer.refresh(&client, &grant.token).await.status, 200);
        let asserted = issuer.post_asserted(paths::TOKEN, &own, &assertion).await;
        assert_eq!(asserted.status, 200, "{fault:?}: {}", asserted.body);
    }
}

/// Invariant 1: an SDK that cannot parse an answer prints its bytes, and these are a key.
#[tokio::test]
async fn invariant_1_an_answer_of_kms_that_cannot_be_read_is_in_no_error() {
    let kms = FakeKms::new();
    let custody = kms.custody();
    let wrapped = custody.make.new_secret(context(KeyUse::Hmac)).await;
    let wrapped = wrapped.expect("a secret");
    let secret = custody.open.unwrap(&wrapped).await.expect("it opens");
    let printed = STANDARD.encode(&*secret);
    kms.outage(Some(Fault::CutOff));
    let err = custody
        .open
        .unwrap(&wrapped)
        .await
        .expect_err("it is cut off");
    let err = format!("{err} {err:?}");
    assert!(err.contains("Decrypt failed"), "{err}");
    for part in [&printed[..8], "Plaintext", "CiphertextBlob"] {
        assert!(!err.contains(part), "{part}: {err}");
    }
}

/// Signing twice is harmless.
#[tokio::test]
async fn a_signature_whose_answer_was_lost_is_made_again() {
    let kms = FakeKms::new();
    let issuer = issuer(&kms).await;
    let client = issuer.confidential("app", |_| {}).await;
    kms.take_attempts();
    kms.plan([Some(Fault::After)]);
    assert_eq!(issuer.client_credentials(&client).await.status, 200);
    assert_eq!(kms.take_calls(), ["Sign", "Sign"]);
}

/// Making a key twice is not: it costs money, and nobody knows the first.
#[tokio::test]
async fn a_new_key_whose_answer_was_lost_is_not_made_again() {
    let kms = FakeKms::new();
    kms.plan([Some(Fault::After)]);
    let custody = kms.custody();
    let made = custody
        .make
        .new_key_pair(Algorithm::EdDSA, context(KeyUse::Signing))
        .await;
    assert!(made.is_err());
    assert_eq!(kms.take_calls(), ["CreateKey"]);
}

#[tokio::test]
async fn a_disabled_key_is_503_until_it_is_enabled_again() {
    let kms = FakeKms::new();
    let issuer = issuer(&kms).await;
    let client = issuer.confidential("app", |_| {}).await;
    for state in ["Disabled", "PendingDeletion"] {
        kms.set_key_states(state);
        for function in [issuer.clone(), issuer.cold().await] {
            let answer = function.client_credentials(&client).await;
            assert_eq!(answer.status, 503, "{state}: {}", answer.body);
        }
        kms.set_key_states("Enabled");
        assert_eq!(
            issuer.client_credentials(&client).await.status,
            200,
            "{state}"
        );
    }
}

/// Nothing is signed with a key that is not the published one.
#[tokio::test]
async fn another_public_key_is_never_used() {
    let kms = FakeKms::new();
    let issuer = issuer(&kms).await;
    let client = issuer.confidential("app", |_| {}).await;
    for fault in [Fault::OtherKey, Fault::Junk] {
        let cold = issuer.cold().await;
        kms.take_attempts();
        kms.plan([Some(fault)]);
        assert_eq!(
            cold.client_credentials(&client).await.status,
            503,
            "{fault:?}"
        );
        assert_eq!(kms.take_calls(), ["GetPublicKey"]);
        assert_eq!(
            cold.client_credentials(&client).await.status,
            200,
            "{fault:?}"
        );
    }
}

/// Invariant 9, at cold start: what fails then is tried again by the next request.
#[tokio::test]
async fn invariant_9_a_cold_start_without_kms_is_503_and_then_works() {
    let kms = FakeKms::new();
    let issuer = issuer(&kms).await;
    let client = issuer.confidential("app", |_| {}).await;
    let cold = issuer.cold().await;
    kms.outage(Some(Fault::Throttled));
    let warm_up = cold
        .issuer
        .warm_up(&tokensmith_issuer::endpoint::TOKEN)
        .await;
    assert!(warm_up.is_err());
    assert_eq!(cold.client_credentials(&client).await.status, 503);
    kms.outage(None);
    assert_eq!(cold.client_credentials(&client).await.status, 200);
}

/// Issue 4: a warm token is one Sign, and nothing else.
#[tokio::test]
async fn a_warm_token_is_one_signature() {
    let kms = FakeKms::new();
    let issuer = issuer(&kms).await;
    let client = issuer.confidential("app", |_| {}).await;
    issuer.client_credentials(&client).await;
    kms.take_attempts();
    issuer.dynamo.take_calls();
    assert_eq!(issuer.client_credentials(&client).await.status, 200);
    assert_eq!(kms.take_calls(), ["Sign"]);
    assert!(issuer.dynamo.take_calls().is_empty());
}

/// Retired keys are scheduled for deletion; doing so again, or finding them gone, is success.
#[tokio::test]
async fn discarding_schedules_the_deletion_and_may_be_repeated() {
    let kms = FakeKms::new();
    let custody = kms.custody();
    let made = custody
        .make
        .new_key_pair(Algorithm::EdDSA, context(KeyUse::Signing))
        .await;
    let (_, key) = made.expect("a key");
    for _ in 0..2 {
        custody.make.discard(&key).await.expect("it is scheduled");
        assert_eq!(kms.key_states(), ["PendingDeletion"]);
    }
    let gone = PrivateKey::Kms {
        key_id: "arn:aws:kms:eu-central-1:111122223333:key/gone".to_owned(),
    };
    custody
        .make
        .discard(&gone)
        .await
        .expect("nothing is left to do");
    let secret = custody
        .make
        .new_secret(context(KeyUse::Signing))
        .await
        .expect("a secret");
    kms.take_attempts();
    custody
        .make
        .discard(&PrivateKey::Wrapped(secret))
        .await
        .expect("nothing to do");
    assert!(kms.take_calls().is_empty());
    kms.plan([Some(Fault::Throttled); 3]);
    assert!(custody.make.discard(&key).await.is_err());
}
