//! What becomes of the grants and tokens of a client that is disabled, deleted or registered anew.

use std::time::Duration;

use tokensmith_issuer::store::records::Client;
use tokensmith_tests::records::API;
use tokensmith_tests::{InProcess, START, TestClient};

async fn disable(issuer: &InProcess, client: &TestClient) {
    let disabled = issuer
        .administrator()
        .disable_client(&client.client_id())
        .await;
    disabled.expect("it is disabled");
}

async fn delete(issuer: &InProcess, client: &TestClient) {
    let deleted = issuer
        .administrator()
        .delete_client(&client.client_id())
        .await;
    deleted.expect("it is deleted");
}

async fn without_cache() -> InProcess {
    InProcess::configured(|config| config.cache_ttl = Duration::ZERO).await
}

#[tokio::test]
async fn a_disabled_client_gets_no_token_and_its_tokens_are_inactive() {
    let issuer = without_cache().await;
    let client = issuer.confidential("app", |_| {}).await;
    let judge = issuer.owner_of(API).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    let own = issuer.client_credentials(&client).await;
    disable(&issuer, &client).await;
    let before = issuer.items().await;
    let refused = (401, "invalid_client".to_owned());
    let refreshed = issuer.refresh(&client, &answer.refresh_token()).await;
    assert_eq!(refreshed.error(), refused);
    assert_eq!(issuer.client_credentials(&client).await.error(), refused);
    let revoked = issuer.revoke(&client, &answer.refresh_token()).await;
    assert_eq!(revoked.error(), refused);
    let asked = issuer.introspect(&client, &answer.access_token()).await;
    assert_eq!(asked.error(), refused);
    for token in [answer.access_token(), own.access_token()] {
        assert!(!issuer.is_active(&judge, &token).await);
    }
    assert_eq!(issuer.items().await, before);
}

#[tokio::test]
async fn an_enabled_client_begins_anew_with_what_it_gets_after_that() {
    let issuer = without_cache().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let old = issuer.refresh(&client, &grant.token).await;
    disable(&issuer, &client).await;
    issuer.pass(4);
    issuer.change_client(&client, |c| c.disabled = false).await;
    let refused = issuer.refresh(&client, &old.refresh_token()).await;
    assert_eq!(refused.error(), (400, "invalid_grant".into()));
    assert!(!issuer.is_active(&client, &old.access_token()).await);
    let new = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &new.token).await;
    assert!(issuer.is_active(&client, &answer.access_token()).await);
}

#[tokio::test]
async fn a_deleted_client_is_unknown_and_its_tokens_are_inactive() {
    let issuer = without_cache().await;
    let client = issuer.confidential("app", |_| {}).await;
    let judge = issuer.owner_of(API).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let answer = issuer.refresh(&client, &grant.token).await;
    delete(&issuer, &client).await;
    let before = issuer.items().await;
    let refused = issuer.refresh(&client, &answer.refresh_token()).await;
    assert_eq!(refused.error(), (401, "invalid_client".into()));
    assert!(!issuer.is_active(&judge, &answer.access_token()).await);
    assert_eq!(issuer.items().await, before);
    // DynamoDB deletes what is left of it in the end.
    let key = Client::key_of(&client.client_id());
    issuer.table().delete(&key).await.expect("a deletion");
    assert!(!issuer.is_active(&judge, &answer.access_token()).await);
    let refused = issuer.refresh(&client, &answer.refresh_token()).await;
    assert_eq!(refused.error(), (401, "invalid_client".into()));
}

/// The documented bound: a change is seen when the cached record is over, and what was issued in
/// between is dead all the same.
#[tokio::test]
async fn a_disabled_client_is_seen_within_the_cache_lifetime() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let judge = issuer.owner_of(API).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let mut token = issuer.refresh(&client, &grant.token).await.refresh_token();
    disable(&issuer, &client).await;
    for second in 0..=9 {
        issuer.set(tokensmith_verifier::Timestamp::from_seconds(START + second));
        let answer = issuer.refresh(&client, &token).await;
        assert!(!issuer.is_active(&judge, &answer.access_token()).await);
        token = answer.refresh_token();
    }
    issuer.pass(1);
    let refused = issuer.refresh(&client, &token).await;
    assert_eq!(refused.error(), (401, "invalid_client".into()));
}

/// A failure against a cached record is checked once against the table.
#[tokio::test]
async fn a_rotated_secret_works_at_once() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let token = issuer.refresh(&client, &grant.token).await.refresh_token();
    let rotated = client.with_wrong_secret();
    let unknown_yet = issuer.refresh(&rotated, &token).await;
    assert_eq!(unknown_yet.error(), (401, "invalid_client".into()));
    let secret = rotated.secret.as_deref().expect("a secret");
    let parsed = tokensmith_issuer::credential::ClientSecret::parse(secret);
    let hash = parsed.expect("a well-formed secret").hash();
    issuer
        .change_client(&client, |client| client.secrets[0].hash = hash)
        .await;
    // One recheck of a client in a second: a flood of wrong secrets costs one read.
    issuer.pass(1);
    assert_eq!(issuer.refresh(&rotated, &token).await.status, 200);
    let old = issuer.refresh(&client, &token).await;
    assert_eq!(old.error(), (401, "invalid_client".into()));
}

#[tokio::test]
async fn two_secrets_are_live_until_the_overlap_ends() {
    let issuer = without_cache().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let new = client.with_wrong_secret();
    let secret = new.secret.as_deref().expect("a secret");
    let secret = tokensmith_issuer::credential::ClientSecret::parse(secret).expect("well-formed");
    let now = issuer.now();
    issuer
        .change_client(&client, |client| {
            client.secrets[0].expires_at = Some(now.after(Duration::from_secs(100)));
            let current = tokensmith_issuer::store::records::LiveSecret {
                hash: secret.hash(),
                created_at: now,
                expires_at: None,
            };
            client.secrets.insert(0, current);
        })
        .await;
    for (second, old_status) in [(99, 200), (1, 401), (1, 401)] {
        issuer.pass(second);
        let by_new = issuer.refresh(&new, &grant.token).await;
        assert_eq!(by_new.status, 200);
        let by_old = issuer.refresh(&client, &grant.token).await;
        assert_eq!(by_old.status, old_status);
    }
}
