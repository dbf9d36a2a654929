//! RFC 6750 §2.1 on what API Gateway hands on: exactly one `Authorization` header with one token.

use serde_json::{Value, json};
use tokensmith_verifier::MAX_TOKEN_BYTES;

use super::support::{Gate, Kind, decide, refused};

#[tokio::test]
async fn rfc6750_2_1_what_is_no_bearer_token_is_refused() {
    let gate = Gate::new().await;
    let token = gate.token().await;
    for kind in Kind::ALL {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        for value in [
            String::new(),
            " ".to_owned(),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            token.clone(),
            format!("Basic {token}"),
            format!("DPoP {token}"),
            format!("Bearer{token}"),
            format!("Bearer:{token}"),
            format!("Bearer\t{token}"),
            format!("Bearer \"{token}\""),
            format!("Bearer {token} {token}"),
            format!("Bearer {token},Bearer {token}"),
            format!("Bearer {token}, Bearer {token}"),
            format!("Bearer Bearer {token}"),
            format!("Bearer token={token}"),
            format!("Bearer {token}\u{e9}"),
            format!("Bearer {token}\0"),
        ] {
            let verdict = decide(&authorizer, kind, &kind.event(&value)).await;
            assert_eq!(verdict, refused(kind), "{kind:?} {value}");
        }
        // RFC 9110 §11.1: schemes have no case.
        for value in [format!("bearer {token}"), format!("BEARER   {token}  ")] {
            let verdict = decide(&authorizer, kind, &kind.event(&value)).await;
            assert!(verdict.passes(), "{kind:?} {value}");
        }
    }
}

#[tokio::test]
async fn a_request_without_the_header_is_refused() {
    let gate = Gate::new().await;
    let value = format!("Bearer {}", gate.token().await);
    for kind in Kind::ALL {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let nothing: Vec<Value> = match kind {
            Kind::RestToken => vec![json!({ "authorizationToken": null })],
            _ => vec![
                json!({ "headers": {}, "multiValueHeaders": {} }),
                json!({ "headers": null, "multiValueHeaders": null }),
                json!({ "headers": { "X-Authorization": value }, "multiValueHeaders": null }),
                json!({ "headers": { "Cookie": value }, "multiValueHeaders": null }),
            ],
        };
        for members in nothing {
            let mut event = kind.event(&value);
            // What format 1.0 hands on as identity source is not the header.
            for (name, value) in members.as_object().expect("an object") {
                event[name] = value.clone();
            }
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, refused(kind), "{kind:?} {members}");
        }
    }
}

/// RFC 9110 §5.1: names have no case.
#[tokio::test]
async fn the_name_of_the_header_has_no_case() {
    let gate = Gate::new().await;
    let value = format!("Bearer {}", gate.token().await);
    for kind in Kind::with_headers() {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        for name in [
            "authorization",
            "Authorization",
            "AUTHORIZATION",
            "aUTHORIZATION",
        ] {
            let mut event = kind.event(&value);
            event["headers"] = json!({ name: value });
            if kind == Kind::RestRequest {
                event["multiValueHeaders"] = json!({ name: [value] });
            }
            let verdict = decide(&authorizer, kind, &event).await;
            assert!(verdict.passes(), "{kind:?} {name}");
        }
    }
}

/// In every way in which an event can have it twice; even if both have the same value.
#[tokio::test]
async fn a_repeated_header_is_refused() {
    let gate = Gate::new().await;
    let value = format!("Bearer {}", gate.token().await);
    for kind in Kind::with_headers() {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        let repeated = [
            json!({ "headers": { "Authorization": value, "authorization": value } }),
            json!({ "headers": { "authorization": value, "AUTHORIZATION": "" } }),
            json!({ "multiValueHeaders": { "Authorization": [value, value] } }),
            json!({ "multiValueHeaders": { "Authorization": ["", value] } }),
            json!({ "multiValueHeaders": { "Authorization": [value], "authorization": [value] } }),
        ];
        for members in repeated {
            let mut event = kind.event(&value);
            for (name, value) in members.as_object().expect("an object") {
                event[name] = value.clone();
            }
            if members.get("headers").is_some() {
                event["multiValueHeaders"] = json!(null);
            }
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, refused(kind), "{kind:?} {members}");
        }
        // No map shows a name that is there twice.
        let twice = kind.event(&value).to_string().replace(
            r#""headers":{"#,
            &format!(r#""headers":{{"Authorization":"{value}","Authorization":"{value}","#),
        );
        let event = serde_json::from_str(&twice.replace("multiValueHeaders", "ignored"));
        let answer = authorizer.answer(&event.expect("an event"), "id").await;
        let answer = answer.map(|answer| serde_json::to_string(&answer).expect("JSON"));
        let passes = answer.is_ok_and(|text| text.contains("Allow") || text.contains("true"));
        assert!(!passes, "{kind:?}");
    }
}

/// What is longer than any token of the issuer is not looked at.
#[tokio::test]
async fn a_token_over_8_kib_is_refused() {
    let gate = Gate::new().await;
    let mut tokens = Vec::new();
    // No base64url text is one character longer than a multiple of four, so not every length exists.
    for padding in 5650.. {
        let token = gate.padded_token(padding).await;
        match token.len() {
            ..8185 => continue,
            8185..8200 => tokens.push(token),
            _ => break,
        }
    }
    assert!(tokens.iter().any(|token| token.len() <= MAX_TOKEN_BYTES));
    for padding in [10_000, 100_000, 1_000_000] {
        tokens.push(gate.padded_token(padding).await);
    }
    for kind in Kind::ALL {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        for token in &tokens {
            let verdict = decide(&authorizer, kind, &kind.event(&format!("Bearer {token}"))).await;
            let case = format!("{kind:?} {}", token.len());
            match token.len() <= MAX_TOKEN_BYTES {
                true => assert!(verdict.passes(), "{case}"),
                false => assert_eq!(verdict, refused(kind), "{case}"),
            }
        }
    }
}
