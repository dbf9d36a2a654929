//! OpenID Connect Core 1.0 §5.3: a client is told about a person what the scopes of its token allow. Here the issuer is a
//! resource server, so refusals are those of RFC 6750.

use serde_json::{Value, json};
use tokensmith_issuer::event::{Answered, RequestEvent};
use tokensmith_issuer::store::records::User;
use tokensmith_issuer::{GrantType, endpoint};
use tokensmith_tests::faults::Fault;
use tokensmith_tests::forge::Forger;
use tokensmith_tests::records::scopes;
use tokensmith_tests::{Answer, HttpRequest, InProcess, START, TestClient, TestGrant};
use tokensmith_verifier::{Algorithm, paths};

const ALL: &str = "openid profile email address phone offline_access";

/// Of each scope what it asks for (§5.4), and what is not known is left out (§5.3.2).
#[tokio::test]
async fn oidc_core_5_4_each_scope_opens_its_claims() {
    let issuer = InProcess::start().await;
    let client = client(&issuer).await;
    issuer.person("alice", known()).await;
    let profile = json!({
        "name": "Alice Liddell", "preferred_username": "alice", "updated_at": START, "locale": "en-GB",
    });
    let email = json!({ "email": "alice@example.com", "email_verified": true });
    let address = json!({ "address": { "locality": "Oxford", "country": "UK" } });
    let phone = json!({ "phone_number": "+44 1865 0000", "phone_number_verified": false });
    for (asked, parts) in [
        ("openid", vec![]),
        ("openid profile", vec![&profile]),
        ("openid email", vec![&email]),
        ("openid address", vec![&address]),
        ("openid phone", vec![&phone]),
        ("openid offline_access a", vec![]),
        (ALL, vec![&profile, &email, &address, &phone]),
    ] {
        let (_, token) = granted(&issuer, &client, asked).await;
        let mut expected = json!({ "sub": "alice" });
        for part in parts {
            let members = part.as_object().expect("an object").clone();
            expected.as_object_mut().expect("one").extend(members);
        }
        for request in [
            in_header("GET", &token),
            in_header("POST", &token),
            in_form(&token),
        ] {
            let answer = issuer.send(&request).await;
            assert_eq!(
                (answer.status, answer.json()),
                (200, expected.clone()),
                "{asked}"
            );
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("www-authenticate"), None);
        }
    }
}

/// A refresh may ask for less (RFC 6749 §6), and then less is told.
#[tokio::test]
async fn rfc6749_6_a_narrowed_token_opens_less() {
    let issuer = InProcess::start().await;
    let client = client(&issuer).await;
    issuer.person("alice", known()).await;
    let (grant, _) = granted(&issuer, &client, ALL).await;
    let narrowed = issuer
        .refresh_with(&client, &grant.token, &[("scope", "openid email")])
        .await;
    let told = userinfo(&issuer, &narrowed.access_token()).await.json();
    let expected = json!({ "sub": "alice", "email": "alice@example.com", "email_verified": true });
    assert_eq!(told, expected);
}

/// RFC 6750 §3.1: who sends no token is told of no error.
#[tokio::test]
async fn rfc6750_3_1_without_a_token_there_is_only_a_challenge() {
    let issuer = InProcess::start().await;
    for request in [
        HttpRequest::get(paths::USERINFO),
        HttpRequest::new("POST", paths::USERINFO),
        HttpRequest::post(paths::USERINFO, ""),
        HttpRequest::post(paths::USERINFO, "client_id=app&access_token="),
        HttpRequest::get(paths::USERINFO).basic("app", "secret"),
        HttpRequest::get(paths::USERINFO).header("authorization", "Negotiate abc"),
    ] {
        let answer = issuer.send(&request).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (401, "{}"),
            "{request:?}"
        );
        let challenge = answer.header("www-authenticate").expect("a challenge");
        let begin = r#"Bearer realm="tokensmith", DPoP algs="ES256 "#;
        assert!(challenge.starts_with(begin), "{challenge}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        // A script can read why it failed.
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let exposed = answer.header("access-control-expose-headers");
        assert!(exposed.expect("a list").contains("WWW-Authenticate"));
    }
}

