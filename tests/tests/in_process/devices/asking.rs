//! The device authorization request (RFC 8628 §3.1, §3.2).

use super::*;
use tokensmith_tests::records::{API, OTHER_API, audiences};

#[tokio::test]
async fn rfc8628_3_2_the_answer_has_what_a_device_needs() {
    let scene = Scene::new().await;
    let answer = scene.ask_with(&[("scope", "a")]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let (json, user_code) = (answer.json(), answer.string("user_code"));
    let members: Vec<&String> = json.as_object().expect("an object").keys().collect();
    let expected = [
        "device_code",
        "expires_in",
        "interval",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
    ];
    assert_eq!(members.len(), expected.len(), "{members:?}");
    for name in expected {
        assert!(json.get(name).is_some(), "{name}");
    }
    assert_eq!(
        (&json["expires_in"], &json["interval"]),
        (&600.into(), &5.into())
    );
    assert_eq!(json["verification_uri"], "https://issuer.example/device");
    let complete = format!("https://issuer.example/device?user_code={user_code}");
    assert_eq!(json["verification_uri_complete"], complete);
    let (first, second) = user_code.split_once('-').expect("a dash");
    assert_eq!((first.len(), second.len()), (4, 4));
}

#[tokio::test]
async fn invariant_1_neither_code_of_a_device_is_in_the_table() {
    let scene = Scene::new().await;
    let codes = scene.ask().await;
    let items = format!("{:?}", scene.issuer.all_items().await);
    let letters = codes.user.replace('-', "");
    for secret in [&codes.device[6..49], codes.user.as_str(), letters.as_str()] {
        assert!(!items.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn rfc8628_5_4_the_request_says_where_it_came_from() {
    let scene = Scene::new().await;
    let form = HttpRequest::form(paths::DEVICE_AUTHORIZATION, &[("scope", "a")]);
    let form = form.by(&scene.client).header("user-agent", "tv/1");
    let mut request: Request<_> = form.in_process();
    request.extensions_mut().insert(RequestContext {
        request_id: "r".to_owned(),
        source: Some("192.0.2.7".to_owned()),
        trace_id: None,
    });
    let issuer = &scene.issuer.issuer;
    let answer: Answer = issuer
        .handle(&endpoint::DEVICE_AUTHORIZATION, request)
        .await
        .into();
    let found = scene
        .find(&answer.string("user_code"))
        .await
        .expect("a request");
    assert_eq!(found.source.as_deref(), Some("192.0.2.7"));
    assert_eq!(found.user_agent.as_deref(), Some("tv/1"));
    assert_eq!(found.client_id, scene.client.client_id());
    assert_eq!((found.created_at, found.answer), (scene.issuer.now(), None));
}

/// RFC 8628 §3.1 with RFC 6749 §3.3 and RFC 8707 §2: policy decides before a person is asked.
#[tokio::test]
async fn rfc8628_3_1_what_the_client_may_not_have_is_refused_and_nothing_is_written() {
    let scene = Scene::new().await;
    let before = scene.issuer.items().await;
    for (form, error) in [
        (&[("scope", "nobodys")][..], "invalid_scope"),
        (&[("scope", "\"")], "invalid_scope"),
        (
            &[("resource", "https://nobodys.example/")],
            "invalid_target",
        ),
        (&[("resource", "relative")], "invalid_target"),
        (&[("scope", "openid")], "invalid_scope"),
    ] {
        scene.ask_with(form).await.assert_refused(400, error);
    }
    let other = scene.issuer.public("other", |_| {}).await;
    let refused = ask(&scene.issuer, &other, &[]).await;
    refused.assert_refused(400, "unauthorized_client");
    let unknown = TestClient::public("nobody");
    ask(&scene.issuer, &unknown, &[])
        .await
        .assert_refused(401, "invalid_client");
    let requests = partitions(&scene.issuer, "REQUEST#").await;
    assert_eq!(requests, 0);
    assert_eq!(
        scene.issuer.items().await.len(),
        before.len() + 1,
        "one more client"
    );
}

#[tokio::test]
async fn rfc6749_2_3_a_confidential_client_authenticates_to_ask() {
    let scene = Scene::new().await;
    let boxed = scene.issuer.confidential("box", |client| {
        client.grant_types = vec![GrantType::DeviceCode];
    });
    let boxed = boxed.await;
    for wrong in [boxed.with_wrong_secret(), boxed.without_secret()] {
        let refused = ask(&scene.issuer, &wrong, &[]).await;
        refused.assert_refused(401, "invalid_client");
    }
    assert_eq!(ask(&scene.issuer, &boxed, &[]).await.status, 200);
}

#[tokio::test]
async fn what_is_not_named_is_the_default_and_people_scopes_are_kept_for_any_resource() {
    let scene = Scene::with(|client| client.scopes = scopes("a b c openid email")).await;
    scene
        .issuer
        .resource("https://registered.example/", |_| {})
        .await;
    let allowed = scopes("a");
    scene
        .issuer
        .change_client(&scene.client, |client| {
            client.allowed = vec![tokensmith_issuer::store::records::Allowance {
                resource: "https://registered.example/".parse().expect("an audience"),
                scopes: allowed,
            }];
        })
        .await;
    let registered = ("resource", "https://registered.example/");
    for (form, expected, audience) in [
        (&[][..], "a", API),
        (&[("resource", OTHER_API)], "a", OTHER_API),
        (&[("scope", "openid b")], "openid b", API),
        (
            &[registered, ("scope", "openid a")],
            "openid a",
            registered.1,
        ),
    ] {
        let answer = scene.ask_with(form).await;
        let found = scene
            .find(&answer.string("user_code"))
            .await
            .expect("a request");
        assert_eq!(found.scopes, scopes(expected), "{form:?}");
        assert_eq!(found.audiences, audiences(&[audience]), "{form:?}");
    }
    let beyond = scene.ask_with(&[registered, ("scope", "b")]).await;
    beyond.assert_refused(400, "invalid_scope");
}

#[tokio::test]
async fn a_device_that_asks_takes_a_permit_of_its_client() {
    let limit = "2/1h".parse().expect("a limit");
    let scene = Scene::with(|client| client.limit = Some(limit)).await;
    let first = scene.ask_with(&[]).await;
    assert_eq!(
        first.header("ratelimit-policy"),
        Some("\"client\";q=2;w=3600")
    );
    scene
        .ask_with(&[("scope", "nobodys")])
        .await
        .assert_refused(400, "invalid_scope");
    assert_eq!(scene.ask_with(&[]).await.status, 200);
    scene
        .ask_with(&[])
        .await
        .assert_refused(429, "temporarily_unavailable");
    assert_eq!(partitions(&scene.issuer, "REQUEST#").await, 4);
}
