//! The device access token request (RFC 8628 §3.4, §3.5).

use std::collections::HashSet;

use super::*;
use secrecy::ExposeSecret;
use tokensmith_issuer::credential::DeviceCode;
use tokio::task::JoinSet;

#[tokio::test]
async fn rfc8628_3_5_until_a_person_answers_the_device_is_told_to_ask_again() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let before = scene.issuer.items().await;
    for _ in 0..3 {
        scene
            .poll(&codes)
            .await
            .assert_refused(400, "authorization_pending");
        scene.issuer.pass(5);
    }
    assert_eq!(scene.issuer.items().await, before, "a poll writes nothing");
}

#[tokio::test]
async fn rfc8628_3_5_a_device_that_asks_too_often_is_told_to_slow_down() {
    let scene = Scene::new().await;
    let (codes, other) = (scene.ask().await, scene.ask().await);
    scene
        .poll(&codes)
        .await
        .assert_refused(400, "authorization_pending");
    for _ in 0..5 {
        scene.poll(&codes).await.assert_refused(400, "slow_down");
        scene.issuer.pass(3);
    }
    scene
        .poll(&other)
        .await
        .assert_refused(400, "authorization_pending");
    scene.issuer.pass(5);
    scene
        .poll(&codes)
        .await
        .assert_refused(400, "authorization_pending");
    // Only who waits is told to wait longer.
    scene.approve(&codes).await;
    assert_eq!(scene.poll(&codes).await.status, 200);
}

#[tokio::test]
async fn rfc8628_3_5_once_a_person_approves_the_device_gets_tokens() {
    let scene = Scene::with(|client| client.scopes = scopes("a b c openid")).await;
    let codes = scene.ask_with(&[("scope", "a openid")]).await;
    let codes = Codes {
        device: codes.string("device_code"),
        user: codes.string("user_code"),
    };
    let grant = scene.grant(scene.approve(&codes).await).await;
    let answer = scene.poll(&codes).await;
    let claims = answer.claims();
    assert_eq!(
        (claims.sub.as_str(), claims.client_id.as_str()),
        ("alice", "tv")
    );
    assert_eq!(claims.scope.as_deref(), Some("a openid"));
    assert_eq!(claims.grant_id, Some(grant.id.to_string()));
    let json = answer.json();
    assert!(json["id_token"].is_string(), "{json}");
    assert!(json["refresh_token_timeout"].is_u64(), "{json}");
    let next = scene
        .issuer
        .refresh(&scene.client, &answer.refresh_token())
        .await;
    assert_eq!(next.claims().sub, "alice");
}

#[tokio::test]
async fn a_client_that_may_not_refresh_gets_an_access_token_alone() {
    let scene = Scene::with(|client| client.grant_types = vec![GrantType::DeviceCode]).await;
    let codes = scene.ask().await;
    scene.approve(&codes).await;
    let answer = scene.poll(&codes).await;
    assert_eq!(answer.claims().sub, "alice");
    assert_eq!(answer.json().get("refresh_token"), None);
}

#[tokio::test]
async fn rfc8628_3_5_a_device_whose_person_refuses_is_denied_for_good() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let request = scene.request(&codes).await;
    let denied = scene.issuer.issuer.deny_device(&request).await;
    assert_eq!(denied.expect("it is answered"), DeviceAnswered::Denied);
    assert_eq!(scene.approve(&codes).await, DeviceAnswered::Already);
    for _ in 0..2 {
        scene
            .poll(&codes)
            .await
            .assert_refused(400, "access_denied");
    }
}

#[tokio::test]
async fn rfc8628_3_5_a_device_code_expires_after_10_minutes_also_when_it_was_approved() {
    let scene = Scene::new().await;
    let (codes, approved) = (scene.ask().await, scene.ask().await);
    let late = scene.request(&codes).await;
    scene.issuer.pass(599);
    scene.approve(&approved).await;
    scene
        .poll(&codes)
        .await
        .assert_refused(400, "authorization_pending");
    scene.issuer.pass(1);
    scene
        .poll(&codes)
        .await
        .assert_refused(400, "expired_token");
    scene
        .poll(&approved)
        .await
        .assert_refused(400, "expired_token");
    assert!(scene.find(&codes.user).await.is_none());
    let answered = scene.approve_as(&late, "alice", &late.scopes).await;
    assert_eq!(answered, DeviceAnswered::TooLate);
    assert_eq!(partitions(&scene.issuer, "GRANT#").await, 1);
}

#[tokio::test]
async fn rfc6749_5_2_a_code_that_is_none_of_the_clients_is_an_invalid_grant() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let thief = scene.issuer.public("thief", |client| {
        client.grant_types = vec![GrantType::DeviceCode];
    });
    let thief = thief.await;
    // Nobody else learns that somebody is waiting.
    let early = poll(&scene.issuer, &thief, &codes.device, &[]).await;
    early.assert_refused(400, "invalid_grant");
    scene.approve(&codes).await;
    let stolen = poll(&scene.issuer, &thief, &codes.device, &[]).await;
    let unknown = DeviceCode::generate();
    let unknown = poll(&scene.issuer, &scene.client, unknown.expose_secret(), &[]).await;
    let grant = scene.issuer.grant(&scene.client, |_| {}).await;
    let malformed = poll(&scene.issuer, &scene.client, &codes.device[1..], &[]).await;
    let another = poll(&scene.issuer, &scene.client, &grant.token, &[]).await;
    for refused in [&stolen, &unknown, &malformed, &another] {
        refused.assert_refused(400, "invalid_grant");
        assert_eq!(refused.body, stolen.body, "invariant 10: all look the same");
    }
    let missing = scene
        .issuer
        .post(paths::TOKEN, &scene.client, &[("grant_type", DEVICE_CODE)]);
    missing.await.assert_refused(400, "invalid_request");
    // The device has lost nothing by it.
    assert_eq!(scene.poll(&codes).await.status, 200);
}

