//! Invariant 7: a key signs only after it was published for the pre-publish period, and stays
//! published until its last token has expired. And: rotation may run twice at once, and die
//! anywhere.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use tokensmith_issuer::endpoint;
use tokensmith_issuer::keys::{HmacKeys, KeyRotation, RetireError, RotationPolicy};
use tokensmith_issuer::store::Record;
use tokensmith_issuer::store::records::{HMAC_KEYS, HmacKeyRecord, SIGNING_KEYS, SigningKey};
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::DAY;
use tokensmith_tests::{InProcess, TestClient};
use tokensmith_verifier::{Algorithm, JwkSet, VerificationKeys};

const HOUR: u64 = 60 * 60;
/// Two hours, and the ten seconds for which functions cache keys.
const PUBLISHED_AHEAD: u64 = 2 * HOUR + 10;
/// The longest lifetime of a token, the longest cache, and the skew of a verifier's clock.
const PUBLISHED_AFTER: u64 = DAY + 300 + 60;

async fn app(issuer: &InProcess) -> TestClient {
    issuer.confidential("app", |_| {}).await
}

async fn published(issuer: &InProcess) -> JwkSet {
    let request = http::Request::get(endpoint::JWKS.path).body(bytes::Bytes::new());
    let answer = issuer
        .issuer
        .handle(&endpoint::JWKS, request.expect("a request"));
    serde_json::from_slice(answer.await.body()).expect("a JWK set")
}

async fn kids(issuer: &InProcess) -> Vec<String> {
    let keys = published(issuer).await.keys;
    let names = keys.iter().map(|key| key.common.key_id.clone());
    names.map(|name| name.expect("a name")).collect()
}

/// The name of the key that signs now; its token verifies with what is published.
async fn signs(issuer: &InProcess, client: &TestClient) -> String {
    let token = issuer.client_credentials(client).await.access_token();
    let keys = VerificationKeys::new(&published(issuer).await).expect("usable keys");
    keys.signed_claims(&token).expect("it verifies");
    let header = token.split('.').next().expect("a header");
    let header = URL_SAFE_NO_PAD.decode(header).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a kid").to_owned()
}

async fn records(issuer: &InProcess) -> Vec<SigningKey> {
    let stored = issuer.table().query_all(SIGNING_KEYS).await.expect("keys");
    stored.into_iter().map(|key| key.record).collect()
}

/// A rotation whose own reads and writes go through the faults.
async fn faulty(issuer: &InProcess) -> KeyRotation {
    let table = tokensmith_local::make_table(issuer.dynamo.clone()).await;
    let config = &issuer.config;
    let policy = RotationPolicy::new(
        config.issuer.clone(),
        config.algorithms.clone(),
        config.cache_ttl,
    );
    issuer.dynamo.take_attempts();
    KeyRotation::new(
        table.expect("a table"),
        issuer.direct.custody.make.clone(),
        policy,
    )
}

#[tokio::test]
async fn invariant_7_a_successor_signs_when_everybody_can_know_it() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let first = signs(&issuer, &client).await;
    // One that has a warm function's view, and one that starts at each moment.
    let rotation = issuer.key_rotation(|_| {});
    let made = rotation.rotate(&[Algorithm::ES256], issuer.now());
    let made = made.await.expect("a successor").remove(0);
    let successor = made.kid.to_string();
    assert_eq!(
        made.active_from.since(issuer.now()).as_secs(),
        PUBLISHED_AHEAD
    );
    issuer.pass(10);
    assert_eq!(kids(&issuer).await, [first.clone(), successor.clone()]);
    issuer.pass(PUBLISHED_AHEAD - 11);
    for function in [issuer.clone(), issuer.cold().await] {
        assert_eq!(signs(&function, &client).await, first);
    }
    // Within its cache a warm function may go on with the old key.
    issuer.pass(10);
    for function in [issuer.clone(), issuer.cold().await] {
        assert_eq!(signs(&function, &client).await, successor);
        assert_eq!(kids(&function).await, [successor.clone(), first.clone()]);
    }
    issuer.pass(PUBLISHED_AFTER - 10);
    assert_eq!(kids(&issuer).await, [successor.clone(), first]);
    issuer.pass(10);
    assert_eq!(kids(&issuer).await, [successor]);
}

