//! What the records of resources cost, how long they are cached, and what is decided again on a fresh read.

use std::time::Duration;

use tokensmith_issuer::store::records::{Allowance, Client, Resource};
use tokensmith_tests::records::{API, OTHER_API, audiences, scopes};
use tokensmith_tests::{HttpRequest, InProcess, START, TestClient};
use tokensmith_verifier::paths;

const ORDERS: &str = "https://orders.example/";

fn holds(uri: &str, text: &str) -> impl FnOnce(&mut Client) {
    let held = Allowance {
        resource: uri.parse().expect("a URI"),
        scopes: scopes(text),
    };
    move |client| client.allowed.push(held)
}

async fn token(
    issuer: &InProcess,
    client: &TestClient,
    more: &[(&str, &str)],
) -> tokensmith_tests::Answer {
    let form = [&[("grant_type", "client_credentials")], more].concat();
    issuer.post(paths::TOKEN, client, &form).await
}

/// An issuer with a resource that defines `a b`, and a client that holds both.
async fn scene() -> (InProcess, TestClient) {
    let issuer = InProcess::start().await;
    issuer.resource(ORDERS, |_| {}).await;
    let client = issuer.confidential("app", holds(ORDERS, "a b")).await;
    (issuer, client)
}

/// The reads of records since the last look; those of keys are not of interest here.
fn reads(issuer: &InProcess) -> Vec<String> {
    let mut calls: Vec<String> = issuer.dynamo.take_calls();
    calls.retain(|call| call != "Query");
    calls
}

#[tokio::test]
async fn an_audience_is_read_once_in_the_lifetime_of_the_cache_whether_it_is_registered_or_not() {
    let (issuer, client) = scene().await;
    for uri in [ORDERS, API] {
        let asked = [("resource", uri)];
        issuer.pass(10);
        assert_eq!(token(&issuer, &client, &asked).await.status, 200);
        assert_eq!(reads(&issuer), ["GetItem", "GetItem"], "{uri}");
        issuer.pass(9);
        for _ in 0..3 {
            assert_eq!(token(&issuer, &client, &asked).await.status, 200);
        }
        assert!(reads(&issuer).is_empty(), "{uri}");
    }
    issuer.pass(10);
    let both = [("resource", API), ("resource", OTHER_API)];
    assert_eq!(token(&issuer, &client, &both).await.status, 200);
    assert_eq!(reads(&issuer), ["GetItem", "GetItem", "GetItem"]);
}

/// A stranger makes the issuer read no resource, and a client only those that it may name.
#[tokio::test]
async fn a_resource_is_read_for_a_client_that_has_authenticated_and_may_name_it() {
    let (issuer, client) = scene().await;
    let asked = [("resource", ORDERS)];
    let refused = token(&issuer, &client.with_wrong_secret(), &asked).await;
    assert_eq!(refused.status, 401);
    assert_eq!(reads(&issuer), ["GetItem"]);
    for number in 0..5 {
        let made_up = format!("https://made-up.example/{number}");
        let refused = token(&issuer, &client, &[("resource", &made_up)]).await;
        assert_eq!(refused.error(), (400, "invalid_target".into()));
    }
    let calls = reads(&issuer);
    assert!(!calls.contains(&"BatchGetItem".to_owned()), "{calls:?}");
}

/// The documented bound: a scope that is taken away goes with the cached record, and one that is added works at once.
#[tokio::test]
async fn a_denial_by_a_cached_resource_is_decided_once_more_on_the_table() {
    let (issuer, client) = scene().await;
    let asked = [("resource", ORDERS), ("scope", "b")];
    assert_eq!(token(&issuer, &client, &asked).await.status, 200);
    let only_a = |resource: &mut Resource| resource.scopes.truncate(1);
    issuer.change_resource(ORDERS, only_a).await;
    issuer.pass(9);
    assert_eq!(token(&issuer, &client, &asked).await.status, 200);
    issuer.pass(1);
    let refused = token(&issuer, &client, &asked).await;
    assert_eq!(refused.error(), (400, "invalid_scope".into()));
    let again = |resource: &mut Resource| resource.scopes[0].name = "b".parse().expect("a scope");
    issuer.change_resource(ORDERS, again).await;
    issuer.pass(1);
    assert_eq!(token(&issuer, &client, &asked).await.status, 200);
    // Once a second, however many denials there are.
    issuer.pass(1);
    reads(&issuer);
    for _ in 0..5 {
        let refused = token(&issuer, &client, &[("resource", ORDERS), ("scope", "a")]).await;
        assert_eq!(refused.error(), (400, "invalid_scope".into()));
    }
    assert_eq!(reads(&issuer), ["GetItem", "GetItem"]);
}

