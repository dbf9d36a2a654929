//! RFC 6749 §6: what a refresh token becomes, and how long its predecessor is accepted, so that a client
//! may retry (invariant 8).

use tokensmith_issuer::store::records::RefreshGrace;
use tokensmith_tests::InProcess;
use tokensmith_tests::records::DAY;
use tokensmith_verifier::{Timestamp, paths};

#[tokio::test]
async fn rfc6749_6_a_refresh_token_becomes_an_access_token_and_its_successor() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    assert_eq!(answer.string("token_type"), "Bearer");
    assert_eq!(answer.json()["expires_in"], 900);
    assert_eq!(answer.string("scope"), "a b");
    let claims = answer.claims();
    assert_eq!(claims.iss, "https://issuer.example");
    assert_eq!(
        (claims.sub.as_str(), claims.client_id.as_str()),
        ("alice", "app")
    );
    assert_eq!(claims.grant_id, Some(grant.id.to_string()));
    assert_eq!(
        (claims.iat, claims.exp),
        (issuer.now().seconds(), issuer.now().seconds() + 900)
    );
    let successor = answer.refresh_token();
    assert!(successor.starts_with("tksmr_"));
    assert_ne!(successor, grant.token);
    assert_eq!(issuer.refresh(&client, &successor).await.status, 200);
    assert_eq!(issuer.stored(&grant).await.generation, 3);
}

#[tokio::test]
async fn the_refresh_endpoint_is_the_token_endpoint_for_one_grant_type() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &grant.token),
    ];
    let here = issuer.post(paths::REFRESH, &client, &form).await;
    let there = issuer.post(paths::TOKEN, &client, &form).await;
    assert_eq!(here.refresh_token(), there.refresh_token());
    let other = [("grant_type", "client_credentials")];
    assert_eq!(issuer.post(paths::TOKEN, &client, &other).await.status, 200);
    let refused = issuer.post(paths::REFRESH, &client, &other).await;
    assert_eq!(refused.error(), (400, "unsupported_grant_type".into()));
}

#[tokio::test]
async fn a_client_without_the_grant_type_cannot_refresh_and_consumes_nothing() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    issuer
        .change_client(&client, |c| {
            c.grant_types.retain(|g| g.as_str() != "refresh_token")
        })
        .await;
    let before = issuer.items().await;
    let refused = issuer.refresh(&client, &grant.token).await;
    assert_eq!(refused.error(), (400, "unauthorized_client".into()));
    assert_eq!(issuer.items().await, before);
}

#[tokio::test]
async fn the_successor_is_derived_so_a_retry_gets_the_same_one() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let first = issuer.refresh(&client, &grant.token).await;
    let advanced = issuer.items().await;
    let elsewhere = issuer.cold().await;
    for retry in [
        issuer.refresh(&client, &grant.token).await,
        issuer.refresh(&client, &grant.token).await,
        elsewhere.refresh(&client, &grant.token).await,
    ] {
        assert_eq!(retry.refresh_token(), first.refresh_token());
        assert_ne!(retry.claims().jti, first.claims().jti);
    }
    assert_eq!(issuer.items().await, advanced, "a retry writes nothing");
    let derived = issuer.credential(&grant, 2, 1).await;
    assert_eq!(first.refresh_token(), derived);
}

#[tokio::test]
async fn a_predecessor_is_honoured_until_its_successor_has_been_used() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let successor = issuer.refresh(&client, &grant.token).await.refresh_token();
    // However long: the grant's idle end is the only limit.
    issuer.pass(30 * DAY - 1);
    let retried = issuer.refresh(&client, &grant.token).await;
    assert_eq!(retried.refresh_token(), successor);
    assert_eq!(issuer.refresh(&client, &successor).await.status, 200);
    let late = issuer.refresh(&client, &grant.token).await;
    assert_eq!(late.error(), (400, "invalid_grant".into()));
    assert!(issuer.stored(&grant).await.revoked_at.is_some());
}

