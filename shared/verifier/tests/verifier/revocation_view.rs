//! The view of live revocations: what it contains, for how long, and how old it is.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokensmith_verifier::{
    AccessTokenClaims, Algorithm, Audiences, CLOCK_SKEW_SECONDS, Rejection, Revocation,
    RevocationSource, RevocationStatus, RevocationView, SignedClaims, SourceUnavailable,
    StalePolicy, WhenStale,
};

use crate::support::{AUDIENCE, Forger, ISSUER, START, World};

fn claims() -> AccessTokenClaims {
    AccessTokenClaims {
        iss: ISSUER.to_owned(),
        sub: "alice".to_owned(),
        aud: Audiences::One(AUDIENCE.to_owned()),
        exp: START + 600,
        nbf: None,
        iat: START,
        jti: "token-1".to_owned(),
        client_id: "app".to_owned(),
        scope: None,
        grant_id: Some("grant-1".to_owned()),
        act: None,
        cnf: None,
        parents: Vec::new(),
        other: Default::default(),
    }
}

/// The same, signed by the key `key-1`.
fn signed(claims: AccessTokenClaims) -> SignedClaims {
    SignedClaims {
        key_id: "key-1".to_owned().into(),
        claims,
    }
}

fn view_of(entries: impl IntoIterator<Item = Revocation>) -> RevocationView {
    let view = RevocationView::new();
    view.apply(entries, START);
    view
}

#[test]
fn each_kind_revokes_what_it_names_and_nothing_else() {
    let until = START + 600;
    let none = RevocationStatus::default();
    for (entry, standing) in [
        (
            Revocation::of_token("token-1", until),
            RevocationStatus {
                token_revoked: true,
                ..none
            },
        ),
        (
            Revocation::of_grant("grant-1", until),
            RevocationStatus {
                grant_revoked: true,
                ..none
            },
        ),
        (
            Revocation::of_client("app", START + 3, until),
            RevocationStatus {
                client_not_before: Some(START + 3),
                ..none
            },
        ),
        (
            Revocation::of_subject("alice", u64::MAX, until),
            RevocationStatus {
                subject_not_before: Some(u64::MAX),
                ..none
            },
        ),
        (
            Revocation::of_key("key-1", until),
            RevocationStatus {
                key_withdrawn: true,
                ..none
            },
        ),
        (Revocation::of_key("key-2", until), none),
        (Revocation::of_token("key-1", until), none),
        (Revocation::of_token("token-2", until), none),
        (Revocation::of_token("grant-1", until), none),
        (Revocation::of_grant("token-1", until), none),
        (Revocation::of_client("alice", START, until), none),
        (Revocation::of_subject("app", START, until), none),
    ] {
        let view = view_of([entry]);
        assert_eq!(
            view.status_of(&signed(claims()), START),
            standing,
            "{entry:?}"
        );
        assert_eq!(view.len(), 1);
    }
    let mut without_grant = claims();
    without_grant.grant_id = None;
    let view = view_of([Revocation::of_grant("", until)]);
    assert_eq!(view.status_of(&signed(without_grant), START), none);
}

/// Verifiers accept a token for the clock skew after its `exp`, so it stays revoked for as long.
#[test]
fn an_entry_leaves_when_the_last_token_it_concerns_has_expired() {
    let view = view_of((0..1000).map(|n| Revocation::of_token(&format!("token-{n}"), START + 600)));
    let last = START + 600 + CLOCK_SKEW_SECONDS;
    assert!(view.status_of(&signed(claims()), last).token_revoked);
    assert!(!view.status_of(&signed(claims()), last + 1).token_revoked);
    for _ in 0..64 {
        view.apply([], last);
    }
    assert_eq!(view.len(), 1000);
    for _ in 0..64 {
        view.apply([], last + 1);
    }
    assert!(view.is_empty());
}

/// Overlapping reads repeat entries, and can bring older ones after newer ones.
#[test]
fn entries_may_come_again_and_in_any_order() {
    let later = Revocation::of_client("app", START + 10, START + 700);
    let earlier = Revocation::of_client("app", START - 10, START + 650);
    for order in [[later, earlier], [earlier, later], [later, later]] {
        let view = view_of(order);
        let standing = view.status_of(&signed(claims()), START + 700);
        assert_eq!(standing.client_not_before, Some(START + 10));
        assert_eq!(view.len(), 1);
    }
}