#[tokio::test]
async fn an_owner_that_was_added_is_known_at_once_and_one_that_was_removed_within_the_cache() {
    let (issuer, client) = scene().await;
    let owner = issuer.confidential("owner", |_| {}).await;
    let access_token = token(&issuer, &client, &[("resource", ORDERS)])
        .await
        .access_token();
    assert!(!issuer.is_active(&owner, &access_token).await);
    let owners = vec![owner.client_id()];
    issuer
        .change_resource(ORDERS, |resource| resource.owners = owners)
        .await;
    issuer.pass(1);
    assert!(issuer.is_active(&owner, &access_token).await);
    issuer
        .change_resource(ORDERS, |resource| resource.owners.clear())
        .await;
    issuer.pass(10);
    assert!(!issuer.is_active(&owner, &access_token).await);
}

#[tokio::test]
async fn introspection_by_an_owner_reads_the_resource_once_in_the_lifetime_of_the_cache() {
    let (issuer, client) = scene().await;
    let owner = issuer.owner_of(OTHER_API).await;
    let answer = token(&issuer, &client, &[("resource", OTHER_API)]).await;
    let access_token = answer.access_token();
    issuer.pass(10);
    issuer.dynamo.take_calls();
    assert!(issuer.is_active(&owner, &access_token).await);
    assert_eq!(reads(&issuer), ["GetItem", "BatchGetItem", "GetItem"]);
    assert!(issuer.is_active(&owner, &access_token).await);
    assert_eq!(issuer.dynamo.take_calls(), ["BatchGetItem"]);
}

/// Decision 0008: `iat` is the time of the oldest read, so tokens that live shortly need fresh ones.
#[tokio::test]
async fn a_token_of_a_resource_with_short_lived_tokens_rests_on_reads_that_are_as_fresh() {
    let issuer = InProcess::configured(|config| config.cache_ttl = Duration::from_secs(300)).await;
    issuer
        .resource(ORDERS, |resource| resource.access_ttl = Some(20))
        .await;
    let client = issuer.confidential("app", holds(ORDERS, "a")).await;
    assert_eq!(
        token(&issuer, &client, &[("resource", API)]).await.status,
        200
    );
    issuer.pass(60);
    let claims = token(&issuer, &client, &[("resource", ORDERS)])
        .await
        .claims();
    assert_eq!((claims.iat, claims.exp), (START + 60, START + 80));
    issuer.pass(1);
    let claims = token(&issuer, &client, &[("resource", ORDERS)])
        .await
        .claims();
    assert_eq!(claims.iat, START + 60);
    issuer.pass(1);
    let claims = token(&issuer, &client, &[("resource", ORDERS)])
        .await
        .claims();
    assert_eq!(claims.iat, START + 62);
}

#[tokio::test]
async fn no_resource_can_be_read_and_nothing_is_issued() {
    let (issuer, client) = scene().await;
    assert_eq!(
        token(&issuer, &client, &[("resource", API)]).await.status,
        200
    );
    let throttled = Some(tokensmith_tests::faults::Fault::Throttled);
    issuer.dynamo.plan(vec![throttled; 3]);
    let asked = [("resource", ORDERS)];
    token(&issuer, &client, &asked).await.assert_unavailable();
    issuer.dynamo.plan([]);
    assert_eq!(token(&issuer, &client, &asked).await.status, 200);
}

#[tokio::test]
async fn invariant_5_a_token_of_a_grant_has_only_scopes_that_are_granted_held_and_defined() {
    let (issuer, client) = scene().await;
    for (granted, held, defined, expected) in [
        ("a b", "a b", "a b", Some("a b")),
        ("a", "a b", "a b", Some("a")),
        ("a b", "b", "a b", Some("b")),
        ("a b", "a b", "b", Some("b")),
        ("a", "b", "a b", None),
        ("c", "c", "a b", None),
    ] {
        let granted = |grant: &mut tokensmith_issuer::store::records::Grant| {
            grant.scopes = scopes(granted);
            grant.audiences = audiences(&[ORDERS]);
        };
        let grant = issuer.grant(&client, granted).await;
        issuer
            .change_client(&client, |c| c.allowed[0].scopes = scopes(held))
            .await;
        let kept = scopes(defined);
        issuer
            .change_resource(ORDERS, |resource| {
                let first = resource.scopes[0].clone();
                let described = |name: &tokensmith_issuer::names::Scope| {
                    let mut scope = first.clone();
                    scope.name = name.clone();
                    scope
                };
                resource.scopes = kept.iter().map(described).collect();
            })
            .await;
        issuer.pass(10);
        let answer = issuer
            .send(&HttpRequest::refresh(&client, &grant.token))
            .await;
        assert_eq!(
            answer.claims().scope.as_deref(),
            expected,
            "{held} {defined}"
        );
    }
}
