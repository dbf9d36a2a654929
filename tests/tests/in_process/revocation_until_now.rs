//! Invariant 4: `not_before` on a client or a subject revokes the grants and tokens that exist, and none
//! that are made later. `not_before` = attempt time + attempt time-out + clock skew.

use std::time::Duration;

use tokensmith_issuer::revocation::{RevokeOutcome, revoke_client, revoke_subject};
use tokensmith_issuer::store::records::Subject;
use tokensmith_tests::{Answer, InProcess, START, TestClient, TestGrant};
use tokensmith_verifier::Timestamp;

/// Whom a test revokes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Revoked {
    Client,
    Subject,
}

const BOTH: [Revoked; 2] = [Revoked::Client, Revoked::Subject];

async fn revoke(issuer: &InProcess, whom: Revoked) {
    let (client, time) = ("app".parse().expect("an id"), issuer.checked_time().await);
    let outcome = match whom {
        Revoked::Client => revoke_client(issuer.table(), &client, &time).await,
        Revoked::Subject => revoke_subject(issuer.table(), "alice", &time).await,
    };
    assert_eq!(outcome.expect("a write"), RevokeOutcome::Revoked);
}

/// The last second that a revocation at [`START`] covers: DynamoDB tells the time cut to a second.
const LAST: u64 = START + 3;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

async fn issuer_without_cache() -> (InProcess, TestClient) {
    let issuer = InProcess::configured(|config| config.cache_ttl = Duration::ZERO).await;
    let client = issuer.confidential("app", |_| {}).await;
    (issuer, client)
}

/// A grant created at this second.
async fn grant_of(issuer: &InProcess, client: &TestClient, created_at: u64) -> TestGrant {
    let created = |grant: &mut tokensmith_issuer::store::records::Grant| {
        grant.created_at = at(created_at);
    };
    issuer.grant(client, created).await
}

fn is_invalid_grant(answer: &Answer) -> bool {
    answer.status == 400 && answer.string("error") == "invalid_grant"
}

#[tokio::test]
async fn not_before_is_the_attempt_and_its_time_out_and_the_clock_skew() {
    for whom in BOTH {
        let (issuer, client) = issuer_without_cache().await;
        issuer.grant(&client, |_| {}).await;
        revoke(&issuer, whom).await;
        let not_before = match whom {
            Revoked::Client => issuer.client(&client).await.not_before,
            Revoked::Subject => {
                let stored = issuer.table().get(&Subject::key_of("alice")).await;
                stored.expect("a read").expect("a subject").not_before
            }
        };
        assert_eq!(not_before, Some(at(LAST)), "{whom:?}");
    }
}

#[tokio::test]
async fn not_before_revokes_grants_created_at_or_before_it_and_no_later_ones() {
    for whom in BOTH {
        let (issuer, client) = issuer_without_cache().await;
        let mut grants = Vec::new();
        for (created_at, survives) in [
            (START - 1000, false),
            (START, false),
            (LAST - 1, false),
            (LAST, false),
            (LAST + 1, true),
        ] {
            grants.push((grant_of(&issuer, &client, created_at).await, survives));
        }
        revoke(&issuer, whom).await;
        issuer.set(at(LAST + 1));
        for (grant, survives) in grants {
            assert_eq!(issuer.is_active(&client, &grant.token).await, survives);
            let before = issuer.items().await;
            let answer = issuer.refresh(&client, &grant.token).await;
            match survives {
                true => assert_eq!(answer.status, 200, "{whom:?}: {}", answer.body),
                false => {
                    assert!(is_invalid_grant(&answer), "{whom:?}: {}", answer.body);
                    assert_eq!(issuer.items().await, before, "a refusal writes nothing");
                }
            }
        }
    }
}

#[tokio::test]
async fn not_before_revokes_tokens_issued_at_or_before_it_and_no_later_ones() {
    for whom in BOTH {
        let (issuer, client) = issuer_without_cache().await;
        let grant = grant_of(&issuer, &client, LAST + 1).await;
        let mut tokens = Vec::new();
        let mut current = grant.token;
        for (second, survives) in [
            (START, false),
            (LAST - 1, false),
            (LAST, false),
            (LAST + 1, true),
        ] {
            issuer.set(at(second));
            let answer = issuer.refresh(&client, &current).await;
            assert_eq!(answer.claims().iat, second);
            tokens.push((answer.access_token(), survives));
            if whom == Revoked::Client {
                let own = issuer.client_credentials(&client).await;
                tokens.push((own.access_token(), survives));
            }
            current = answer.refresh_token();
        }
        for (token, _) in &tokens {
            assert!(issuer.is_active(&client, token).await);
        }
        issuer.set(at(START));
        revoke(&issuer, whom).await;
        issuer.set(at(LAST + 1));
        for (token, survives) in &tokens {
            assert_eq!(
                issuer.is_active(&client, token).await,
                *survives,
                "{whom:?}"
            );
        }
    }
}

