//! Revocation that stateless verifiers see: a view of the table for who can read it, the signed feed
//! for who cannot. Both give the verdict that introspection gives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokensmith_issuer::revocation::TableRevocations;
use tokensmith_issuer::revocation::{revoke_client, revoke_subject};
use tokensmith_issuer::store::records::{FeedAttributes, RevokedToken, Subject, SubjectKind};
use tokensmith_issuer::{Issuer, endpoint};
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::API;
use tokensmith_tests::{InProcess, OverHttp, TestClient};
use tokensmith_verifier::Timestamp;
use tokensmith_verifier::{
    Clock, FEED_TYPE, FeedSettings, Refusal, Rejection, RevocationSource, SignedClaims,
    StalePolicy, Verifier, WhenStale,
};

pub const INTERVAL: u64 = 5;
/// DynamoDB ends a page at 1 MB.
const A_PAGE: usize = 11;

/// A verifier that reads the signed feed, and one that reads the table through the faults.
pub async fn verifiers(issuer: &InProcess, stale: StalePolicy) -> [Verifier; 2] {
    verifiers_for(issuer, API, stale).await
}

/// The same for another resource.
pub async fn verifiers_for(
    issuer: &InProcess,
    audience: &str,
    stale: StalePolicy,
) -> [Verifier; 2] {
    let builder = || {
        Verifier::builder(issuer.config.issuer.as_str())
            .audience(audience)
            .fetch(Arc::new(OverHttp(issuer.issuer.clone())))
            // A development build on a busy machine takes its time for a large document.
            .fetch_time_limit(Duration::from_secs(60))
            .clock(issuer.clock())
    };
    let interval = Duration::from_secs(INTERVAL);
    let table = tokensmith_local::make_table(issuer.dynamo.clone()).await;
    let source = TableRevocations::new(
        table.expect("a table").reader(),
        issuer.clock(),
        interval,
        stale,
    );
    [
        builder().revocation_feed(FeedSettings { interval, stale }),
        builder().revocations(Arc::new(source)),
    ]
    .map(|builder| builder.build().expect("a verifier"))
}

pub async fn started() -> (InProcess, TestClient, [Verifier; 2]) {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let verifiers = verifiers(&issuer, StalePolicy::default()).await;
    (issuer, client, verifiers)
}

pub async fn verdict(verifier: &Verifier, token: &str) -> Result<(), Refusal> {
    verifier.verify(token).await.map(drop)
}

#[tokio::test]
async fn invariant_4_each_kind_of_revocation_is_seen_within_the_interval() {
    let (issuer, client, verifiers) = started().await;
    for (kind, expected) in [
        ("token", Rejection::TokenRevoked),
        ("grant", Rejection::GrantRevoked),
        ("reuse", Rejection::GrantRevoked),
        ("client", Rejection::ClientRevoked),
        ("subject", Rejection::SubjectRevoked),
    ] {
        // What an earlier revocation of the client covers is over.
        issuer.pass(3);
        let grant = issuer.grant(&client, |_| {}).await;
        let answer = issuer.refresh(&client, &grant.token).await;
        let token = answer.access_token();
        for verifier in &verifiers {
            assert_eq!(verdict(verifier, &token).await, Ok(()), "{kind}");
        }
        match kind {
            "token" => assert_eq!(issuer.revoke(&client, &token).await.status, 200),
            "grant" => {
                let revoked = issuer.revoke(&client, &answer.refresh_token()).await;
                assert_eq!(revoked.status, 200);
            }
            "reuse" => {
                issuer.refresh(&client, &answer.refresh_token()).await;
                let reused = issuer.refresh(&client, &grant.token).await;
                assert_eq!(reused.error(), (400, "invalid_grant".into()));
            }
            "client" => {
                let time = issuer.checked_time().await;
                let revoked = revoke_client(issuer.table(), &client.client_id(), &time).await;
                revoked.expect("it is revoked");
            }
            _ => {
                let time = issuer.checked_time().await;
                let revoked = revoke_subject(issuer.table(), "alice", &time).await;
                revoked.expect("it is revoked");
            }
        }
        assert!(!issuer.is_active(&client, &token).await, "{kind}");
        issuer.pass(INTERVAL);
        for verifier in &verifiers {
            let refused = verdict(verifier, &token).await;
            assert_eq!(refused, Err(Refusal::Rejected(expected)), "{kind}");
        }
    }
}

#[tokio::test]
async fn a_warm_view_costs_one_query_for_each_interval_and_none_for_a_request() {
    let (issuer, client, [_, verifier]) = started().await;
    let token = issuer.client_credentials(&client).await.access_token();
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
    issuer.dynamo.take_calls();
    for round in 0..4 {
        for _ in 0..10 {
            assert_eq!(verdict(&verifier, &token).await, Ok(()));
        }
        let expected: &[&str] = if round == 0 { &[] } else { &["Query"] };
        let calls: Vec<_> = issuer.dynamo.take_calls();
        assert_eq!(calls, expected, "round {round}");
        issuer.pass(INTERVAL);
    }
}