#[tokio::test]
async fn a_run_does_what_is_due_and_nothing_else() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let rotation = issuer.key_rotation(|_| {});
    let first = signs(&issuer, &client).await;
    for _ in 0..2 {
        let before = issuer.items().await;
        let done = rotation.run(issuer.now()).await.expect("a run");
        assert!(
            done.created.is_empty() && done.ended.is_empty() && done.hmac_key_version.is_none()
        );
        assert_eq!(issuer.items().await, before);
        issuer.pass(90 * DAY - 1);
    }
    issuer.pass(2);
    let done = rotation.run(issuer.now()).await.expect("a run");
    assert_eq!(done.created.len(), 1);
    assert_eq!(done.hmac_key_version, Some(2));
    let again = rotation.run(issuer.now()).await.expect("a run");
    assert!(again.created.is_empty() && again.hmac_key_version.is_none());
    issuer.pass(PUBLISHED_AHEAD);
    assert_ne!(signs(&issuer, &client).await, first);
    issuer.pass(PUBLISHED_AFTER);
    let done = rotation.run(issuer.now()).await.expect("a run");
    let ended: Vec<_> = done.ended.iter().map(ToString::to_string).collect();
    assert_eq!(ended, [first]);
    assert_eq!(records(&issuer).await.len(), 1);
}

#[tokio::test]
async fn runs_at_once_make_one_key() {
    let issuer = InProcess::configured(|config| config.algorithms = Algorithm::ALL.into()).await;
    issuer.pass(90 * DAY);
    let rotation = Arc::new(issuer.key_rotation(|_| {}));
    let runs: Vec<_> = (0..8)
        .map(|_| {
            let (rotation, now) = (rotation.clone(), issuer.now());
            tokio::spawn(async move { rotation.run(now).await.expect("a run") })
        })
        .collect();
    for run in runs {
        run.await.expect("it ends");
    }
    assert_eq!(records(&issuer).await.len(), 2 * Algorithm::ALL.len());
    let hmac = issuer.table().query_all::<HmacKeyRecord>(HMAC_KEYS).await;
    let hmac = hmac.expect("keys");
    assert_eq!(hmac.len(), 2);
    assert!(hmac[0].expires_at.is_some() && hmac[1].expires_at.is_none());
}

/// Invariant 8: whatever call fails, before or after it was carried out, the next run finishes.
#[tokio::test(start_paused = true)]
async fn invariant_8_a_run_that_ends_anywhere_is_finished_by_the_next() {
    for at in 0.. {
        for fault in [Fault::Before, Fault::After] {
            let issuer = InProcess::start().await;
            issuer.pass(90 * DAY);
            let rotation = faulty(&issuer).await;
            // The SDK tries three times: an outage that outlasts it is a death at this call.
            let plan = std::iter::repeat_n(None, at).chain([Some(fault); 3]);
            issuer.dynamo.plan(plan);
            let outcome = rotation.run(issuer.now()).await;
            let calls = issuer.dynamo.take_calls().len();
            issuer.dynamo.plan([]);
            rotation.run(issuer.now()).await.expect("the next run");
            assert_eq!(records(&issuer).await.len(), 2, "{at} {fault:?}");
            let hmac = issuer.table().query_all::<HmacKeyRecord>(HMAC_KEYS).await;
            let hmac = hmac.expect("keys");
            let ends: Vec<_> = hmac.iter().map(|key| key.expires_at.is_some()).collect();
            assert_eq!(ends[ends.len() - 1..], [false], "{at} {fault:?}");
            assert!(ends[..ends.len() - 1].iter().all(|ends| *ends), "{at}");
            if outcome.is_ok() && calls <= at {
                assert!(at >= 5, "it was interrupted at every one of its calls");
                return;
            }
        }
    }
}

#[tokio::test]
async fn a_compromised_key_is_replaced_at_once() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let rotation = issuer.key_rotation(|_| {});
    let old = issuer.client_credentials(&client).await.access_token();
    let first = signs(&issuer, &client).await;
    let pending = rotation.rotate(&[Algorithm::ES256], issuer.now()).await;
    let pending = pending.expect("a successor").remove(0).kid.to_string();
    assert!(issuer.is_active(&client, &old).await);

    let rotated = rotation.rotate_now(&[Algorithm::ES256], issuer.now()).await;
    let rotated = rotated.expect("a new key");
    let mut withdrawn: Vec<_> = rotated.withdrawn.iter().map(ToString::to_string).collect();
    withdrawn.sort();
    let mut expected = vec![first, pending];
    expected.sort();
    assert_eq!(withdrawn, expected);
    let new = rotated.created[0].kid.to_string();
    // A function whose clock is behind has to sign as well.
    let skew = Duration::from_secs(1);
    assert_eq!(rotated.created[0].active_from, issuer.now().before(skew));
    let cold = issuer.cold().await;
    assert_eq!(signs(&cold, &client).await, new);
    issuer.pass(10);
    assert_eq!(signs(&issuer, &client).await, new);
    assert_eq!(kids(&issuer).await, [new]);
    assert!(!issuer.is_active(&client, &old).await);
}

