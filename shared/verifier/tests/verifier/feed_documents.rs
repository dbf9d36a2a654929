//! The feed document: which ones are accepted, and that one is the same after it was written and
//! read.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};
use tokensmith_verifier::{
    Algorithm, FeedDocument, FeedRejection, FeedSettings, JwkSet, Rejection, Revocation,
    RevocationKind, RevocationView, SourceUnavailable, VerificationKeys,
};

use crate::support::{Feed, Forger, ISSUER, START, World};

struct Reader {
    feed: Arc<Feed>,
    keys: VerificationKeys,
}

impl Reader {
    fn new() -> Self {
        let key = Forger::generate(Algorithm::EdDSA);
        let published = JwkSet {
            keys: vec![key.jwk.clone()],
        };
        Self {
            feed: Feed::new(Arc::new(key), 100),
            keys: VerificationKeys::new(&published).expect("a key"),
        }
    }

    fn read(&self, jws: &str) -> Result<FeedDocument, FeedRejection> {
        let verified = FeedDocument::verified(jws, &self.keys, ISSUER, START - 30, START);
        verified.map(|(key_id, document)| {
            assert_eq!(key_id, self.feed.key.kid);
            document
        })
    }

    /// A valid payload, except for one member.
    fn altered(&self, member: &str, value: Value) -> String {
        let mut payload = self.feed.payload(START - 30, START);
        payload[member] = value;
        self.feed.sign(&payload)
    }
}

#[test]
fn a_document_that_does_not_fit_is_refused() {
    let reader = Reader::new();
    let good = reader.feed.payload(START - 30, START);
    assert!(reader.read(&reader.feed.sign(&good)).is_ok());
    for (member, value, expected) in [
        (
            "iss",
            json!("https://other.example"),
            Rejection::WrongIssuer.into(),
        ),
        ("exp", json!(START - 60), Rejection::Expired.into()),
        ("iat", json!(START + 61), Rejection::NotYetValid.into()),
        ("from", json!(START - 29), FeedRejection::Gap),
        ("until", json!(START - 31), FeedRejection::NoProgress),
        ("until", json!(START + 1), FeedRejection::FromTheFuture),
        ("until", json!(null), Rejection::Malformed.into()),
        ("more", json!("no"), Rejection::Malformed.into()),
        ("entries", json!({}), Rejection::Malformed.into()),
    ] {
        let read = reader.read(&reader.altered(member, value.clone()));
        assert_eq!(read, Err(expected), "{member} {value}");
    }
    let mut stuck = good;
    stuck["until"] = json!(START - 30);
    assert!(
        reader.read(&reader.feed.sign(&stuck)).is_ok(),
        "nothing new"
    );
    stuck["more"] = json!(true);
    assert_eq!(
        reader.read(&reader.feed.sign(&stuck)),
        Err(FeedRejection::NoProgress)
    );
    assert!(
        reader.read(&reader.altered("from", json!(0))).is_ok(),
        "more than was asked for"
    );
}

/// A signed token is never accepted as a feed document, nor the reverse: `typ` tells them apart
/// (RFC 8725 §3.11).
#[tokio::test]
async fn tokens_and_feed_documents_are_never_taken_for_each_other() {
    let reader = Reader::new();
    let payload = reader.feed.payload(START - 30, START);
    let as_token = reader.feed.key.token(&payload);
    assert_eq!(reader.read(&as_token), Err(Rejection::WrongType.into()));

    let world = World::new(&[&reader.feed.key]);
    let as_feed = reader.feed.sign(&world.claims());
    assert_eq!(
        world.verify(&as_feed).await,
        Err(Rejection::WrongType.into())
    );
}

#[test]
fn a_document_of_another_key_is_refused() {
    let (reader, other) = (Reader::new(), Reader::new());
    let payload = other.feed.payload(START - 30, START);
    let unknown = other.feed.sign(&payload);
    assert_eq!(reader.read(&unknown), Err(Rejection::UnknownKey.into()));
    let forged = other.feed.key.sign(&reader.feed.header(), &payload);
    assert_eq!(reader.read(&forged), Err(Rejection::BadSignature.into()));
}

/// An old document that is replayed must not hide newer revocations.
#[tokio::test]
async fn a_replay_does_not_take_the_view_back() {
    let key = Arc::new(Forger::generate(Algorithm::EdDSA));
    let mut settings = FeedSettings::default();
    settings.stale.max_age = Duration::from_secs(10);
    let world = World::configured(&[&key], |builder| builder.revocation_feed(settings));
    let feed = Feed::new(key, 100);
    world.serve_feed(&feed);
    let token = world.token(&feed.key);
    let old = feed.sign(&feed.payload(0, START));
    world.pass(10);
    world.verify(&token).await.expect("a good token");
    assert_eq!(world.verifier.revocation_staleness(), Some(0));

    world.issuer.serve_feed(move |_| old.clone());
    for age in [5, 10] {
        world.pass(5);
        world.verify(&token).await.expect("a good token");
        assert_eq!(world.verifier.revocation_staleness(), Some(age));
    }
    world.pass(5);
    let reason = "the revocation feed is older than what is known".to_owned();
    let refused = world.verify(&token).await;
    assert_eq!(refused, Err(SourceUnavailable::Revocations(reason).into()));
}

