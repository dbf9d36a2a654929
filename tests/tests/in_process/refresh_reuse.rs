//! RFC 9700 §4.14: a refresh token that is used again revokes its grant, but never when another client
//! presents it.

use serde_json::Value;
use tokensmith_tests::logged::{logged, tell};
use tokensmith_tests::{InProcess, TestClient, TestGrant};

/// A grant that has been refreshed to generation 3, and its three refresh tokens.
async fn third_generation(issuer: &InProcess, client: &TestClient) -> (TestGrant, [String; 3]) {
    let grant = issuer.grant(client, |_| {}).await;
    let second = issuer.refresh(client, &grant.token).await.refresh_token();
    let third = issuer.refresh(client, &second).await.refresh_token();
    let tokens = [grant.token.clone(), second, third];
    (grant, tokens)
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

#[tokio::test]
async fn reuse_revokes_the_grant_once_with_all_its_tokens() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let (grant, [first, second, third]) = third_generation(&issuer, &client).await;
    let reused_at = issuer.now();
    let reused = issuer.refresh(&client, &first).await;
    assert_eq!(reused.error(), invalid_grant());
    assert_eq!(issuer.stored(&grant).await.revoked_at, Some(reused_at));
    issuer.pass(1);
    let before = issuer.items().await;
    for token in [&first, &second, &third] {
        let refused = issuer.refresh(&client, token).await;
        assert_eq!(refused.error(), invalid_grant());
        assert_eq!(
            refused.string("error_description"),
            reused.string("error_description"),
            "a thief does not learn that it was noticed"
        );
    }
    assert_eq!(issuer.items().await, before, "revoked once");
}

#[tokio::test]
async fn invariant_4_reuse_after_grace_revokes_the_grant_and_every_access_token_of_it() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let mut access_tokens = Vec::new();
    let mut current = grant.token.clone();
    for _ in 0..3 {
        let answer = issuer.refresh(&client, &current).await;
        access_tokens.push(answer.access_token());
        current = answer.refresh_token();
    }
    for token in &access_tokens {
        assert!(issuer.is_active(&client, token).await);
    }
    assert!(issuer.is_active(&client, &current).await);
    assert_eq!(
        issuer.refresh(&client, &grant.token).await.error(),
        invalid_grant()
    );
    for token in access_tokens.iter().chain([&current]) {
        assert!(!issuer.is_active(&client, token).await);
        let elsewhere = issuer.cold().await;
        assert!(!elsewhere.is_active(&client, token).await);
    }
}

#[tokio::test]
async fn another_grant_of_the_same_client_and_subject_survives() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let (_, [first, ..]) = third_generation(&issuer, &client).await;
    let (other, [.., current]) = third_generation(&issuer, &client).await;
    assert_eq!(
        issuer.refresh(&client, &first).await.error(),
        invalid_grant()
    );
    assert_eq!(issuer.refresh(&client, &current).await.status, 200);
    assert_eq!(issuer.stored(&other).await.revoked_at, None);
}

#[tokio::test]
async fn a_stranger_with_old_and_current_tokens_neither_revokes_nor_advances_the_grant() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let other = issuer.confidential("other", |_| {}).await;
    let public = issuer.public("public", |_| {}).await;
    let without_secret = client.without_secret();
    let unknown = client.called("nobody");
    let others_secret = other.called(&client.id);
    let (_, tokens) = third_generation(&issuer, &client).await;
    let before = issuer.items().await;
    let unauthenticated = (401, "invalid_client".to_owned());
    for (stranger, refusal) in [
        (&other, invalid_grant()),
        (&public, invalid_grant()),
        (&client.with_wrong_secret(), unauthenticated.clone()),
        (&others_secret, unauthenticated.clone()),
        (&without_secret, unauthenticated.clone()),
        (&unknown, unauthenticated),
    ] {
        for token in &tokens {
            let answer = issuer.refresh(stranger, token).await;
            assert_eq!(answer.error(), refusal, "{stranger:?}");
        }
    }
    assert_eq!(issuer.items().await, before);
    let [.., current] = &tokens;
    assert_eq!(issuer.refresh(&client, current).await.status, 200);
}

/// A public client has nothing but its id, and the id of another is no secret either.
#[tokio::test]
async fn one_public_client_cannot_revoke_the_grant_of_another() {
    let issuer = InProcess::start().await;
    let client = issuer.public("app", |_| {}).await;
    let other = issuer.public("other", |_| {}).await;
    let (_, tokens) = third_generation(&issuer, &client).await;
    let before = issuer.items().await;
    for token in &tokens {
        assert_eq!(issuer.refresh(&other, token).await.error(), invalid_grant());
    }
    assert_eq!(issuer.items().await, before);
}

#[tokio::test]
async fn a_generation_ahead_of_the_record_is_refused_and_nothing_is_written() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let (grant, [.., current]) = third_generation(&issuer, &client).await;
    let before = issuer.items().await;
    for ahead in [4, 5, u32::MAX] {
        let token = issuer.credential(&grant, ahead, 1).await;
        let answer = issuer.refresh(&client, &token).await;
        assert_eq!(answer.error(), invalid_grant());
    }
    assert_eq!(issuer.items().await, before);
    assert_eq!(issuer.refresh(&client, &current).await.status, 200);
}

#[tokio::test]
async fn after_a_restored_backup_a_newer_token_is_refused_and_the_older_one_goes_on() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let backup = issuer.stored(&grant).await;
    let second = issuer.refresh(&client, &grant.token).await.refresh_token();
    let third = issuer.refresh(&client, &second).await.refresh_token();
    issuer.change_grant(&grant, |record| *record = backup).await;
    for ahead in [&second, &third] {
        assert_eq!(
            issuer.refresh(&client, ahead).await.error(),
            invalid_grant()
        );
    }
    let again = issuer.refresh(&client, &grant.token).await;
    assert_eq!(again.refresh_token(), second, "derived as before");
    assert_eq!(
        issuer.refresh(&client, &second).await.refresh_token(),
        third
    );
    assert_eq!(issuer.stored(&grant).await.revoked_at, None);
}

#[tokio::test]
async fn reuse_and_a_generation_ahead_are_logged_with_their_reasons() {
    let scenario = async {
        let issuer = InProcess::start().await;
        let client = issuer.confidential("app", |_| {}).await;
        let (grant, [first, ..]) = third_generation(&issuer, &client).await;
        tell(&grant.id.to_string());
        let ahead = issuer.credential(&grant, 9, 1).await;
        for token in [&ahead, &first, &first] {
            issuer.refresh(&client, token).await;
        }
        let other = issuer.confidential("other", |_| {}).await;
        issuer.refresh(&other, &first).await;
    };
    let Some(log) = logged(scenario).await else {
        return;
    };
    let lines = log.lines();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (line["reason"].as_str(), line["level"].as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (None, Some("info")),
            (None, Some("info")),
            (Some("generation_ahead"), Some("warn")),
            (Some("refresh_token_reused"), Some("warn")),
            (Some("grant_revoked"), Some("info")),
            (Some("grant_of_another_client"), Some("info")),
        ]
    );
    let reuse = &lines[3];
    assert_eq!(reuse["grant"], Value::from(log.told[0].as_str()));
    assert_eq!(reuse["client"], "app");
    assert_eq!(reuse["event"], "reused");
    assert_eq!(reuse["endpoint"], "token");
    assert_eq!(reuse["status"], 400);
}
