use std::collections::HashMap;
use std::time::Duration;

use tokensmith_authorizer::ResponseFormat;
use tokensmith_aws::environment::BadVariable;
use tokensmith_issuer::Level;
use tokensmith_verifier::WhenStale;

use super::AuthorizerEnvironment;

const REQUIRED: [(&str, &str); 3] = [
    ("TOKENSMITH_ISSUER", "https://issuer.example"),
    ("TOKENSMITH_TABLE", "tokensmith"),
    ("TOKENSMITH_AUDIENCE", "https://api.example/"),
];

fn parse(more: &[(&str, &str)]) -> Result<AuthorizerEnvironment, BadVariable> {
    let all: HashMap<&str, &str> = REQUIRED.iter().chain(more).copied().collect();
    AuthorizerEnvironment::parse(|name| all.get(name).map(|value| (*value).to_owned()))
}

#[test]
fn the_required_variables_are_enough() {
    let AuthorizerEnvironment {
        config,
        table,
        takes_api_keys,
        revision,
        limits,
    } = parse(&[]).expect("an environment");
    assert!(!limits);
    assert_eq!(revision, None);
    assert!(!takes_api_keys);
    assert_eq!(table, "tokensmith");
    assert_eq!(config.issuer.as_str(), "https://issuer.example");
    assert_eq!(config.audience.as_str(), "https://api.example/");
    assert!(config.routes.is_none());
    assert_eq!(config.response, ResponseFormat::Simple);
    assert_eq!(config.feed_interval, Duration::from_secs(5));
    assert_eq!(config.stale.then, WhenStale::FailClosed);
    assert_eq!(config.log_level, Level::Info);
}

#[test]
fn every_optional_variable_is_read() {
    let environment = parse(&[
        (
            "TOKENSMITH_ROUTE_SCOPES",
            r#"{"GET /orders/{id}": "a & b"}"#,
        ),
        ("TOKENSMITH_AUTHORIZER_RESPONSE", "policy"),
        ("TOKENSMITH_FEED_INTERVAL", "10s"),
        ("TOKENSMITH_FEED_STALE", "open"),
        ("TOKENSMITH_LOG", "error"),
        ("TOKENSMITH_API_KEYS", "on"),
        ("TOKENSMITH_PUBLIC_URL", "https://api.example/v1/"),
    ]);
    let environment = environment.expect("an environment");
    assert!(environment.takes_api_keys);
    let config = environment.config;
    assert!(config.routes.is_some());
    assert_eq!(config.response, ResponseFormat::Policy);
    assert_eq!(config.feed_interval, Duration::from_secs(10));
    assert_eq!(config.stale.then, WhenStale::FailOpen);
    assert_eq!(config.log_level, Level::Error);
    let public_url = "https://api.example/v1".parse().expect("a URL");
    assert_eq!(config.public_url, Some(public_url));
}

#[test]
fn a_missing_variable_is_named() {
    for (missing, _) in REQUIRED {
        let err = parse(&[(missing, "")]).expect_err(missing);
        assert_eq!(err.to_string(), format!("{missing} is required"));
    }
}

#[test]
fn a_malformed_variable_is_named() {
    for (name, value, problem) in [
        (
            "TOKENSMITH_ISSUER",
            "http://issuer.example",
            "is malformed: an issuer URL",
        ),
        ("TOKENSMITH_TABLE", "t", "is no table name"),
        ("TOKENSMITH_API_KEYS", "yes", "is neither `on` nor `off`"),
        ("TOKENSMITH_AUDIENCE", "api", "is malformed: an audience is"),
        (
            "TOKENSMITH_AUDIENCE",
            "https://a.example/,https://b.example/",
            "is a list",
        ),
        (
            "TOKENSMITH_ROUTE_SCOPES",
            "GET /",
            "is malformed: expected value",
        ),
        (
            "TOKENSMITH_ROUTE_SCOPES",
            r#"{"GET":""}"#,
            "is malformed: a route is",
        ),
        (
            "TOKENSMITH_ROUTE_SCOPES",
            r#"{"GET /":"a b"}"#,
            "is malformed: `&` or `|` is",
        ),
        (
            "TOKENSMITH_AUTHORIZER_RESPONSE",
            "Simple",
            "is neither `simple` nor `policy`",
        ),
        (
            "TOKENSMITH_AUTHORIZER_RESPONSE",
            "iam",
            "is neither `simple` nor `policy`",
        ),
        ("TOKENSMITH_FEED_INTERVAL", "0s", "must be from 1s to 1m"),
        ("TOKENSMITH_FEED_INTERVAL", "61s", "must be from 1s to 1m"),
        ("TOKENSMITH_FEED_INTERVAL", "5", "is no duration"),
        (
            "TOKENSMITH_FEED_STALE",
            "Closed",
            "is malformed: use `closed` or `open`",
        ),
        ("TOKENSMITH_LIMITS", "true", "is neither `on` nor `off`"),
        ("TOKENSMITH_LOG", "debug", "is malformed: unknown level"),
    ] {
        let err = parse(&[(name, value)]).expect_err(value);
        assert_eq!(err.name, name, "{value}");
        assert!(err.problem.starts_with(problem), "{value}: {err}");
    }
}

#[test]
fn limits_are_off_unless_they_are_on() {
    for (value, on) in [("", false), ("off", false), ("on", true)] {
        let parsed = parse(&[("TOKENSMITH_LIMITS", value)]);
        assert_eq!(parsed.expect("it is well formed").limits, on, "{value}");
    }
}

/// REST APIs are answered with policies, and the start cannot tell which API will ask.
#[test]
fn a_map_whose_policy_is_over_8_kb_is_refused_with_its_size() {
    let routes = |count| {
        let routes = (0..count).map(|number| format!(r#""ANY /resource-{number}": "a""#));
        format!("{{{}}}", routes.collect::<Vec<_>>().join(","))
    };
    let (few, many) = (routes(10), routes(20));
    let with = |routes: &str, response: &str| {
        parse(&[
            ("TOKENSMITH_ROUTE_SCOPES", routes),
            ("TOKENSMITH_AUTHORIZER_RESPONSE", response),
        ])
    };
    for response in ["", "policy"] {
        with(&few, response).expect("it fits");
        let err = with(&many, response).expect_err("it is too long");
        assert_eq!(err.name, "TOKENSMITH_ROUTE_SCOPES");
        let size = err.problem.split(' ').find_map(|word| word.parse().ok());
        let size: usize = size.expect("its size");
        assert!(size > 8192, "{err}");
        assert!(err.problem.contains("API Gateway takes 8192"), "{err}");
    }
    // Who has said that no policy is sent may have more.
    with(&many, "simple").expect("no policy is sent");
}
