//! Invariant 4: what a withdrawn key has signed is refused within the interval, by those who read the
//! table and by those who read the signed feed.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokensmith_issuer::endpoint;
use tokensmith_issuer::store::FeedSelection;
use tokensmith_tests::InProcess;
use tokensmith_verifier::{Refusal, Rejection, RevocationHash, StalePolicy};

use crate::revocation_views::{INTERVAL, started, verdict, verifiers};

/// Invariant 4: a verifier may have cached the public half for minutes, and use it for a day.
#[tokio::test]
async fn invariant_4_a_withdrawn_key_is_refused_within_the_interval() {
    for frozen_for in [INTERVAL, 3600] {
        for how in ["replaced", "restored", "retired"] {
            let issuer = InProcess::configured(|config| {
                config.access_ttl = Duration::from_secs(2 * 3600);
                config.cache_ttl = Duration::ZERO;
            });
            let issuer = issuer.await;
            let client = issuer.confidential("app", |_| {}).await;
            let verifiers = verifiers(&issuer, StalePolicy::default()).await;
            let token = issuer.client_credentials(&client).await.access_token();
            for verifier in &verifiers {
                assert_eq!(verdict(verifier, &token).await, Ok(()), "{how}");
            }
            let admin = issuer.administrator();
            match how {
                "replaced" => drop(admin.replace_keys(Vec::new()).await.expect("replaced")),
                "restored" => drop(admin.restore(None).await.expect("restored")),
                _ => {
                    let old = admin.signing_keys().await.expect("a list")[0]
                        .key
                        .jwk
                        .kid
                        .clone();
                    admin.rotate_keys(Vec::new()).await.expect("a successor");
                    issuer.pass(2 * 3600 + 60);
                    let retired = admin.retire_key(old.as_str().to_owned()).await;
                    retired.expect("it is withdrawn");
                }
            }
            issuer.pass(frozen_for);
            let new = issuer.client_credentials(&client).await.access_token();
            for (number, verifier) in verifiers.iter().enumerate() {
                let refused = verdict(verifier, &token).await;
                if how != "retired" {
                    let expected = [Rejection::KeyWithdrawn, Rejection::UnknownKey];
                    let expected = expected.map(|rejection| Err(Refusal::Rejected(rejection)));
                    assert!(expected.contains(&refused), "{how} {number}: {refused:?}");
                } else {
                    assert!(refused.is_err(), "{how} {number}");
                }
                assert_eq!(verdict(verifier, &new).await, Ok(()), "{how} {number}");
            }
        }
    }
}

/// Warm keys, warm view: it is the feed that tells.
#[tokio::test]
async fn invariant_4_the_feed_tells_that_a_key_was_withdrawn() {
    let (issuer, client, verifiers) = started().await;
    let token = issuer.client_credentials(&client).await.access_token();
    for verifier in &verifiers {
        assert_eq!(verdict(verifier, &token).await, Ok(()));
    }
    let replaced = issuer.administrator().replace_keys(Vec::new()).await;
    replaced.expect("replaced");
    issuer.pass(INTERVAL);
    for verifier in &verifiers {
        let refused = verdict(verifier, &token).await;
        assert_eq!(refused, Err(Refusal::Rejected(Rejection::KeyWithdrawn)));
    }
}

/// The feed that names a withdrawn key is signed by another one, also by a function that has the
/// withdrawn one in its cache.
#[tokio::test]
async fn a_withdrawn_key_never_signs_the_feed() {
    let issuer = InProcess::configured(|config| config.cache_ttl = Duration::from_secs(300)).await;
    let signed_by = async || {
        let request = Request::get("/oauth2/revocations").body(Bytes::new());
        let request = request.expect("a request");
        let answer = issuer.issuer.handle(&endpoint::REVOCATIONS, request).await;
        assert_eq!(answer.status(), 200);
        header_of(std::str::from_utf8(answer.body()).expect("text"))
    };
    let old = signed_by().await;
    let replaced = issuer.administrator().replace_keys(Vec::new()).await;
    let replaced = replaced.expect("replaced").outcome;
    assert!(old.contains(replaced.withdrawn[0].as_str()));
    issuer.pass(INTERVAL);
    assert!(signed_by().await.contains(replaced.created[0].kid.as_str()));
}

fn header_of(jws: &str) -> String {
    use base64::Engine;
    let part = jws.split('.').next().expect("a header");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
    String::from_utf8(bytes.expect("base64url")).expect("text")
}

/// The index is throttled while the table answers: the keys themselves say what was withdrawn.
#[tokio::test]
async fn invariant_4_a_throttled_index_hides_no_withdrawn_key() {
    let (issuer, client, [_, verifier]) = started().await;
    let token = issuer.client_credentials(&client).await.access_token();
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
    let replaced = issuer.administrator().replace_keys(Vec::new()).await;
    replaced.expect("replaced");
    for passed in [INTERVAL, 1, 130] {
        issuer.dynamo.throttle_index(true);
        issuer.pass(passed);
        let refused = verdict(&verifier, &token).await;
        let expected = Err(Refusal::Rejected(Rejection::KeyWithdrawn));
        assert_eq!(refused, expected, "{passed}");
    }
}

/// A withdrawn key stays in the feed for two days, and its record with it.
#[tokio::test]
async fn a_withdrawn_key_stays_in_the_feed_for_48_hours() {
    let issuer = InProcess::start().await;
    let replaced = issuer.administrator().replace_keys(Vec::new()).await;
    let withdrawn = replaced.expect("replaced").outcome.withdrawn;
    let listed = async || {
        let live = FeedSelection::LiveAt(issuer.now());
        let page = issuer.table().query_feed(live, None, None).await;
        let entries = page.expect("a page").entries;
        entries
            .iter()
            .any(|entry| entry.revocation.hash() == RevocationHash::of_key(withdrawn[0].as_str()))
    };
    for (passed, is_listed) in [(0, true), (48 * 3600 - 1, true), (1, false)] {
        issuer.pass(passed);
        let ran = issuer.key_rotation(|_| {}).run(issuer.now()).await;
        assert_eq!(ran.expect("a run").ended.is_empty(), is_listed);
        assert_eq!(listed().await, is_listed, "{passed}");
    }
}