#[test]
fn an_entry_is_written_as_documented() {
    let entries = json!([
        Revocation::of_token("j", 5),
        Revocation::of_subject("s", 3, 5),
        Revocation::of_key("k", 5),
    ]);
    let hash = |domain: &str, name: &str| {
        let text = format!("tokensmith revoked {domain}\0{name}");
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        crate::support::base64url(&hash.as_ref()[..16])
    };
    let expected = json!([
        { "kind": "token", "hash": hash("token", "j"), "until": 5 },
        { "kind": "subject", "hash": hash("subject", "s"), "not_before": 3, "until": 5 },
        { "kind": "key", "hash": hash("key", "k"), "until": 5 },
    ]);
    assert_eq!(entries, expected);
}

/// The kinds of later releases: one of them must not make a verifier refuse the whole document.
#[test]
fn an_entry_of_an_unknown_kind_is_kept_by_its_hash() {
    let hash = "AAAAAAAAAAAAAAAAAAAAAA";
    for (more, until) in [(json!({}), u64::MAX), (json!({ "not_before": 3 }), 3)] {
        let mut entry = json!({ "kind": "something_new", "hash": hash, "until": 5 });
        let members = more.as_object().expect("an object").clone();
        entry.as_object_mut().expect("an object").extend(members);
        let entry: Revocation = serde_json::from_value(entry).expect("an entry");
        let view = RevocationView::new();
        view.apply([entry], 1);
        assert_eq!(view.len(), 1);
        assert_eq!(view.not_before(entry.hash(), 5), Some(until));
    }
    let unnamed = json!({ "kind": "something_new", "hash": "AAAA", "until": 5 });
    assert!(serde_json::from_value::<Revocation>(unnamed).is_err());
}

#[test]
fn a_malformed_entry_is_refused() {
    let hash = "AAAAAAAAAAAAAAAAAAAAAA";
    let good = json!({ "kind": "grant", "hash": hash, "until": 5 });
    assert!(serde_json::from_value::<Revocation>(good).is_ok());
    for bad in [
        json!({ "kind": "grant", "hash": hash, "until": 5, "not_before": 1 }),
        json!({ "kind": "client", "hash": hash, "until": 5 }),
        json!({ "kind": "grant", "hash": hash }),
        json!({ "kind": "grant", "hash": "AAAA", "until": 5 }),
        json!({ "kind": "grant", "hash": format!("{hash}AA"), "until": 5 }),
        json!({ "kind": "grant", "hash": "not base64url!!!!!!!!!", "until": 5 }),
    ] {
        assert!(
            serde_json::from_value::<Revocation>(bad.clone()).is_err(),
            "{bad}"
        );
    }
}

fn revocations() -> impl Strategy<Value = Revocation> {
    (0..5, "[ -~]{0,20}", any::<u64>(), any::<u64>()).prop_map(|(kind, name, not_before, until)| {
        match kind {
            0 => Revocation::of_token(&name, until),
            1 => Revocation::of_grant(&name, until),
            2 => Revocation::of_client(&name, not_before, until),
            3 => Revocation::of_subject(&name, not_before, until),
            _ => Revocation::of_key(&name, until),
        }
    })
}

proptest! {
    #[test]
    fn a_document_survives_signing_and_reading(
        entries in prop::collection::vec(revocations(), 0..50),
        from in 0..=START - 30,
        until in START - 29..=START,
        more: bool,
    ) {
        let reader = Reader::new();
        let document = FeedDocument {
            iss: ISSUER.to_owned(),
            iat: START,
            exp: START + 60,
            from,
            until,
            more,
            entries,
        };
        let jws = reader.feed.sign(&json!(document));
        prop_assert_eq!(reader.read(&jws), Ok(document));
    }

    #[test]
    fn hashes_of_different_things_differ(one in "[a-z]{1,8}", other in "[a-z]{1,8}") {
        let until = 5;
        let all = [
            Revocation::of_token(&one, until),
            Revocation::of_grant(&one, until),
            Revocation::of_client(&one, 1, until),
            Revocation::of_subject(&one, 1, until),
            Revocation::of_key(&one, until),
        ];
        let hashes: std::collections::HashSet<_> = all.iter().map(Revocation::hash).collect();
        prop_assert_eq!(hashes.len(), 5);
        let same = Revocation::of_token(&other, until).hash() == all[0].hash();
        prop_assert_eq!(same, one == other);
        prop_assert_eq!(all[2].revoked(), RevocationKind::Client { not_before: 1 });
    }
}
