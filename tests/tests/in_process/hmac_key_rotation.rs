//! HMAC keys rotate: old refresh tokens stay valid, and their successors have the new version. A token of
//! an unknown version causes one reload of the keys, then it is rejected.

use tokensmith_issuer::Judged;
use tokensmith_tests::records::DAY;
use tokensmith_tests::{InProcess, TestClient};

async fn rotate(issuer: &InProcess) -> u32 {
    let keys = issuer.hmac_rotation();
    let rotated = keys.rotate(&issuer.config.issuer, issuer.now()).await;
    rotated.expect("a new version")
}

async fn app(issuer: &InProcess) -> TestClient {
    issuer.confidential("app", |_| {}).await
}

#[tokio::test]
async fn an_old_token_keeps_working_and_its_successor_is_of_the_new_version() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let grant = issuer.grant(&client, |_| {}).await;
    assert_eq!(rotate(&issuer).await, 2);
    // A function that was running before knows the new version when its cache is over.
    issuer.pass(10);
    assert!(issuer.is_active(&client, &grant.token).await);
    let successor = issuer.refresh(&client, &grant.token).await.refresh_token();
    assert_eq!(successor, issuer.credential(&grant, 2, 2).await);
    assert_eq!(issuer.stored(&grant).await.hmac_version, 2);
    let retried = issuer.refresh(&client, &grant.token).await;
    assert_eq!(
        retried.refresh_token(),
        successor,
        "the predecessor's retry"
    );
    let next = issuer.refresh(&client, &successor).await.refresh_token();
    assert_eq!(next, issuer.credential(&grant, 3, 2).await);
}

#[tokio::test]
async fn within_its_cache_a_function_goes_on_with_the_old_version() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let grant = issuer.grant(&client, |_| {}).await;
    rotate(&issuer).await;
    issuer.pass(9);
    let successor = issuer.refresh(&client, &grant.token).await.refresh_token();
    assert_eq!(successor, issuer.credential(&grant, 2, 1).await);
}

/// The successor's version is the one stored at the advance, whatever is the newest at the retry.
#[tokio::test]
async fn a_retry_across_a_rotation_gets_the_same_successor() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let first = issuer.refresh(&client, &grant.token).await.refresh_token();
    rotate(&issuer).await;
    issuer.pass(10);
    for function in [issuer.clone(), issuer.cold().await] {
        let retried = function.refresh(&client, &grant.token).await;
        assert_eq!(retried.refresh_token(), first);
    }
}

/// Functions learn of a new version at different times.
#[tokio::test]
async fn a_grant_may_go_back_and_forth_between_functions_of_different_knowledge() {
    let old = InProcess::start().await;
    let client = app(&old).await;
    let grant = old.grant(&client, |_| {}).await;
    rotate(&old).await;
    let new = old.cold().await;
    // A version makes credentials once every function that reads the keys has seen it.
    old.pass(2);
    let mut token = grant.token.clone();
    for (function, generation, version) in [(&new, 2, 2), (&old, 3, 2), (&new, 4, 2)] {
        let predecessor = token;
        token = function
            .refresh(&client, &predecessor)
            .await
            .refresh_token();
        let expected = old.credential(&grant, generation, version).await;
        assert_eq!(
            token, expected,
            "seeing version 2, the old function loads it"
        );
        for retrying in [&old, &new] {
            let again = retrying.refresh(&client, &predecessor).await;
            assert_eq!(again.refresh_token(), token);
        }
    }
}

/// Somebody with an HMAC key cannot make a second current credential from another version.
#[tokio::test]
async fn the_current_generation_of_another_version_is_rejected() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let grant = issuer.grant(&client, |_| {}).await;
    rotate(&issuer).await;
    issuer.pass(10);
    let before = issuer.items().await;
    let other = issuer.credential(&grant, 1, 2).await;
    let refused = issuer.refresh(&client, &other).await;
    assert_eq!(refused.error(), (400, "invalid_grant".into()));
    assert!(!issuer.is_active(&client, &other).await);
    assert_eq!(issuer.items().await, before);
    assert_eq!(issuer.refresh(&client, &grant.token).await.status, 200);
}

#[tokio::test]
async fn without_rotation_of_the_token_it_stays_with_its_version() {
    let issuer = InProcess::start().await;
    let client = issuer
        .confidential("app", |c| c.refresh_rotation = false)
        .await;
    let grant = issuer.grant(&client, |_| {}).await;
    rotate(&issuer).await;
    issuer.pass(10);
    for function in [issuer.clone(), issuer.cold().await] {
        let kept = function.refresh(&client, &grant.token).await;
        assert_eq!(kept.refresh_token(), grant.token);
    }
}