#[tokio::test]
async fn another_client_and_another_subject_are_not_concerned() {
    for whom in BOTH {
        let (issuer, client) = issuer_without_cache().await;
        let other = issuer.confidential("other", |_| {}).await;
        let unconcerned = match whom {
            Revoked::Client => issuer.grant(&other, |_| {}).await,
            Revoked::Subject => {
                let bob = "bob".parse().expect("a subject");
                let id = tokensmith_issuer::credential::GrantId::random(&bob);
                issuer.grant(&client, |_| {}).await;
                let by_bob = |grant: &mut tokensmith_issuer::store::records::Grant| {
                    (grant.id, grant.subject) = (id, bob);
                };
                issuer.grant(&client, by_bob).await
            }
        };
        let its_client = if whom == Revoked::Client {
            &other
        } else {
            &client
        };
        let first = issuer.refresh(its_client, &unconcerned.token).await;
        revoke(&issuer, whom).await;
        assert!(issuer.is_active(its_client, &first.access_token()).await);
        let next = issuer.refresh(its_client, &first.refresh_token()).await;
        assert_eq!(next.status, 200, "{whom:?}: {}", next.body);
    }
}

/// A token that would be dead on arrival is not handed out: until the revocation has passed, the
/// answer is 503, and says when.
#[tokio::test]
async fn right_after_a_revocation_the_answer_is_503_with_the_seconds_to_wait() {
    for whom in BOTH {
        let (issuer, client) = issuer_without_cache().await;
        let later = grant_of(&issuer, &client, LAST + 1).await;
        revoke(&issuer, whom).await;
        let before = issuer.items().await;
        for (second, wait) in [(START, "4"), (LAST - 1, "2"), (LAST, "1")] {
            issuer.set(at(second));
            let answer = issuer.refresh(&client, &later.token).await;
            answer.assert_unavailable();
            assert_eq!(answer.headers["retry-after"], wait, "{whom:?}");
            if whom == Revoked::Client {
                let own = issuer.client_credentials(&client).await;
                own.assert_unavailable();
                assert_eq!(own.headers["retry-after"], wait);
            }
        }
        assert_eq!(issuer.items().await, before, "nothing half-done");
        issuer.set(at(LAST + 1));
        let answer = issuer.refresh(&client, &later.token).await;
        assert_eq!(answer.status, 200, "{whom:?}: {}", answer.body);
        assert!(issuer.is_active(&client, &answer.access_token()).await);
    }
}

/// The cached record of a client is older than the revocation of a subject: it is read afresh, and
/// the token is as young as it has to be.
#[tokio::test]
async fn a_cached_client_record_does_not_make_a_new_token_inactive() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let old = issuer.grant(&client, |_| {}).await;
    assert_eq!(issuer.refresh(&client, &old.token).await.status, 200);
    revoke(&issuer, Revoked::Subject).await;
    issuer.set(at(LAST + 1));
    let new = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &new.token).await;
    assert_eq!(answer.claims().iat, LAST + 1);
    assert!(issuer.is_active(&client, &answer.access_token()).await);
}

/// A cached client record is as old as its tokens are: whatever the cache hides is covered.
#[tokio::test]
async fn a_token_that_a_cached_client_record_let_through_is_inactive() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = grant_of(&issuer, &client, LAST + 1).await;
    let warm = issuer.refresh(&client, &grant.token).await;
    issuer.pass(5);
    revoke(&issuer, Revoked::Client).await;
    let own = issuer.client_credentials(&client).await;
    let refreshed = issuer.refresh(&client, &warm.refresh_token()).await;
    for answer in [own, refreshed] {
        assert!(!issuer.is_active(&client, &answer.access_token()).await);
    }
}

#[tokio::test]
async fn a_later_revocation_moves_the_end_and_an_earlier_one_does_not_move_it_back() {
    for whom in BOTH {
        let (issuer, client) = issuer_without_cache().await;
        let grant = grant_of(&issuer, &client, LAST + 50).await;
        issuer.set(at(START + 100));
        revoke(&issuer, whom).await;
        // A function whose clock is behind revokes later.
        issuer.set(at(START));
        let before = issuer.items().await;
        revoke(&issuer, whom).await;
        assert_eq!(issuer.items().await, before);
        issuer.set(at(START + 103));
        let answer = issuer.refresh(&client, &grant.token).await;
        assert!(is_invalid_grant(&answer), "{whom:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn nobody_can_be_revoked_who_is_not_there() {
    let (issuer, _) = issuer_without_cache().await;
    let before = issuer.items().await;
    let (table, time) = (issuer.table(), issuer.checked_time().await);
    let nobody = "nobody".parse().expect("an id");
    let client = revoke_client(table, &nobody, &time).await;
    assert_eq!(client.expect("a write"), RevokeOutcome::NothingFound);
    let subject = revoke_subject(table, "nobody", &time).await;
    assert_eq!(subject.expect("a write"), RevokeOutcome::NothingFound);
    assert_eq!(issuer.items().await, before);
}