/// RFC 6750 §2: one way in one request. OAuth 2.1 §5.1: never in the URL.
#[tokio::test]
async fn rfc6750_2_a_token_is_sent_in_one_way_and_never_in_the_url() {
    let issuer = InProcess::start().await;
    let client = client(&issuer).await;
    issuer.person("alice", known()).await;
    let (_, token) = granted(&issuer, &client, "openid").await;
    let in_query = format!("{}?access_token={token}", paths::USERINFO);
    let bearer = format!("Bearer {token}");
    for (case, request, reason) in [
        (
            "in the URL",
            HttpRequest::get(&in_query),
            "parameter_in_query",
        ),
        (
            "in the URL and the header",
            HttpRequest::get(&in_query).header("authorization", bearer.as_str()),
            "parameter_in_query",
        ),
        (
            "in the URL of a POST",
            HttpRequest::post(&in_query, ""),
            "parameter_in_query",
        ),
        (
            "in header and form",
            in_form(&token).header("authorization", bearer.as_str()),
            "several_tokens",
        ),
        (
            "in a form of a client",
            in_form(&token).basic("app", "secret"),
            "several_tokens",
        ),
        (
            "twice in the form",
            HttpRequest::post(
                paths::USERINFO,
                format!("access_token={token}&access_token={token}"),
            ),
            "repeated_parameter",
        ),
        (
            "two headers",
            in_header("GET", &token).header("authorization", bearer.as_str()),
            "repeated_header",
        ),
        (
            "two in one header",
            HttpRequest::get(paths::USERINFO)
                .header("authorization", format!("{bearer}, {bearer}")),
            "malformed_header",
        ),
        (
            "an empty one",
            HttpRequest::get(paths::USERINFO).header("authorization", "Bearer "),
            "malformed_header",
        ),
        (
            "as JSON",
            HttpRequest::new("POST", paths::USERINFO)
                .header("content-type", "application/json")
                .body(format!(r#"{{"access_token":"{token}"}}"#)),
            "wrong_content_type",
        ),
    ] {
        let answer = issuer.send(&request).await;
        assert_refused(&answer, 400, "invalid_request", case);
        assert_eq!(logged_reason(&issuer, &request).await, reason, "{case}");
    }
    // A GET request has no body that means anything (RFC 9110 §9.3.1).
    let with_body = in_header("GET", &token).body("access_token=x");
    assert_eq!(issuer.send(&with_body).await.status, 200);
}

/// RFC 6750 §3.1 `insufficient_scope`, with the scope that is missing.
#[tokio::test]
async fn oidc_core_5_3_only_a_token_with_openid_opens_it() {
    let issuer = InProcess::start().await;
    let client = client(&issuer).await;
    issuer.person("alice", known()).await;
    for asked in ["a", "profile email", "a offline_access"] {
        let (_, token) = granted(&issuer, &client, asked).await;
        let answer = userinfo(&issuer, &token).await;
        assert_refused(&answer, 403, "insufficient_scope", asked);
        let challenge = answer.header("www-authenticate").expect("a challenge");
        assert!(challenge.ends_with(r#", scope="openid""#), "{challenge}");
    }
}

/// Each thing that ends a token ends what it opens here, at once.
#[tokio::test]
async fn what_ends_a_token_ends_what_it_tells() {
    for (how, reason) in [
        ("expired", "expired"),
        ("token revoked", "token_revoked"),
        ("grant revoked", "grant_revoked"),
        ("subject revoked", "subject_revoked"),
        ("client disabled", "client_revoked"),
        ("user disabled", "user_disabled"),
        ("user deleted", "unknown_user"),
    ] {
        let issuer = InProcess::start().await;
        let client = client(&issuer).await;
        issuer.person("alice", known()).await;
        let (grant, token) = granted(&issuer, &client, ALL).await;
        assert_eq!(userinfo(&issuer, &token).await.status, 200, "{how}");
        let subject = "alice".parse().expect("a subject");
        let admin = issuer.administrator();
        match how {
            "expired" => issuer.pass(900),
            "token revoked" => drop(admin.revoke_token(&token).await.expect("revoked")),
            "grant revoked" => drop(admin.revoke_grant(grant.id).await.expect("revoked")),
            "subject revoked" => {
                let revoked = admin.revoke_subject("alice".to_owned()).await;
                drop(revoked.expect("revoked"));
            }
            "client disabled" => {
                issuer
                    .change_client(&client, |client| client.disabled = true)
                    .await
            }
            "user disabled" => {
                issuer
                    .change_person("alice", |user| user.disabled = true)
                    .await
            }
            _ => {
                let key = User::key_of(&subject);
                issuer.table().delete(&key).await.expect("deleted");
            }
        }
        assert_refused(&userinfo(&issuer, &token).await, 401, "invalid_token", how);
        assert_eq!(
            logged_reason(&issuer, &in_header("GET", &token)).await,
            reason,
            "{how}"
        );
    }
}

/// What is no access token of a person opens nothing: a client's own token, a refresh token, an API key, an ID token, garbage.
#[tokio::test]
async fn what_speaks_for_no_person_opens_nothing() {
    let issuer = InProcess::start().await;
    let client = client(&issuer).await;
    issuer.person("alice", known()).await;
    issuer.person("app", known()).await;
    let of_client = issuer
        .post(
            paths::TOKEN,
            &client,
            &[("grant_type", "client_credentials"), ("scope", "openid")],
        )
        .await
        .access_token();
    let (grant, _) = granted(&issuer, &client, ALL).await;
    let refreshed = issuer.refresh(&client, &grant.token).await;
    for (case, token, reason) in [
        ("a client's own", of_client, "not_of_a_person"),
        ("a refresh token", refreshed.refresh_token(), "malformed"),
        ("a client secret", client.secret().to_owned(), "malformed"),
        ("garbage", "abc".to_owned(), "malformed"),
        ("three parts", "a.b.c".to_owned(), "malformed"),
        ("a long one", "a".repeat(8193), "too_long"),
    ] {
        for request in [in_header("GET", &token), in_form(&token)] {
            assert_refused(&issuer.send(&request).await, 401, "invalid_token", case);
            assert_eq!(logged_reason(&issuer, &request).await, reason, "{case}");
        }
    }
}

/// Tokens that only somebody with the issuer's own key could make.
#[tokio::test]
async fn invariant_13_a_token_that_is_bound_to_a_key_is_no_bearer_token() {
    let forger = Forger::of_new_issuer(Algorithm::ES256).await;
    let issuer = &forger.issuer;
    issuer
        .change_client(&forger.client, |client| {
            client.grant_types = vec![GrantType::RefreshToken];
            client.scopes = scopes(ALL);
        })
        .await;
    issuer.person("alice", known()).await;
    let grant = issuer.grant(&forger.client, |_| {}).await;
    let mut claims = forger.claims();
    claims["sub"] = "alice".into();
    claims["scope"] = "openid".into();
    claims["grant_id"] = grant.id.to_string().into();
    let good = forger.token(&claims).await;
    assert_eq!(userinfo(issuer, &good).await.status, 200);
    for (name, value, reason) in [
        ("cnf", json!({ "jkt": "x" }), "bound_to_key"),
        ("cnf", json!({}), "malformed"),
        ("cnf", json!(null), "malformed"),
        ("sub", json!("bob"), "unknown_user"),
        ("sub", json!("two words"), "not_of_a_person"),
        ("grant_id", json!(null), "not_of_a_person"),
        ("iss", json!("https://other.example"), "wrong_issuer"),
    ] {
        let mut wrong = claims.clone();
        wrong[name] = value;
        let token = forger.token(&wrong).await;
        assert_refused(
            &userinfo(issuer, &token).await,
            401,
            "invalid_token",
            &wrong.to_string(),
        );
        assert_eq!(
            logged_reason(issuer, &in_header("GET", &token)).await,
            reason,
            "{wrong}"
        );
    }
}

/// A dependency that fails is not the token's fault.
#[tokio::test]
async fn an_outage_is_503_and_no_challenge() {
    let issuer = InProcess::start().await;
    let client = client(&issuer).await;
    issuer.person("alice", known()).await;
    let (_, token) = granted(&issuer, &client, "openid").await;
    for operation in ["BatchGetItem", "GetItem"] {
        let failing = vec![Some(Fault::Throttled); 20];
        issuer.dynamo.plan_for(operation, failing);
        let answer = userinfo(&issuer, &token).await;
        answer.assert_unavailable();
        assert_eq!(answer.header("www-authenticate"), None);
        issuer.dynamo.plan_for(operation, []);
        assert_eq!(userinfo(&issuer, &token).await.status, 200);
    }
}

/// Who was told of whom is in the log, and nothing of what was told. A token by a withdrawn key is a security event.
#[tokio::test]
async fn the_log_says_who_was_told_of_whom() {
    let issuer = InProcess::start().await;
    let client = client(&issuer).await;
    issuer.person("alice", known()).await;
    let (grant, token) = granted(&issuer, &client, ALL).await;
    let answered = answered(&issuer, &in_header("GET", &token)).await;
    let line = serde_json::to_value(&answered).expect("a line");
    for (field, value) in [
        ("event", "userinfo"),
        ("subject", "alice"),
        ("client", "app"),
        ("grant", grant.id.to_string().as_str()),
    ] {
        assert_eq!(line[field], value, "{line}");
    }
    assert!(!line.to_string().contains("Liddell"), "{line}");
    let withdrawn = issuer.administrator().replace_keys(Vec::new()).await;
    withdrawn.expect("every key is replaced");
    issuer.issuer.forget_cached();
    let RequestEvent::Denied { reason, .. } = self::answered(&issuer, &in_header("GET", &token))
        .await
        .event
    else {
        panic!("refused");
    };
    assert_eq!(reason, "withdrawn_key");
}

/// A client that may refresh, use `client_credentials`, and know all about people.
async fn client(issuer: &InProcess) -> TestClient {
    issuer
        .confidential("app", |client| client.scopes = scopes(&format!("a {ALL}")))
        .await
}

/// An access token of a grant by alice with these scopes.
async fn granted(issuer: &InProcess, client: &TestClient, asked: &str) -> (TestGrant, String) {
    let grant = issuer
        .grant(client, |grant| grant.scopes = scopes(asked))
        .await;
    let token = issuer.refresh(client, &grant.token).await.access_token();
    (grant, token)
}

async fn userinfo(issuer: &InProcess, token: &str) -> Answer {
    issuer.send(&in_header("GET", token)).await
}

fn in_header(method: &str, token: &str) -> HttpRequest {
    HttpRequest::new(method, paths::USERINFO).header("authorization", format!("Bearer {token}"))
}

fn in_form(token: &str) -> HttpRequest {
    HttpRequest::form(paths::USERINFO, &[("access_token", token)])
}

/// RFC 6750 §3: the challenge and the body say the same.
fn assert_refused(answer: &Answer, status: u16, error: &str, case: &str) {
    assert_eq!(answer.error(), (status, error.to_owned()), "{case}");
    let description = answer.string("error_description");
    let challenge = answer.header("www-authenticate").expect("a challenge");
    let expected =
        format!(r#"Bearer realm="tokensmith", error="{error}", error_description="{description}""#);
    assert!(challenge.starts_with(&expected), "{case}: {challenge}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{case}");
}

async fn logged_reason(issuer: &InProcess, request: &HttpRequest) -> String {
    let answered = answered(issuer, request).await;
    answered.event.why().expect("a reason").to_owned()
}

async fn answered(issuer: &InProcess, request: &HttpRequest) -> Answered {
    let response = issuer
        .issuer
        .handle(&endpoint::USERINFO, request.in_process())
        .await;
    response
        .extensions()
        .get::<Answered>()
        .expect("a line")
        .clone()
}

fn known() -> Value {
    json!({
        "name": "Alice Liddell", "locale": "en-GB",
        "email": "alice@example.com", "email_verified": true,
        "address": { "locality": "Oxford", "country": "UK" },
        "phone_number": "+44 1865 0000", "phone_number_verified": false,
    })
}