/// A token of a version that only the table knows.
#[tokio::test]
async fn a_version_that_was_made_a_moment_ago_is_loaded_once() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let other = issuer.cold().await;
    let grant = issuer.grant(&client, |_| {}).await;
    // This one has loaded version 1, and its cache is not over.
    let first = issuer.refresh(&client, &grant.token).await.refresh_token();
    rotate(&issuer).await;
    issuer.pass(2);
    let second = other.refresh(&client, &first).await.refresh_token();
    assert_eq!(second, issuer.credential(&grant, 3, 2).await);
    issuer.pass(1);
    issuer.dynamo.take_calls();
    let third = issuer.refresh(&client, &second).await.refresh_token();
    let calls = issuer.dynamo.take_calls();
    assert_eq!(calls, ["Query", "BatchGetItem", "UpdateItem"]);
    issuer.refresh(&client, &third).await;
    let calls = issuer.dynamo.take_calls();
    assert_eq!(calls, ["BatchGetItem", "UpdateItem"]);
}

/// A version that nobody has made, or that the table has lost: no token of this issuer names it, so
/// it is the caller's mistake and no outage, and costs one read in each second.
#[tokio::test]
async fn an_unknown_version_reloads_once_a_second_and_is_rejected() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let grant = issuer.grant(&client, |_| {}).await;
    issuer.refresh(&client, &grant.token).await;
    assert_eq!(rotate(&issuer).await, 2);
    let of_version_2 = issuer.credential(&grant, 2, 2).await;
    let key = tokensmith_issuer::store::records::HmacKeyRecord::key_of(2);
    issuer.table().delete(&key).await.expect("a deletion");
    let before = issuer.items().await;
    for second in 0..3 {
        issuer.pass(1);
        issuer.dynamo.take_calls();
        for attempt in 0..3 {
            let answer = issuer.refresh(&client, &of_version_2).await;
            assert_eq!(answer.error(), (400, "invalid_grant".into()));
            let calls = issuer.dynamo.take_calls();
            let queries = calls.iter().filter(|call| *call == "Query").count();
            assert_eq!(queries, usize::from(attempt == 0), "second {second}");
        }
        assert!(!issuer.is_active(&client, &of_version_2).await);
        assert_eq!(issuer.revoke(&client, &of_version_2).await.status, 200);
        let judged = issuer.issuer.judge(&of_version_2).await;
        assert!(matches!(judged, Ok(Judged::UnrecognizedCredential(_))));
        let calls = issuer.dynamo.take_calls();
        assert!(calls.iter().all(|call| call != "Query"), "{calls:?}");
    }
    assert_eq!(issuer.items().await, before);
}

/// Two functions and a rotation within one second: what one has made, the other never refuses.
#[tokio::test]
async fn no_function_makes_a_credential_that_another_might_not_know() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let grant = issuer.grant(&client, |_| {}).await;
    issuer.pass(10);
    rotate(&issuer).await;
    for (passed, version) in [(0, 1), (1, 1), (1, 2)] {
        issuer.pass(passed);
        let function = issuer.cold().await;
        let newest = function.hmac_keys().newest(issuer.now()).await;
        assert_eq!(newest.expect("a key").version(), version);
    }
    // Also when the first version is as new as the second.
    let young = InProcess::start().await;
    rotate(&young).await;
    let newest = young.cold().await.hmac_keys().newest(young.now()).await;
    assert_eq!(newest.expect("a key").version(), 1);
    assert_eq!(issuer.refresh(&client, &grant.token).await.status, 200);
}

#[tokio::test]
async fn an_old_version_stays_for_the_longest_life_of_a_grant() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let grant = issuer
        .grant(&client, |grant| {
            grant.expires_at = issuer
                .now()
                .after(std::time::Duration::from_secs(400 * DAY));
            grant.idle_expires_at = grant.expires_at;
        })
        .await;
    rotate(&issuer).await;
    let ttl = |version: u32| {
        let issuer = issuer.clone();
        async move {
            let items = issuer.items().await;
            let item = &items[&format!("HMAC/{version:010}")];
            let text = item.get("ttl").map(|ttl| ttl.as_n().expect("a number"));
            text.map(|text| text.parse::<u64>().expect("a number"))
        }
    };
    let last = issuer.now().seconds() + 400 * DAY;
    assert_eq!(ttl(1).await, Some(last));
    assert_eq!(ttl(2).await, None, "the newest has no end");
    issuer.pass(400 * DAY - 1);
    assert_eq!(issuer.refresh(&client, &grant.token).await.status, 200);
    // A later rotation leaves the end of the older ones alone.
    rotate(&issuer).await;
    assert_eq!(ttl(1).await, Some(last));
    assert!(ttl(2).await.is_some());
}

#[tokio::test]
async fn rotations_at_once_make_one_version() {
    let issuer = InProcess::start().await;
    let client = app(&issuer).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let (left, right) = (issuer.clone(), issuer.clone());
    let (one, other) = tokio::join!(rotate(&left), rotate(&right));
    assert!([one, other].contains(&2) && one.max(other) <= 3);
    issuer.pass(10);
    let token = issuer.refresh(&client, &grant.token).await.refresh_token();
    assert_eq!(
        issuer.cold().await.refresh(&client, &token).await.status,
        200
    );
}
