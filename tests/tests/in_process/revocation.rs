//! RFC 7009: a client revokes a grant or one access token that it has, by one write.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use tokensmith_issuer::config::MAX_ACCESS_TTL;
use tokensmith_issuer::credential::GrantId;
use tokensmith_issuer::revocation::{RevokeOutcome, revoke_client, revoke_grant, revoke_subject};
use tokensmith_issuer::store::FeedSelection;
use tokensmith_issuer::store::records::Grant;
use tokensmith_local::dynamodb_client;
use tokensmith_tests::records::API;
use tokensmith_tests::{InProcess, Items};
use tokensmith_verifier::{Revocation, Timestamp, paths};

/// What verifiers see in the sparse index `feed`.
async fn feed(issuer: &InProcess) -> Vec<HashMap<String, AttributeValue>> {
    let client = dynamodb_client(issuer.dynamo.direct());
    let scanned = client.scan().table_name("tokensmith").index_name("feed");
    let answer = scanned.send().await.expect("a scan");
    answer.items.unwrap_or_default()
}

#[tokio::test]
async fn rfc7009_2_1_any_refresh_token_of_a_grant_revokes_all_of_it() {
    for presented in 0..3 {
        let issuer = InProcess::start().await;
        let client = issuer.confidential("app", |_| {}).await;
        let grant = issuer.grant(&client, |_| {}).await;
        let first = issuer.refresh(&client, &grant.token).await;
        let second = issuer.refresh(&client, &first.refresh_token()).await;
        let tokens = [
            grant.token.clone(),
            first.refresh_token(),
            second.refresh_token(),
        ];
        let answer = issuer.revoke(&client, &tokens[presented]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        assert_eq!(answer.headers["cache-control"], "no-store");
        let revoked_at = issuer.stored(&grant).await.revoked_at;
        assert_eq!(revoked_at, Some(issuer.now()));
        for token in &tokens {
            let refused = issuer.refresh(&client, token).await;
            assert_eq!(refused.error(), (400, "invalid_grant".into()));
            assert!(!issuer.is_active(&client, token).await);
        }
        for token in [first.access_token(), second.access_token()] {
            assert!(!issuer.is_active(&client, &token).await);
        }
    }
}

#[tokio::test]
async fn rfc7009_2_1_an_access_token_is_revoked_alone() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let first = issuer.refresh(&client, &grant.token).await;
    let second = issuer.refresh(&client, &first.refresh_token()).await;
    let own = issuer.client_credentials(&client).await;
    for token in [first.access_token(), own.access_token()] {
        assert!(issuer.is_active(&client, &token).await);
        assert_eq!(issuer.revoke(&client, &token).await.status, 200);
        assert!(!issuer.is_active(&client, &token).await);
        assert!(!issuer.cold().await.is_active(&client, &token).await);
    }
    assert!(issuer.is_active(&client, &second.access_token()).await);
    let goes_on = issuer.refresh(&client, &second.refresh_token()).await;
    assert_eq!(goes_on.status, 200);
}

#[tokio::test]
async fn rfc7009_2_1_the_hint_is_only_a_hint() {
    for hint in ["access_token", "refresh_token", "something"] {
        let issuer = InProcess::start().await;
        let client = issuer.confidential("app", |_| {}).await;
        let grant = issuer.grant(&client, |_| {}).await;
        let answer = issuer.refresh(&client, &grant.token).await;
        for token in [answer.access_token(), answer.refresh_token()] {
            let form = [("token", token.as_str()), ("token_type_hint", hint)];
            let revoked = issuer.post(paths::REVOKE, &client, &form).await;
            assert_eq!(revoked.status, 200);
            assert!(!issuer.is_active(&client, &token).await, "{hint}");
        }
    }
}

#[tokio::test]
async fn a_revocation_again_is_the_same_200_and_renews_nothing_but_its_entry_in_the_feed() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    let tokens = [answer.access_token(), answer.refresh_token()];
    for token in &tokens {
        assert_eq!(issuer.revoke(&client, token).await.status, 200);
    }
    let before = issuer.items().await;
    issuer.pass(1);
    for token in &tokens {
        assert_eq!(issuer.revoke(&client, token).await.status, 200);
    }
    let after = issuer.items().await;
    assert_eq!(lasting(&after), lasting(&before));
    for entry in feed(&issuer).await {
        let at = entry["feed_at"].as_n().expect("a moment");
        assert_eq!(*at, issuer.now().seconds().to_string());
    }
}