/// Refreshes once, lets `seconds` pass, and presents the predecessor again.
async fn is_honoured_after(grace: Option<RefreshGrace>, public: bool, seconds: u64) -> bool {
    let issuer = InProcess::start().await;
    let client = match public {
        true => issuer.public("app", |c| c.refresh_grace = grace).await,
        false => {
            issuer
                .confidential("app", |c| c.refresh_grace = grace)
                .await
        }
    };
    let grant = issuer.grant(&client, |_| {}).await;
    // The grace runs from the rotation, not from the beginning.
    issuer.pass(1000);
    let successor = issuer.refresh(&client, &grant.token).await.refresh_token();
    issuer.pass(seconds);
    let again = issuer.refresh(&client, &grant.token).await;
    let revoked = issuer.stored(&grant).await.revoked_at;
    match again.status {
        200 => {
            assert_eq!(again.refresh_token(), successor);
            assert_eq!(revoked, None);
            true
        }
        _ => {
            assert_eq!(again.error(), (400, "invalid_grant".into()));
            assert_eq!(revoked, Some(issuer.now()));
            false
        }
    }
}

#[tokio::test]
async fn a_grace_in_seconds_ends_with_its_last_second() {
    for public in [true, false] {
        let grace = Some(RefreshGrace::Seconds(60));
        assert!(is_honoured_after(grace, public, 0).await);
        assert!(is_honoured_after(grace, public, 59).await);
        assert!(!is_honoured_after(grace, public, 60).await);
        assert!(!is_honoured_after(grace, public, 61).await);
    }
}

#[tokio::test]
async fn a_grace_of_zero_is_never() {
    for public in [true, false] {
        let never = Some(RefreshGrace::Seconds(0));
        assert!(!is_honoured_after(never, public, 0).await);
    }
}

#[tokio::test]
async fn the_default_grace_is_until_used_for_a_secret_and_60_seconds_for_a_public_client() {
    assert!(is_honoured_after(None, false, 29 * DAY).await);
    assert!(is_honoured_after(None, true, 59).await);
    assert!(!is_honoured_after(None, true, 60).await);
}

#[tokio::test]
async fn a_grace_in_seconds_ends_early_when_the_successor_is_used() {
    let issuer = InProcess::start().await;
    let client = issuer.public("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let successor = issuer.refresh(&client, &grant.token).await.refresh_token();
    assert_eq!(issuer.refresh(&client, &successor).await.status, 200);
    let late = issuer.refresh(&client, &grant.token).await;
    assert_eq!(late.error(), (400, "invalid_grant".into()));
    assert!(issuer.stored(&grant).await.revoked_at.is_some());
}

#[tokio::test]
async fn a_retry_within_the_grace_does_not_prolong_it() {
    let issuer = InProcess::start().await;
    let client = issuer.public("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    assert_eq!(issuer.refresh(&client, &grant.token).await.status, 200);
    for _ in 0..2 {
        issuer.pass(29);
        assert_eq!(issuer.refresh(&client, &grant.token).await.status, 200);
    }
    issuer.pass(2);
    let late = issuer.refresh(&client, &grant.token).await;
    assert_eq!(late.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn without_rotation_the_client_keeps_its_token_and_the_grant_its_generation() {
    let issuer = InProcess::start().await;
    let client = issuer
        .confidential("app", |c| c.refresh_rotation = false)
        .await;
    let grant = issuer.grant(&client, |_| {}).await;
    for _ in 0..3 {
        issuer.pass(29 * DAY);
        let answer = issuer.refresh(&client, &grant.token).await;
        assert_eq!(answer.refresh_token(), grant.token);
    }
    let stored = issuer.stored(&grant).await;
    assert_eq!((stored.generation, stored.hmac_version), (1, 1));
    assert_eq!(
        stored.idle_expires_at,
        Timestamp::from_seconds(issuer.now().seconds() + 30 * DAY),
        "use keeps it from falling idle"
    );
}

#[tokio::test]
async fn when_rotation_is_turned_on_the_kept_token_becomes_a_predecessor() {
    let issuer = InProcess::start().await;
    let client = issuer
        .confidential("app", |c| c.refresh_rotation = false)
        .await;
    let grant = issuer.grant(&client, |_| {}).await;
    let kept = issuer.refresh(&client, &grant.token).await.refresh_token();
    issuer
        .change_client(&client, |c| c.refresh_rotation = true)
        .await;
    issuer.pass(10);
    let successor = issuer.refresh(&client, &kept).await.refresh_token();
    assert_ne!(successor, kept);
    assert_eq!(
        issuer.refresh(&client, &kept).await.refresh_token(),
        successor
    );
}
