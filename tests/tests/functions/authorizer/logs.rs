//! One JSON line for each request, with what an operator needs and without the token.

use serde_json::{Value, json};
use tokensmith_authorizer::AuthorizerConfig;
use tokensmith_issuer::Level;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::logged::{logged, tell};

use super::api_keys::bearer;
use super::support::{Gate, INTERVAL, Kind, decide, refused};

fn lines(lines: Vec<Value>) -> Vec<Value> {
    let own = |line: &Value| line["endpoint"] == "authorize";
    lines.into_iter().filter(own).collect()
}

#[tokio::test]
async fn every_request_is_one_line() {
    let log = logged(async {
        let gate = Gate::new().await;
        let grant = gate.issuer.grant(&gate.client, |_| {}).await;
        let answer = gate.issuer.refresh(&gate.client, &grant.token).await;
        let token = answer.access_token();
        tell(&grant.id.to_string());
        let routes = json!({ "GET /orders/{id}": "a", "GET /orders": "c" });
        for kind in Kind::ALL {
            let authorizer = gate.authorizer(kind, |config| {
                config.routes = Some(routes.to_string().parse().expect("routes"));
                config.log_level = Level::Info;
            });
            let authorizer = authorizer.await;
            let event = kind.event(&format!("Bearer {token}"));
            decide(&authorizer, kind, &event).await;
            gate.issuer.pass(2);
            decide(&authorizer, kind, &event).await;
            let event = kind.event_of(&format!("Bearer {token}"), "GET /orders", "GET /orders");
            decide(&authorizer, kind, &event).await;
            let event = kind.event_of(&format!("Bearer {token}"), "GET /x", "GET /x");
            decide(&authorizer, kind, &event).await;
            decide(&authorizer, kind, &kind.event("Bearer no.such.token")).await;
            gate.issuer.dynamo.outage(Some(Fault::Before));
            gate.issuer.pass(120 + INTERVAL);
            let event = kind.event(&format!("Bearer {token}"));
            decide(&authorizer, kind, &event).await;
            gate.issuer.dynamo.outage(None);
        }
    });
    let Some(log) = log.await else { return };
    let lines = lines(log.lines());
    assert_eq!(lines.len(), 6 * Kind::ALL.len());
    for (kind, lines) in Kind::ALL.into_iter().zip(lines.chunks(6)) {
        let unlisted = match kind {
            Kind::RestToken => json!(null),
            _ => json!("GET /x"),
        };
        let expected = [
            (
                "ok",
                json!(null),
                json!("GET /orders/{id}"),
                json!("app"),
                json!(2),
                json!(0),
            ),
            (
                "ok",
                json!(null),
                json!("GET /orders/{id}"),
                json!("app"),
                json!(0),
                json!(2),
            ),
            (
                "denied",
                json!("insufficient_scope"),
                json!("GET /orders"),
                json!("app"),
                json!(0),
                json!(2),
            ),
            (
                "denied",
                json!("route_not_listed"),
                unlisted,
                json!("app"),
                json!(0),
                json!(2),
            ),
            (
                "denied",
                json!("malformed"),
                json!("GET /orders/{id}"),
                json!(null),
                json!(0),
                json!(2),
            ),
            (
                "unavailable",
                json!(null),
                json!("GET /orders/{id}"),
                json!(null),
                // A query of the feed, a read of the token's own records and one of the signing keys, each
                // with two retries.
                json!(9),
                json!(127),
            ),
        ];
        for (line, (outcome, reason, route, client, calls, age)) in lines.iter().zip(expected) {
            assert_eq!(line["outcome"], outcome, "{kind:?}: {line}");
            assert_eq!(line["reason"], reason, "{kind:?}: {line}");
            assert_eq!(line["route"], route, "{kind:?}: {line}");
            assert_eq!(line["client"], client, "{kind:?}: {line}");
            assert_eq!(line["aws_calls"], calls, "{kind:?}: {line}");
            assert_eq!(line["feed_age_s"], age, "{kind:?}: {line}");
            assert!(line["latency_us"].is_u64(), "{line}");
            assert_eq!(
                line["failure"].is_null(),
                outcome != "unavailable",
                "{line}"
            );
            let level = if outcome == "unavailable" {
                "error"
            } else {
                "info"
            };
            assert_eq!(line["level"], level, "{line}");
            let request_id = match kind {
                Kind::RestToken => "lambda-id",
                Kind::RestRequest => "0f2e9a6e-52c8-4c6b-9a6d-2f2f1f6a7c11",
                Kind::Http1 => "JKJbYnQMwIdFTIB=",
                Kind::HttpSimple | Kind::HttpPolicy => "JKJaXmPLvHcESHA=",
            };
            assert_eq!(line["request_id"], request_id, "{kind:?}");
        }
        assert_eq!(lines[0]["grant"], log.told[0]);
    }
}