/// The attributes that a repeated revocation leaves as they are.
fn lasting(items: &Items) -> Items {
    let mut items = items.clone();
    for item in items.values_mut() {
        let renewed = ["feed_at", "feed_until", "ttl", "rev", "attempt"];
        item.retain(|name, _| !renewed.contains(&name.as_str()));
    }
    items
}

#[tokio::test]
async fn rfc7009_2_1_a_client_revokes_only_its_own_and_a_stranger_nothing() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    let other = issuer.confidential("other", |_| {}).await;
    let public = issuer.public("public", |_| {}).await;
    let without_secret = client.without_secret();
    let before = issuer.items().await;
    let tokens = [
        grant.token.clone(),
        answer.refresh_token(),
        answer.access_token(),
    ];
    for token in &tokens {
        for stranger in [&other, &public] {
            let answer = issuer.revoke(stranger, token).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        }
        for stranger in [&client.with_wrong_secret(), &without_secret] {
            let answer = issuer.revoke(stranger, token).await;
            assert_eq!(answer.error(), (401, "invalid_client".into()));
        }
    }
    assert_eq!(issuer.items().await, before);
    assert!(issuer.is_active(&client, &tokens[1]).await);
    assert!(issuer.is_active(&client, &tokens[2]).await);
}

#[tokio::test]
async fn a_public_client_revokes_its_own() {
    let issuer = InProcess::start().await;
    let client = issuer.public("app", |_| {}).await;
    let judge = issuer.owner_of(API).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    let next = issuer.refresh(&client, &answer.refresh_token()).await;
    assert!(issuer.is_active(&judge, &answer.access_token()).await);
    issuer.revoke(&client, &answer.access_token()).await;
    assert!(!issuer.is_active(&judge, &answer.access_token()).await);
    assert!(issuer.is_active(&judge, &next.access_token()).await);
    issuer.revoke(&client, &next.refresh_token()).await;
    assert!(!issuer.is_active(&judge, &next.access_token()).await);
}

#[tokio::test]
async fn an_access_token_that_has_expired_needs_no_record() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let token = issuer.client_credentials(&client).await.access_token();
    issuer.pass(900);
    let before = issuer.items().await;
    assert_eq!(issuer.revoke(&client, &token).await.status, 200);
    assert_eq!(issuer.items().await, before);
}

#[tokio::test]
async fn a_revoked_access_token_stays_revoked_until_no_verifier_accepts_it() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let answer = issuer.client_credentials(&client).await;
    issuer.revoke(&client, &answer.access_token()).await;
    let key = format!("JTI#{}/-", answer.claims().jti);
    let item = issuer.items().await.remove(&key).expect("the record");
    let ttl: u64 = item["ttl"].as_n().expect("a number").parse().expect("it");
    let longest = answer.claims().exp + tokensmith_verifier::CLOCK_SKEW_SECONDS;
    assert!(ttl >= longest, "{ttl} < {longest}");
}

#[tokio::test]
async fn every_revocation_is_in_the_feed_by_the_same_write() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    assert!(feed(&issuer).await.is_empty(), "sparse");
    issuer.dynamo.take_attempts();
    issuer.revoke(&client, &answer.access_token()).await;
    issuer.revoke(&client, &answer.refresh_token()).await;
    let writes = issuer.dynamo.take_calls();
    assert_eq!(writes, ["PutItem", "UpdateItem"]);
    let feed = feed(&issuer).await;
    let mut keys: Vec<_> = feed
        .iter()
        .map(|entry| entry["pk"].as_s().expect("a key").clone())
        .collect();
    keys.sort();
    let jti = format!("JTI#{}", answer.claims().jti);
    assert_eq!(keys, [format!("GRANT#{}", grant.id), jti]);
    for entry in &feed {
        let number = |name: &str| -> u64 {
            let text = entry[name].as_n().expect("a number");
            text.parse().expect("a number")
        };
        assert_eq!(number("feed_at"), issuer.now().seconds());
        assert!(number("feed_until") >= answer.claims().exp);
    }
}