#[tokio::test]
async fn a_client_that_may_not_use_the_grant_type_is_told_so() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let remove = |client: &mut Client| client.grant_types = vec![GrantType::RefreshToken];
    scene.issuer.change_client(&scene.client, remove).await;
    scene.issuer.pass(11);
    scene
        .poll(&codes)
        .await
        .assert_refused(400, "unauthorized_client");
}

/// What a device can do for itself when an answer was lost (RFC 8628 §3.5): ask again.
#[tokio::test]
async fn invariant_2_a_device_code_is_answered_again_for_a_minute_and_makes_one_chain() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let approved = scene.approve(&codes).await;
    let first = scene.poll(&codes).await.refresh_token();
    scene.issuer.pass(59);
    assert_eq!(scene.poll(&codes).await.refresh_token(), first);
    assert_eq!(scene.grant(approved).await.generation, 1);
    scene.issuer.pass(1);
    scene
        .poll(&codes)
        .await
        .assert_refused(400, "invalid_grant");
    assert!(scene.grant(approved).await.revoked_at.is_some());
    let refreshed = scene.issuer.refresh(&scene.client, &first).await;
    refreshed.assert_refused(400, "invalid_grant");
}

#[tokio::test]
async fn invariant_2_a_device_code_whose_refresh_token_was_used_revokes_the_grant() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let approved = scene.approve(&codes).await;
    let first = scene.poll(&codes).await.refresh_token();
    let second = scene.issuer.refresh(&scene.client, &first).await;
    scene
        .poll(&codes)
        .await
        .assert_refused(400, "invalid_grant");
    assert!(scene.grant(approved).await.revoked_at.is_some());
    let refreshed = scene
        .issuer
        .refresh(&scene.client, &second.refresh_token())
        .await;
    refreshed.assert_refused(400, "invalid_grant");
}

#[tokio::test]
async fn a_stranger_who_repeats_a_device_code_ends_nothing() {
    let scene = Scene::new().await;
    let boxed = scene.issuer.confidential("box", |client| {
        client.grant_types = vec![GrantType::DeviceCode, GrantType::RefreshToken];
    });
    let scene = Scene {
        client: boxed.await,
        ..scene
    };
    let codes = scene.ask().await;
    let approved = scene.approve(&codes).await;
    scene.poll(&codes).await.refresh_token();
    scene.issuer.pass(60);
    let stranger = scene.client.with_wrong_secret();
    let refused = poll(&scene.issuer, &stranger, &codes.device, &[]).await;
    refused.assert_refused(401, "invalid_client");
    assert_eq!(scene.grant(approved).await.revoked_at, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn invariant_2_of_100_parallel_polls_every_answer_carries_the_same_refresh_token() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let approved = scene.approve(&codes).await;
    let mut functions = vec![scene.issuer.clone()];
    for _ in 0..4 {
        functions.push(scene.issuer.cold().await);
    }
    let mut polls = JoinSet::new();
    for number in 0..100 {
        let function = functions[number % functions.len()].clone();
        let (client, code) = (scene.client.clone(), codes.device.clone());
        polls.spawn(async move { poll(&function, &client, &code, &[]).await });
    }
    let answers = polls.join_all().await;
    let chains: HashSet<_> = answers.iter().map(Answer::refresh_token).collect();
    assert_eq!(chains.len(), 1, "{chains:?}");
    assert_eq!(scene.grant(approved).await.generation, 1, "by exactly one");
    let tokens: HashSet<_> = answers.iter().map(|answer| answer.claims().jti).collect();
    assert_eq!(tokens.len(), 100, "every access token is its own");
}

/// RFC 6749 §3.3, RFC 8707 §2.2: a token may have less than what was granted.
#[tokio::test]
async fn invariant_5_a_device_gets_what_was_approved_and_what_it_asks_of_that() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let request = scene.request(&codes).await;
    // A person may give less than what was asked for, and cannot give more.
    let approved = scene.approve_as(&request, "alice", &scopes("b c")).await;
    assert_eq!(scene.grant(approved).await.scopes, scopes("b"));
    let beyond = poll(
        &scene.issuer,
        &scene.client,
        &codes.device,
        &[("scope", "a")],
    )
    .await;
    beyond.assert_refused(400, "invalid_scope");
    let other = [("resource", "https://other.example/")];
    let elsewhere = poll(&scene.issuer, &scene.client, &codes.device, &other).await;
    elsewhere.assert_refused(400, "invalid_target");
    let answer = scene.poll(&codes).await;
    assert_eq!(answer.claims().scope.as_deref(), Some("b"));
}

#[tokio::test]
async fn a_device_code_costs_these_calls() {
    let scene = Scene::new().await;
    scene.issuer.dynamo.take_calls();
    let codes = scene.ask().await;
    let calls = scene.issuer.dynamo.take_calls();
    assert_eq!(
        calls,
        ["GetItem", "GetItem", "PutItem", "PutItem"],
        "client, resource"
    );
    scene.poll(&codes).await;
    assert_eq!(scene.issuer.dynamo.take_calls(), ["GetItem"]);
    scene.approve(&codes).await;
    scene.issuer.dynamo.take_calls();
    scene.poll(&codes).await;
    let redeemed = ["GetItem", "BatchGetItem", "UpdateItem"];
    assert_eq!(scene.issuer.dynamo.take_calls(), redeemed);
    for garbage in ["x", "tksmd_", &codes.device[1..]] {
        poll(&scene.issuer, &scene.client, garbage, &[]).await;
        assert!(scene.issuer.dynamo.take_calls().is_empty(), "{garbage}");
    }
}
