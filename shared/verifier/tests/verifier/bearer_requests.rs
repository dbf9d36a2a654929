//! RFC 6750: how a token is sent, and how a refusal is answered.

use tokensmith_verifier::{
    Algorithm, BearerToken, Challenge, FetchError, InvalidRequest, Refusal, Rejection,
    RequiredScopes, SourceUnavailable,
};

use crate::support::{Forger, World};

fn token_of<'a>(headers: &[&'a str]) -> Result<&'a str, Refusal> {
    let values = headers.iter().map(|value| value.as_bytes());
    BearerToken::from_headers(values).map(BearerToken::expose)
}

/// RFC 6750 §2.1, RFC 9110 §11.1.
#[test]
fn rfc6750_2_1_the_token_is_in_the_only_authorization_header() {
    for header in [
        "Bearer a.b-c_~+/==",
        "bearer a.b-c_~+/==",
        "BEARER   a.b-c_~+/== ",
    ] {
        assert_eq!(token_of(&[header]), Ok("a.b-c_~+/=="), "{header}");
    }
    for headers in [
        &[][..],
        &["Basic YTpi"],
        &["DPoP a.b.c"],
        &["Bearerx a"],
        &[""],
        &["a.b.c"],
    ] {
        assert_eq!(token_of(headers), Err(Refusal::NoToken), "{headers:?}");
    }
    for header in [
        "Bearer",
        "Bearer ",
        "Bearer =",
        "Bearer a b",
        "Bearer a,b",
        "Bearer a=b",
        "Bearer é",
        "Bearer \"a\"",
        "Bearer a, Bearer b",
        "Bearer \ta\tb",
    ] {
        let expected = Err(InvalidRequest::MalformedToken.into());
        assert_eq!(token_of(&[header]), expected, "{header}");
    }
    for headers in [
        ["Bearer a", "Bearer a"],
        ["Bearer a", "Basic b"],
        ["Basic b", "Bearer a"],
    ] {
        let expected = Err(InvalidRequest::RepeatedHeader.into());
        assert_eq!(token_of(&headers), expected, "{headers:?}");
    }
    let long = |length| format!("Bearer {}", "a".repeat(length));
    assert!(token_of(&[&long(8192)]).is_ok());
    assert_eq!(token_of(&[&long(8193)]), Err(Rejection::TooLong.into()));
}

#[test]
fn a_bearer_token_is_not_printed() {
    let token = BearerToken::from_headers([&b"Bearer secret"[..]]).expect("a token");
    assert!(!format!("{token:?}").contains("secret"));
}

/// RFC 6750 §3 and §3.1.
#[test]
fn rfc6750_3_each_refusal_has_its_challenge() {
    let required: RequiredScopes = "\"a|b\" & (read | admin)".parse().expect("an expression");
    for (refusal, status, value) in [
        (Refusal::NoToken, 401, r#"Bearer realm="r""#),
        (
            InvalidRequest::RepeatedHeader.into(),
            400,
            r#"Bearer realm="r", error="invalid_request", error_description="the Authorization header is repeated""#,
        ),
        (
            Rejection::Expired.into(),
            401,
            r#"Bearer realm="r", error="invalid_token", error_description="the token has expired""#,
        ),
        (
            Refusal::InsufficientScope(required),
            403,
            r#"Bearer realm="r", error="insufficient_scope", error_description="the token lacks a scope", scope="a|b read""#,
        ),
    ] {
        let expected = Challenge {
            status,
            www_authenticate: Some(value.to_owned()),
            retry_after: None,
        };
        assert_eq!(refusal.challenge("r"), expected);
    }
    let unavailable = Refusal::from(SourceUnavailable::Keys(FetchError::TimedOut));
    let expected = Challenge {
        status: 503,
        www_authenticate: None,
        retry_after: Some(1),
    };
    assert_eq!(
        unavailable.challenge("r"),
        expected,
        "nothing is said about the token"
    );
}

#[tokio::test]
async fn a_good_token_without_the_scope_is_told_which() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::new(&[&key]);
    let header = format!("Bearer {}", world.token(&key));
    for (required, enough) in [
        ("", true),
        ("orders:read", true),
        ("orders:read & orders:write", true),
        ("admin | orders:write", true),
        ("orders", false),
        ("orders:read & admin", false),
        ("ORDERS:READ", false),
    ] {
        let required: RequiredScopes = required.parse().expect("an expression");
        let answer = world
            .verifier
            .authorize([header.as_bytes()], &required)
            .await;
        match enough {
            true => assert!(answer.is_ok(), "{required}"),
            false => assert_eq!(answer, Err(Refusal::InsufficientScope(required))),
        }
    }
    let nothing = RequiredScopes::nothing();
    assert_eq!(
        world.verifier.authorize([], &nothing).await,
        Err(Refusal::NoToken)
    );
    let mut claims = world.claims();
    claims["scope"] = serde_json::Value::Null;
    let header = format!("Bearer {}", key.token(&claims));
    let answer = world
        .verifier
        .authorize([header.as_bytes()], &nothing)
        .await;
    assert_eq!(answer.expect("a good token").scopes().count(), 0);
}