/// Invariant 1: neither what was sent, in whole or in part, nor the path that the caller chose.
#[tokio::test]
async fn invariant_1_no_token_is_logged() {
    let log = logged(async {
        let gate = Gate::new().await;
        let token = gate.token().await;
        token.split('.').for_each(tell);
        for kind in Kind::ALL {
            let everything = |config: &mut AuthorizerConfig| config.log_level = Level::Info;
            let authorizer = gate.authorizer(kind, everything).await;
            for value in [
                format!("Bearer {token}"),
                format!("Bearer {token}x"),
                format!("Basic {token}"),
                format!("Bearer {token} {token}"),
                token.clone(),
            ] {
                let event = kind.event_of(&value, "GET /{all+}", "GET /a-path-of-the-callers");
                decide(&authorizer, kind, &event).await;
            }
        }
    });
    let Some(log) = log.await else { return };
    assert_eq!(lines(log.lines()).len(), 5 * Kind::ALL.len());
    let mut secrets: Vec<&str> = log.told.iter().map(String::as_str).collect();
    secrets.push("a-path-of-the-callers");
    for secret in secrets {
        assert!(!log.stderr.contains(secret), "{secret}");
    }
}

/// Whoever logs events for debugging gets no token either.
#[tokio::test]
async fn invariant_1_an_event_is_printed_without_its_token() {
    for kind in Kind::ALL {
        let event = kind.event("Bearer secret-token");
        let event: tokensmith_authorizer::AuthorizerEvent =
            serde_json::from_value(event).expect("an event");
        assert!(!format!("{event:?}").contains("secret-token"), "{kind:?}");
    }
}

/// Somebody goes on with tokens of a key that was withdrawn: also seen where only warnings are logged, and
/// after the authorizer has read the keys again.
#[tokio::test]
async fn a_withdrawn_key_that_is_still_presented_is_a_warning() {
    let log = logged(async {
        let gate = Gate::new().await;
        for kind in Kind::ALL {
            let warnings = |config: &mut AuthorizerConfig| config.log_level = Level::Warn;
            let warm = gate.authorizer(kind, warnings).await;
            let token = gate.token().await;
            let event = kind.event(&format!("Bearer {token}"));
            assert!(decide(&warm, kind, &event).await.passes());
            let replaced = gate.issuer.administrator().replace_keys(Vec::new()).await;
            replaced.expect("replaced");
            gate.issuer.pass(INTERVAL);
            let cold = gate.authorizer(kind, warnings).await;
            for authorizer in [&warm, &cold] {
                assert_eq!(decide(authorizer, kind, &event).await, refused(kind));
                // Nobody else can make this up.
                let (signed, _) = token.rsplit_once('.').expect("a signature");
                let made_up = format!("Bearer {signed}.{}", "A".repeat(86));
                let event = kind.event(&made_up);
                assert_eq!(decide(authorizer, kind, &event).await, refused(kind));
            }
            gate.issuer.pass(gate.issuer.config.cache_ttl.as_secs());
        }
    });
    let Some(log) = log.await else { return };
    let lines = lines(log.lines());
    assert_eq!(lines.len(), 2 * Kind::ALL.len(), "{lines:?}");
    for line in lines {
        assert_eq!(line["level"], "warn", "{line}");
        assert_eq!(line["outcome"], "denied", "{line}");
        assert_eq!(line["reason"], "withdrawn_key", "{line}");
    }
}

/// Whoever is told of it has to know which key it is, and where that is still kept: by an authorizer that knew the key, and by one
/// that did not.
#[tokio::test]
async fn an_api_key_that_is_used_after_its_end_is_a_warning_that_names_it() {
    let log = logged(async {
        let kind = Kind::HttpSimple;
        let gate = Gate::new().await;
        let key = gate.key(|_| {}).await;
        tell(key.key.id.as_str());
        let warnings = |config: &mut AuthorizerConfig| config.log_level = Level::Warn;
        let warm = gate.with_keys(gate.authorizer(kind, warnings).await).await;
        let event = bearer(kind, &key);
        assert!(decide(&warm, kind, &event).await.passes());
        let admin = gate.issuer.administrator();
        let revoked = admin.revoke_api_key(&key.key.id).await;
        revoked.expect("it is revoked");
        gate.issuer.pass(INTERVAL);
        let cold = gate.with_keys(gate.authorizer(kind, warnings).await).await;
        for authorizer in [&warm, &cold] {
            assert_eq!(decide(authorizer, kind, &event).await, refused(kind));
        }
    });
    let Some(log) = log.await else { return };
    let lines = lines(log.lines());
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in lines {
        assert_eq!(line["level"], "warn", "{line}");
        assert_eq!(line["reason"], "api_key_revoked", "{line}");
        assert_eq!(line["key"], log.told[0], "{line}");
    }
}