#[tokio::test]
async fn only_a_key_that_does_not_sign_is_retired_by_name() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let rotation = issuer.key_rotation(|_| {});
    let first = signs(&issuer, &client).await;
    let refused = rotation.retire(&first, issuer.now()).await;
    assert!(matches!(refused, Err(RetireError::Active)));
    let unknown = rotation.retire("nobody", issuer.now()).await;
    assert!(matches!(unknown, Err(RetireError::Unknown)));

    let made = rotation.rotate(&[Algorithm::ES256], issuer.now()).await;
    let pending = made.expect("a successor").remove(0).kid.to_string();
    rotation
        .retire(&pending, issuer.now())
        .await
        .expect("it is retired");
    issuer.pass(PUBLISHED_AHEAD);
    assert_eq!(signs(&issuer, &client).await, first);
    assert_eq!(kids(&issuer).await, std::slice::from_ref(&first));

    let made = rotation.rotate(&[Algorithm::ES256], issuer.now()).await;
    let next = made.expect("a successor").remove(0).kid.to_string();
    assert_ne!(next, pending);
    issuer.pass(PUBLISHED_AHEAD);
    rotation
        .retire(&first, issuer.now())
        .await
        .expect("it is retired");
    issuer.pass(10);
    assert_eq!(kids(&issuer).await, [next]);
}

/// Three rotations with short periods, at every second one token by a warm function and one by a
/// cold one: a verifier that fetches the key set every ten seconds knows each key before it signs.
#[tokio::test]
async fn invariant_7_no_token_is_signed_by_a_key_that_a_verifier_may_not_know() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let rotation = issuer.key_rotation(|policy| {
        policy.period = Duration::from_secs(60);
        policy.publish_ahead = Duration::from_secs(10);
    });
    let mut verifier = published(&issuer).await;
    let mut signed_by = std::collections::BTreeSet::new();
    for second in 0..300 {
        rotation.run(issuer.now()).await.expect("a run");
        for function in [issuer.clone(), issuer.cold().await] {
            let token = function.client_credentials(&client).await.access_token();
            let known = VerificationKeys::new(&verifier).expect("usable keys");
            let claims = known.signed_claims(&token);
            assert!(claims.is_ok(), "second {second}: {claims:?}");
            signed_by.insert(signs(&function, &client).await);
        }
        issuer.pass(1);
        if second % 10 == 9 {
            verifier = published(&issuer).await;
        }
    }
    assert!(signed_by.len() >= 4, "{signed_by:?}");
}

/// The check of a new stack starts functions before there are keys, and callers come right after.
#[tokio::test]
async fn a_process_that_was_there_before_the_first_keys_uses_them_a_second_later() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let (signing, hmac) = keys_of(&issuer).await;
    for key in &signing {
        let gone = issuer.table().delete(&key.key()).await;
        gone.expect("a deletion");
    }
    for key in &hmac {
        let gone = issuer.table().delete(&key.key()).await;
        gone.expect("a deletion");
    }
    let early = issuer.cold().await;
    assert!(kids(&early).await.is_empty());
    early.client_credentials(&client).await.assert_unavailable();
    let (table, custody) = (early.table().reader(), early.direct.custody.open.clone());
    let proving = HmacKeys::new(table, custody, early.config.cache_ttl);
    assert!(proving.newest(early.now()).await.is_err());

    for key in &signing {
        issuer.table().insert(key).await.expect("an insertion");
    }
    for key in &hmac {
        issuer.table().insert(key).await.expect("an insertion");
    }
    early.pass(1);
    let answer = early.client_credentials(&client).await;
    assert!(early.is_active(&client, &answer.access_token()).await);
    assert!(proving.newest(early.now()).await.is_ok());
    assert_eq!(early.refresh(&client, &grant.token).await.status, 200);
}

async fn keys_of(issuer: &InProcess) -> (Vec<SigningKey>, Vec<HmacKeyRecord>) {
    let stored = issuer.table().query_all(HMAC_KEYS).await.expect("keys");
    (
        records(issuer).await,
        stored.into_iter().map(|key| key.record).collect(),
    )
}
