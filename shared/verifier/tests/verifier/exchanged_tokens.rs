//! Tokens that were exchanged (RFC 8693): who acts, and what ends them.

use serde_json::json;
use tokensmith_verifier::{
    AccessTokenClaims, Algorithm, Parent, Refusal, Rejection, Revocation, RevocationStatus,
    RevocationView, SignedClaims,
};

use crate::support::{Forger, START, World};

#[tokio::test]
async fn rfc8693_4_1_a_verifier_tells_who_acts_and_what_the_token_rests_on() {
    let key = Forger::generate(Algorithm::ES256);
    let world = World::new(&[&key]);
    let mut claims = world.claims();
    claims["act"] = json!({ "sub": "agent", "act": { "sub": "api" } });
    claims["parents"] = json!([{ "key": "k" }, { "jti": "j", "client_id": "app" }]);
    let verified = world.verifier.verify(&key.token(&claims)).await;
    let verified = verified.expect("a valid token");
    assert_eq!(verified.subject(), "alice");
    assert_eq!(
        verified.actor().map(|actor| actor.sub.as_str()),
        Some("agent")
    );
    assert_eq!(verified.actors().collect::<Vec<_>>(), ["agent", "api"]);
    assert_eq!(verified.api_key_id(), Some("k"));
    assert_eq!(verified.parents().len(), 2);
    assert_eq!(verified.get("act"), None);
    let own = world.verifier.verify(&key.token(&world.claims())).await;
    let own = own.expect("a valid token");
    assert_eq!(
        (own.actor(), own.actors().count(), own.parents()),
        (None, 0, &[][..])
    );
}

/// What else ends such a token, this verifier cannot know.
#[tokio::test]
async fn a_token_with_a_parent_of_an_unknown_kind_is_refused() {
    let key = Forger::generate(Algorithm::ES256);
    let world = World::new(&[&key]);
    for unknown in [
        json!([{ "rule": "r" }]),
        json!([{ "key": "k" }, { "session": "s" }]),
        json!([{ "jti": "j", "client_id": "c", "session": "s" }]),
        json!([{ "jti": "j" }]),
        json!("k"),
    ] {
        let mut claims = world.claims();
        claims["parents"] = unknown.clone();
        let refused = world.verifier.verify(&key.token(&claims)).await;
        let malformed = Refusal::Rejected(Rejection::Malformed);
        assert_eq!(refused.err(), Some(malformed), "{unknown}");
    }
}

fn signed() -> SignedClaims {
    let token = |jti: &str, client_id: &str, grant_id: Option<&str>, kid: Option<&str>| {
        let text = |name: &str| name.to_owned();
        Parent::Token {
            jti: jti.to_owned(),
            client_id: client_id.to_owned(),
            grant_id: grant_id.map(text),
            kid: kid.map(|kid| kid.to_owned().into()),
        }
    };
    let claims = json!({
        "iss": "https://issuer.example", "sub": "alice", "aud": "https://api.example", "exp": START + 600, "iat": START,
        "jti": "third", "client_id": "agent", "act": { "sub": "bob", "act": { "sub": "api" } },
    });
    let mut claims: AccessTokenClaims = serde_json::from_value(claims).expect("claims");
    claims.parents = vec![
        token("first", "app", Some("grant"), Some("old")),
        token("second", "api", None, None),
        Parent::ApiKey {
            key: "key".to_owned(),
        },
    ];
    SignedClaims {
        key_id: "new".to_owned().into(),
        claims,
    }
}

#[test]
fn invariant_4_what_ends_a_parent_or_an_actor_ends_the_token() {
    let until = START + 600;
    for (entry, expected) in [
        (
            Revocation::of_token("first", until),
            Rejection::TokenRevoked,
        ),
        (
            Revocation::of_token("second", until),
            Rejection::TokenRevoked,
        ),
        (
            Revocation::of_grant("grant", until),
            Rejection::GrantRevoked,
        ),
        (
            Revocation::of_client("app", START, until),
            Rejection::ClientRevoked,
        ),
        (
            Revocation::of_client("api", START, until),
            Rejection::ClientRevoked,
        ),
        (
            Revocation::of_subject("alice", START, until),
            Rejection::SubjectRevoked,
        ),
        (
            Revocation::of_subject("bob", START, until),
            Rejection::SubjectRevoked,
        ),
        (
            Revocation::of_api_key("key", START, until),
            Rejection::ApiKeyEnded,
        ),
        (Revocation::of_key("old", until), Rejection::KeyWithdrawn),
        (Revocation::of_key("new", until), Rejection::KeyWithdrawn),
    ] {
        let view = RevocationView::new();
        view.apply([entry], START);
        let status = view.status_of(&signed(), START);
        assert_eq!(
            status.rejection(&signed().claims),
            Some(expected),
            "{entry:?}"
        );
    }
    // Tokens that were issued later, and keys that end later.
    let view = RevocationView::new();
    let later = [
        Revocation::of_client("app", START - 1, until),
        Revocation::of_subject("bob", START - 1, until),
        Revocation::of_api_key("key", START + 1, until),
        Revocation::of_token("grant", until),
        Revocation::of_key("first", until),
    ];
    view.apply(later, START);
    let status = view.status_of(&signed(), START);
    assert_eq!(status.rejection(&signed().claims), None);
    assert_ne!(status, RevocationStatus::default());
}