/// A request that finds the view cold is decided by its token's own keys.
#[tokio::test]
async fn a_cold_view_decides_by_one_read_while_it_catches_up() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let token = issuer.client_credentials(&client).await.access_token();
    let revoked = issuer.client_credentials(&client).await.access_token();
    assert_eq!(issuer.revoke(&client, &revoked).await.status, 200);
    fill_pages(&issuer, 3).await;
    let [_, verifier] = verifiers(&issuer, StalePolicy::default()).await;
    issuer.dynamo.take_calls();
    let mut read = 0;
    loop {
        let refused = verdict(&verifier, &revoked).await;
        assert_eq!(refused, Err(Refusal::Rejected(Rejection::TokenRevoked)));
        assert_eq!(verdict(&verifier, &token).await, Ok(()));
        let calls = issuer.dynamo.take_calls();
        let reads = calls.iter().filter(|call| *call == "BatchGetItem").count();
        let pages = calls.iter().filter(|call| *call == "Query").count();
        // The signing keys are read once, because the view does not know yet whether one was withdrawn.
        let keys = usize::from(read == 0);
        assert!(reads <= 2 && pages <= 2 + keys, "{calls:?}");
        if calls.is_empty() {
            break;
        }
        read += pages;
    }
    assert!(read >= 3, "there were more pages: {read}");
}

/// A page of 1 MB would make the first request wait for what it does not need.
#[tokio::test]
async fn a_cold_view_begins_with_a_short_page() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let token = SignedClaims {
        key_id: "key-1".to_owned().into(),
        claims: issuer.client_credentials(&client).await.claims(),
    };
    let hour = issuer.now().after(Duration::from_secs(3600));
    issuer.insert_revoked(200, issuer.now(), hour).await;
    let table = tokensmith_local::make_table(issuer.dynamo.clone()).await;
    let view = TableRevocations::new(
        table.expect("a table").reader(),
        issuer.clock(),
        Duration::from_secs(INTERVAL),
        StalePolicy::default(),
    );
    let mut held = Vec::new();
    while held.last() != Some(&200) {
        let standing = view.status_of(&token, issuer.now().seconds());
        standing.await.expect("a standing");
        held.push(view.len());
    }
    assert!(held[0] <= 25 && held.len() >= 4, "{held:?}");
}

/// Revokes so many pages of subjects. Their names are long, so that few fill a page.
async fn fill_pages(issuer: &InProcess, pages: usize) {
    let time = issuer.checked_time().await;
    for number in 0..pages * A_PAGE {
        let long = "x".repeat(100_000);
        let name = format!("{}-{number}-{long}", issuer.now().seconds());
        let subject = Subject::new(name.as_str(), SubjectKind::User);
        issuer.table().insert(&subject).await.expect("an insert");
        let revoked = revoke_subject(issuer.table(), &name, &time).await;
        revoked.expect("it is revoked");
    }
}

#[tokio::test]
async fn the_feed_comes_page_by_page_and_nothing_is_missing() {
    let (issuer, client, [verifier, _]) = started().await;
    let token = issuer.client_credentials(&client).await.access_token();
    for _ in 0..3 {
        fill_pages(&issuer, 1).await;
        issuer.pass(1);
    }
    assert_eq!(issuer.revoke(&client, &token).await.status, 200);
    let refused = verdict(&verifier, &token).await;
    assert_eq!(refused, Err(Refusal::Rejected(Rejection::TokenRevoked)));
}

/// Whoever reads asks for what was recorded since the last time. A reader whose clock is ahead would ask
/// for what is recorded later, and never hear of anything.
#[tokio::test]
async fn invariant_4_a_reader_whose_clock_is_wrong_misses_no_revocation() {
    for (ahead, behind) in [(40, 0), (600, 0), (0, 45), (0, 0)] {
        let issuer = InProcess::start().await;
        // The keys are old enough for whoever is behind.
        issuer.pass(100);
        let client = issuer.confidential("app", |_| {}).await;
        let clock = Arc::new(AtomicU64::new(0));
        let follow = || clock.store(issuer.now().seconds() + ahead - behind, Ordering::SeqCst);
        follow();
        let table = tokensmith_local::make_table(issuer.dynamo.clone()).await;
        let table = table.expect("a table");
        let view = TableRevocations::new(
            table.reader(),
            Clock::Manual(clock.clone()),
            Duration::from_secs(INTERVAL),
            StalePolicy::default(),
        );
        let by_table = Verifier::builder(issuer.config.issuer.as_str())
            .audience(API)
            .fetch(Arc::new(OverHttp(issuer.issuer.clone())))
            .revocations(Arc::new(view))
            .clock(Clock::Manual(clock.clone()))
            .build();
        // The function that serves the feed is the one with the wrong clock, and its reader has a right one.
        let custody = issuer.direct.custody.clone();
        let wrong = Clock::Manual(clock.clone());
        let serving = Issuer::new(issuer.config.clone(), table, custody.access(), wrong);
        let by_feed = Verifier::builder(issuer.config.issuer.as_str())
            .audience(API)
            .fetch(Arc::new(OverHttp(Arc::new(serving))))
            .revocation_feed(FeedSettings::default())
            .clock(issuer.clock())
            .build();
        let verifiers = [by_table, by_feed].map(|built| built.expect("a verifier"));
        for round in 0..3 {
            let token = issuer.client_credentials(&client).await.access_token();
            for verifier in &verifiers {
                let accepted = verdict(verifier, &token).await;
                assert_eq!(accepted, Ok(()), "{ahead} {behind} {round}");
            }
            assert_eq!(issuer.revoke(&client, &token).await.status, 200);
            issuer.pass(INTERVAL);
            follow();
            for verifier in &verifiers {
                let refused = verdict(verifier, &token).await;
                let expected = Err(Refusal::Rejected(Rejection::TokenRevoked));
                assert_eq!(refused, expected, "{ahead} {behind} {round}");
            }
        }
    }
}

