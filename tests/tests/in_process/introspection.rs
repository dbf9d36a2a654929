//! RFC 7662: confidential clients are told of their own tokens, and of access tokens for a resource that
//! they own. The answer for any other token, and for any invalid one, is exactly `{"active":false}`.

use serde_json::json;
use tokensmith_issuer::store::records::Resource;
use tokensmith_tests::records::{API, OTHER_API, audiences};
use tokensmith_tests::{InProcess, START};

const INACTIVE: &str = r#"{"active":false}"#;

#[tokio::test]
async fn rfc7662_2_2_an_access_token_is_shown_as_it_is() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    let shown = issuer.introspect(&client, &answer.access_token()).await;
    assert_eq!(shown.headers["cache-control"], "no-store");
    let expected = json!({
        "active": true,
        "iss": "https://issuer.example",
        "sub": "alice",
        "client_id": "app",
        "aud": API,
        "exp": START + 900,
        "iat": START,
        "jti": answer.claims().jti,
        "scope": "a b",
        "token_type": "Bearer",
        "grant_id": grant.id,
    });
    assert_eq!(shown.json(), expected);
}

#[tokio::test]
async fn rfc7662_2_2_a_refresh_token_is_shown_as_its_grant() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |c| c.refresh_ttl = 1000).await;
    let grant = issuer.grant(&client, |_| {}).await;
    issuer.pass(10);
    let token = issuer.refresh(&client, &grant.token).await.refresh_token();
    let expected = json!({
        "active": true,
        "iss": "https://issuer.example",
        "sub": "alice",
        "client_id": "app",
        "exp": START + 1010,
        "iat": START + 10,
        "scope": "a b",
        "grant_id": grant.id,
    });
    assert_eq!(issuer.introspect(&client, &token).await.json(), expected);
    // The predecessor is active as long as a refresh would honour it.
    assert!(issuer.is_active(&client, &grant.token).await);
    issuer.refresh(&client, &token).await;
    assert!(!issuer.is_active(&client, &grant.token).await);
}

/// To ask is not to use.
#[tokio::test]
async fn introspection_of_a_reused_token_revokes_nothing() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let second = issuer.refresh(&client, &grant.token).await.refresh_token();
    issuer.refresh(&client, &second).await;
    let before = issuer.items().await;
    assert!(!issuer.is_active(&client, &grant.token).await);
    assert_eq!(issuer.items().await, before);
}

#[tokio::test]
async fn rfc7662_2_1_only_a_client_that_authenticates_may_ask() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let public = issuer.public("public", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let own = issuer.grant(&public, |_| {}).await;
    let refused = (401, "invalid_client".to_owned());
    for (caller, token) in [
        (&public, &grant.token),
        (&public, &own.token),
        (&client.with_wrong_secret(), &grant.token),
    ] {
        let answer = issuer.introspect(caller, token).await;
        assert_eq!(answer.error(), refused);
        assert_eq!(
            answer.headers["www-authenticate"],
            "Basic realm=\"tokensmith\""
        );
    }
}

#[tokio::test]
async fn a_caller_knows_its_own_tokens_and_access_tokens_for_a_resource_that_it_owns() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer
        .grant(&client, |g| g.audiences = audiences(&[API, OTHER_API]))
        .await;
    let both = [("resource", API), ("resource", OTHER_API)];
    // Issued before either was registered: a token for a registered resource is for nothing else.
    let for_both = issuer.refresh_with(&client, &grant.token, &both).await;
    issuer.pass(10);
    let owner = issuer.owner_of(API).await;
    let lists = issuer
        .confidential("lists", |c| c.audiences = audiences(&[API]))
        .await;
    let other = issuer.confidential("other", |_| {}).await;
    let lookalike = |r: &mut Resource| r.owners = vec![other.client_id()];
    issuer.resource("https://api.example//", lookalike).await;
    let for_api = issuer
        .refresh_with(&client, &for_both.refresh_token(), &[("resource", API)])
        .await;
    let refresh_token = for_api.refresh_token();
    for (caller, token, knows) in [
        (&client, for_api.access_token(), true),
        (&client, for_both.access_token(), true),
        (&client, refresh_token.clone(), true),
        (&owner, for_api.access_token(), true),
        (&owner, for_both.access_token(), true),
        // A refresh token is meant for nobody but its client.
        (&owner, refresh_token.clone(), false),
        (&lists, for_api.access_token(), false),
        (&lists, for_both.access_token(), false),
        (&other, for_api.access_token(), false),
        (&other, refresh_token, false),
    ] {
        let answer = issuer.introspect(caller, &token).await;
        assert_eq!(answer.status, 200);
        match knows {
            true => assert_eq!(answer.json()["active"], true, "{}", caller.id),
            false => assert_eq!(answer.body, INACTIVE, "{}", caller.id),
        }
    }
}

#[tokio::test]
async fn a_token_is_active_until_the_second_of_its_expiry() {
    let issuer = InProcess::start().await;
    let client = issuer
        .confidential("app", |c| c.access_ttl = Some(100))
        .await;
    let token = issuer.client_credentials(&client).await.access_token();
    for (second, active) in [(0, true), (99, true), (1, false), (1, false)] {
        issuer.pass(second);
        assert_eq!(issuer.is_active(&client, &token).await, active);
    }
}

#[tokio::test]
async fn a_request_without_a_token_is_invalid() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let answer = issuer.introspect(&client, "").await;
    assert_eq!(answer.error(), (400, "invalid_request".into()));
    let answer = issuer.revoke(&client, "").await;
    assert_eq!(answer.error(), (400, "invalid_request".into()));
}

#[tokio::test]
async fn an_access_token_is_no_refresh_token_and_the_reverse() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    let refused = issuer.refresh(&client, &answer.access_token()).await;
    assert_eq!(refused.error(), (400, "invalid_grant".into()));
    let secret = client.secret.as_deref().expect("a secret");
    for not_a_token in [secret, grant.id.to_string().as_str(), client.id.as_str()] {
        assert_eq!(issuer.introspect(&client, not_a_token).await.body, INACTIVE);
        assert_eq!(issuer.revoke(&client, not_a_token).await.status, 200);
    }
}