/// A `not_before` that was wrongly far ahead is lowered by a later entry, which ends later.
#[test]
fn the_entry_that_ends_later_is_the_newer_one() {
    let ahead = Revocation::of_client("app", START + 100_000, START + 200_000);
    let lowered = Revocation::of_client("app", START + 3, START + 200_001);
    for order in [[ahead, lowered], [lowered, ahead]] {
        let status = view_of(order).status_of(&signed(claims()), START);
        assert_eq!(status.client_not_before, Some(START + 3));
    }
}

#[test]
fn a_view_is_as_old_as_the_moment_it_is_complete_up_to() {
    let view = RevocationView::new();
    assert_eq!(view.staleness(START), None);
    view.apply([], START);
    assert_eq!(view.staleness(START + 7), Some(7));
    view.apply([], START - 5);
    assert_eq!(view.as_of(), Some(START), "an older answer changes nothing");
    assert_eq!(view.staleness(START - 1), Some(0));
}

#[test]
fn a_stale_or_cold_view_is_used_only_by_a_policy_that_fails_open() {
    let policy = |then| StalePolicy {
        max_age: Duration::from_secs(60),
        then,
    };
    let (open, closed) = (policy(WhenStale::FailOpen), policy(WhenStale::FailClosed));
    let cold = RevocationView::new();
    assert_eq!(
        closed.check(&cold, START),
        Err(SourceUnavailable::StaleRevocations)
    );
    assert_eq!(open.check(&cold, START), Ok(()));
    let view = view_of([]);
    assert_eq!(closed.check(&view, START + 60), Ok(()));
    assert_eq!(
        closed.check(&view, START + 61),
        Err(SourceUnavailable::StaleRevocations)
    );
    assert_eq!(open.check(&view, START + 61), Ok(()));
    assert_eq!("closed".parse(), Ok(WhenStale::FailClosed));
    assert_eq!("open".parse(), Ok(WhenStale::FailOpen));
    assert!("".parse::<WhenStale>().is_err());
}

#[test]
fn readers_never_miss_what_was_applied_before_while_others_write() {
    let view = view_of([Revocation::of_token("token-1", START + 600)]);
    std::thread::scope(|scope| {
        for writer in 0..2 {
            let view = &view;
            scope.spawn(move || {
                for n in 0..20_000 {
                    let jti = format!("{writer}-{n}");
                    view.apply([Revocation::of_token(&jti, START + 600)], START);
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..20_000 {
                assert!(view.status_of(&signed(claims()), START).token_revoked);
            }
        });
    });
    assert_eq!(view.len(), 40_001);
}

/// An embedder's own source, such as a view of the table.
#[derive(Debug)]
struct OwnSource(Result<RevocationStatus, SourceUnavailable>);

#[async_trait]
impl RevocationSource for OwnSource {
    async fn status_of(
        &self,
        token: &SignedClaims,
        now: u64,
    ) -> Result<RevocationStatus, SourceUnavailable> {
        assert_eq!((token.claims.jti.as_str(), now), ("token-1", START));
        self.0.clone()
    }
}

#[tokio::test]
async fn a_verifier_asks_the_embedders_own_source() {
    let key = Forger::generate(Algorithm::EdDSA);
    let none = RevocationStatus::default();
    let lost = SourceUnavailable::Revocations("the table does not answer".to_owned());
    for (known, expected) in [
        (Ok(none), Ok(())),
        (
            Ok(RevocationStatus {
                grant_revoked: true,
                ..none
            }),
            Err(Rejection::GrantRevoked.into()),
        ),
        (
            Ok(RevocationStatus {
                subject_not_before: Some(START),
                ..none
            }),
            Err(Rejection::SubjectRevoked.into()),
        ),
        (
            Ok(RevocationStatus {
                subject_not_before: Some(START - 1),
                ..none
            }),
            Ok(()),
        ),
        (Err(lost.clone()), Err(lost.into())),
    ] {
        let source = Arc::new(OwnSource(known));
        let world = World::configured(&[&key], |builder| builder.revocations(source));
        assert_eq!(world.verify(&world.token(&key)).await, expected);
    }
}