/// What was recorded late, under a moment that has been read already, is still found.
#[tokio::test]
async fn a_revocation_that_was_long_on_its_way_is_seen() {
    let (issuer, client, verifiers) = started().await;
    let answer = issuer.client_credentials(&client).await;
    let (token, claims) = (answer.access_token(), answer.claims());
    let began = issuer.now();
    issuer.pass(10);
    for verifier in &verifiers {
        assert_eq!(verdict(verifier, &token).await, Ok(()));
    }
    let end = Timestamp::from_seconds(claims.exp);
    let late = RevokedToken {
        jti: claims.jti,
        expires_at: end,
        feed: FeedAttributes::new(began, end),
    };
    issuer.table().insert(&late).await.expect("an insert");
    issuer.pass(INTERVAL);
    for verifier in &verifiers {
        let refused = verdict(verifier, &token).await;
        assert_eq!(refused, Err(Refusal::Rejected(Rejection::TokenRevoked)));
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_feed_the_policy_decides() {
    for then in [WhenStale::FailClosed, WhenStale::FailOpen] {
        let issuer = InProcess::start().await;
        let client = issuer.confidential("app", |_| {}).await;
        let stale = StalePolicy {
            max_age: Duration::from_secs(60),
            then,
        };
        let [_, verifier] = verifiers(&issuer, stale).await;
        let token = issuer.client_credentials(&client).await.access_token();
        assert_eq!(verdict(&verifier, &token).await, Ok(()));
        issuer.dynamo.outage(Some(Fault::Before));
        issuer.pass(60);
        assert_eq!(
            verdict(&verifier, &token).await,
            Ok(()),
            "it is young enough"
        );
        issuer.pass(1);
        let refused = verdict(&verifier, &token).await;
        match then {
            WhenStale::FailOpen => assert_eq!(refused, Ok(())),
            WhenStale::FailClosed => assert!(
                matches!(refused, Err(Refusal::Unavailable(_))),
                "{refused:?}"
            ),
        }
        issuer.dynamo.outage(None);
        issuer.pass(INTERVAL);
        assert_eq!(verdict(&verifier, &token).await, Ok(()));
    }
}

#[tokio::test]
async fn the_feed_is_signed_and_cacheable_and_names_nobody() {
    let (issuer, client, _) = started().await;
    let answer = issuer.client_credentials(&client).await;
    issuer.revoke(&client, &answer.access_token()).await;
    let get = |query: &str| {
        let request = Request::get(format!("/oauth2/revocations{query}")).body(Bytes::new());
        issuer
            .issuer
            .handle(&endpoint::REVOCATIONS, request.expect("a request"))
    };
    let feed = get("?since=0").await;
    assert_eq!(feed.status(), 200);
    assert_eq!(feed.headers()["content-type"], "application/jose");
    assert_eq!(feed.headers()["cache-control"], "public, max-age=5");
    let jws = String::from_utf8(feed.body().to_vec()).expect("text");
    let decoded = |at: usize| {
        use base64::Engine;
        let part = jws.split('.').nth(at).expect("three parts");
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part);
        String::from_utf8(bytes.expect("base64url")).expect("text")
    };
    assert!(decoded(0).contains(FEED_TYPE));
    let payload = decoded(1);
    assert!(payload.contains("\"kind\":\"token\""), "{payload}");
    assert!(!payload.contains(&answer.claims().jti) && !payload.contains("app"));
    for (query, status) in [
        ("", 200),
        ("?since=", 200),
        ("?since=1800000000", 200),
        ("?since=-1", 400),
        ("?since=1e3", 400),
        ("?since=99999999999", 400),
        ("?since=1&since=2", 400),
    ] {
        assert_eq!(get(query).await.status(), status, "{query}");
    }
    // A feed document is no access token, and an access token is no feed document.
    assert!(!issuer.is_active(&client, &jws).await);
}