#[tokio::test]
async fn reuse_is_in_the_feed_as_well() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let second = issuer.refresh(&client, &grant.token).await.refresh_token();
    issuer.refresh(&client, &second).await;
    issuer.refresh(&client, &grant.token).await;
    let feed = feed(&issuer).await;
    assert_eq!(feed.len(), 1);
    assert_eq!(
        feed[0]["pk"].as_s().expect("a key"),
        &format!("GRANT#{}", grant.id)
    );
}

#[tokio::test]
async fn an_operator_revokes_a_grant_without_its_client() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let revoke = async |id| {
        revoke_grant(issuer.table(), id, None, issuer.now())
            .await
            .expect("a write")
    };
    assert_eq!(revoke(grant.id).await, RevokeOutcome::Revoked);
    assert_eq!(revoke(grant.id).await, RevokeOutcome::Revoked);
    let refused = issuer.refresh(&client, &grant.token).await;
    assert_eq!(refused.error(), (400, "invalid_grant".into()));
    let unknown = GrantId::random(&"alice".parse().expect("a subject"));
    assert_eq!(revoke(unknown).await, RevokeOutcome::NothingFound);
    let created = issuer.table().get(&Grant::key_of(unknown)).await;
    assert!(created.expect("a read").is_none(), "never creates one");
}

#[tokio::test]
async fn a_revoked_grant_stays_revoked_whatever_is_tried_on_it() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let token = issuer.refresh(&client, &grant.token).await.refresh_token();
    issuer.revoke(&client, &token).await;
    let before = issuer.items().await;
    issuer.pass(100);
    for rotation in [true, false] {
        issuer
            .change_client(&client, |c| c.refresh_rotation = rotation)
            .await;
        for generation in 1..5 {
            let presented = issuer.credential(&grant, generation, 1).await;
            let refused = issuer.refresh(&client, &presented).await;
            assert_eq!(refused.error(), (400, "invalid_grant".into()));
            issuer.revoke(&client, &presented).await;
        }
    }
    // A repeated revocation renews nothing but its entry in the feed.
    let key = format!("GRANT#{}/-", grant.id);
    let (after, before) = (lasting(&issuer.items().await), lasting(&before));
    assert_eq!(after[&key], before[&key]);
}

/// What readers of the index `feed` see of each kind, page by page, from a moment on.
#[tokio::test]
async fn the_feed_names_what_was_revoked_and_until_when_it_matters() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    let (start, end) = (issuer.now(), Timestamp::from_seconds(answer.claims().exp));
    issuer.revoke(&client, &answer.access_token()).await;
    issuer.pass(1);
    issuer.revoke(&client, &answer.refresh_token()).await;
    issuer.pass(1);
    let (table, time) = (issuer.table(), issuer.checked_time().await);
    let not_before = issuer.now().after(Duration::from_secs(3));
    revoke_client(table, &client.client_id(), &time)
        .await
        .expect("it is revoked");
    revoke_subject(table, "alice", &time)
        .await
        .expect("it is revoked");
    let longest_life = |moment: Timestamp| moment.after(MAX_ACCESS_TTL).seconds();
    let of_grant = longest_life(start.after(Duration::from_secs(1)));
    let (moment, until) = (not_before.seconds(), longest_life(not_before));
    let expected = [
        (0, Revocation::of_token(&answer.claims().jti, end.seconds())),
        (1, Revocation::of_grant(&grant.id.to_string(), of_grant)),
        (2, Revocation::of_client("app", moment, until)),
        (2, Revocation::of_subject("alice", moment, until)),
    ];
    for since in 0..=3 {
        let from = start.after(Duration::from_secs(since));
        let page = table
            .query_feed(FeedSelection::Since(from), None, None)
            .await;
        let page = page.expect("a page");
        let items = page.entries;
        assert!(page.next.is_none());
        let seen: Vec<_> = items
            .iter()
            .map(|item| (item.at.since(start).as_secs(), item.revocation))
            .collect();
        let later = expected.iter().filter(|(at, _)| *at >= since);
        assert_eq!(seen.len(), later.clone().count());
        assert!(later.into_iter().all(|one| seen.contains(one)), "{seen:?}");
    }
    // The token's own expiry has passed: it is of no concern any more.
    for (passed, live) in [(0, 4), (1, 3)] {
        let now = end.after(Duration::from_secs(passed));
        let page = table
            .query_feed(FeedSelection::LiveAt(now), None, None)
            .await;
        assert_eq!(page.expect("a page").entries.len(), live);
    }
}
