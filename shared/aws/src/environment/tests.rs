use std::collections::HashMap;
use std::time::Duration;

use tokensmith_issuer::Level;
use tokensmith_verifier::Algorithm;

use super::{BadVariable, Environment};
use crate::kms::CustodyMode;

const REQUIRED: [(&str, &str); 4] = [
    ("TOKENSMITH_ISSUER", "https://issuer.example"),
    ("TOKENSMITH_TABLE", "tokensmith"),
    ("TOKENSMITH_CUSTODY", "kms-data-key"),
    ("TOKENSMITH_KMS_KEY", KEY_ARN),
];

fn variables(more: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let all: HashMap<String, String> = REQUIRED.iter().chain(more).map(owned).collect();
    move |name| all.get(name).cloned()
}

fn parse(more: &[(&str, &str)]) -> Result<Environment, BadVariable> {
    Environment::parse(variables(more))
}

#[test]
fn the_required_variables_are_enough() {
    let environment = parse(&[]).expect("an environment");
    let config = environment.config;
    assert_eq!(config.issuer.as_str(), "https://issuer.example");
    assert_eq!(config.algorithms, [Algorithm::RS256]);
    assert_eq!(config.access_ttl, Duration::from_secs(900));
    assert_eq!(config.cache_ttl, Duration::from_secs(10));
    assert_eq!(config.log_level, Level::Info);
    assert_eq!(environment.table, "tokensmith");
    assert_eq!(environment.custody, CustodyMode::KmsDataKey);
    assert_eq!(environment.wrapping_key, KEY_ARN);
    assert_eq!(config.wrapping_key.as_deref(), Some(KEY_ARN));
    assert_eq!(environment.revision, None);
}

#[test]
fn every_optional_variable_is_read() {
    let environment = parse(&[
        ("TOKENSMITH_ALGS", "EdDSA, PS256"),
        ("TOKENSMITH_ACCESS_TTL", "1h 30m"),
        ("TOKENSMITH_CACHE_TTL", "0s"),
        ("TOKENSMITH_LOG", "error"),
        ("TOKENSMITH_CUSTODY", "kms"),
        ("TOKENSMITH_FEED_INTERVAL", "7s"),
        ("TOKENSMITH_REVISION", "0123456789ab"),
        ("TOKENSMITH_SECRET_SCANNING", "on"),
        ("TOKENSMITH_DPOP_NONCE", "required"),
        ("TOKENSMITH_SIGN_IN", "on"),
        ("TOKENSMITH_BRAND_NAME", "Bäckerei Müller"),
        ("TOKENSMITH_BRAND_LOGO", "https://www.example.com/logo.svg"),
        ("TOKENSMITH_BRAND_COLOUR", "#0a6a5c"),
    ]);
    let environment = environment.expect("an environment");
    assert_eq!(environment.revision.as_deref(), Some("0123456789ab"));
    assert_eq!(environment.custody, CustodyMode::Kms);
    let config = environment.config;
    assert_eq!(config.algorithms, [Algorithm::EdDSA, Algorithm::PS256]);
    assert_eq!(config.access_ttl, Duration::from_secs(5400));
    assert_eq!(config.cache_ttl, Duration::ZERO);
    let keys = config.secret_scanning.expect("keys");
    assert_eq!(keys.host(), "api.github.com");
    assert_eq!(config.feed_interval, Duration::from_secs(7));
    assert_eq!(config.log_level, Level::Error);
    assert!(config.dpop_nonces);
    assert!(config.sign_in);
    let brand = config.brand;
    assert_eq!(brand.name.expect("a name").as_str(), "Bäckerei Müller");
    let logo = brand.logo.expect("a logo");
    assert_eq!(logo.as_str(), "https://www.example.com/logo.svg");
    assert_eq!(brand.colour.expect("a colour").as_str(), "#0a6a5c");
}

/// Metadata names what works, so that a function that nobody has told anything signs nobody in.
#[test]
fn people_sign_in_only_where_it_is_turned_on() {
    for (value, expected) in [("on", true), ("off", false), ("", false)] {
        let environment = parse(&[("TOKENSMITH_SIGN_IN", value)]);
        let config = environment.expect("an environment").config;
        assert_eq!(config.sign_in, expected, "{value}");
    }
    assert!(!parse(&[]).expect("an environment").config.sign_in);
}

/// KMS signs at most 4,096 bytes with EdDSA, and the revocation feed can be longer.
#[test]
fn kms_with_eddsa_alone_is_refused_with_what_mends_it() {
    for algorithms in ["EdDSA", " EdDSA "] {
        let refused = parse(&[
            ("TOKENSMITH_ALGS", algorithms),
            ("TOKENSMITH_CUSTODY", "kms"),
        ]);
        let bad = refused.expect_err("no document of any length can be signed");
        assert_eq!(bad.name, "TOKENSMITH_ALGS");
        for part in ["EdDSA,ES256", "kms-data-key"] {
            assert!(bad.problem.contains(part), "{bad}");
        }
    }
    for (algorithms, custody) in [("EdDSA", "kms-data-key"), ("EdDSA,ES256", "kms")] {
        let accepted = parse(&[
            ("TOKENSMITH_ALGS", algorithms),
            ("TOKENSMITH_CUSTODY", custody),
        ]);
        accepted.expect("an environment");
    }
}

#[test]
fn the_rotation_has_periods_of_its_own() {
    let environment = parse(&[]).expect("an environment");
    let policy = environment.rotation_policy(variables(&[]));
    let policy = policy.expect("a policy");
    assert_eq!(policy.period, Duration::from_secs(90 * 24 * 60 * 60));
    assert_eq!(policy.publish_ahead, Duration::from_secs(2 * 60 * 60));
    assert_eq!(policy.cache_ttl, environment.config.cache_ttl);
    let policy = environment.rotation_policy(variables(&[
        ("TOKENSMITH_KEY_PERIOD", "30s"),
        ("TOKENSMITH_KEY_PUBLISH_AHEAD", "5s"),
    ]));
    let policy = policy.expect("a policy");
    assert_eq!(policy.period, Duration::from_secs(30));
    assert_eq!(policy.publish_ahead, Duration::from_secs(5));
}

#[test]
fn a_missing_variable_is_named() {
    for (missing, _) in REQUIRED {
        for nothing in [None, Some(String::new())] {
            let all = variables(&[]);
            let found = Environment::parse(|name| match name == missing {
                true => nothing.clone(),
                false => all(name),
            });
            let err = found.expect_err(missing);
            assert_eq!(err.to_string(), format!("{missing} is required"));
        }
    }
}

/// Each variable, with the beginning of its error. The error never repeats the value.
#[test]
fn a_malformed_variable_is_named() {
    for (name, value, problem) in [
        (
            "TOKENSMITH_ISSUER",
            "http://issuer.example",
            "is malformed: an issuer URL is",
        ),
        (
            "TOKENSMITH_ISSUER",
            "https://issuer.example/path",
            "is malformed: an issuer URL is",
        ),
        (
            "TOKENSMITH_ISSUER",
            "issuer",
            "is malformed: an issuer URL is",
        ),
        ("TOKENSMITH_TABLE", "t", "is no table name"),
        ("TOKENSMITH_TABLE", "token smith", "is no table name"),
        ("TOKENSMITH_CUSTODY", "KMS", "is malformed: unknown custody"),
        (
            "TOKENSMITH_CUSTODY",
            "local",
            "is malformed: unknown custody",
        ),
        ("TOKENSMITH_KMS_KEY", "a key", "is no ARN of a KMS key"),
        ("TOKENSMITH_REVISION", "a b", "is no name of at most 128"),
        (
            "TOKENSMITH_ALGS",
            "RS256,",
            "is malformed: unknown algorithm",
        ),
        ("TOKENSMITH_ALGS", "none", "is malformed: unknown algorithm"),
        (
            "TOKENSMITH_ALGS",
            "HS256",
            "is malformed: unknown algorithm",
        ),
        (
            "TOKENSMITH_ALGS",
            "rs256",
            "is malformed: unknown algorithm",
        ),
        ("TOKENSMITH_ALGS", "ES256,RS256,ES256", "names ES256 twice"),
        ("TOKENSMITH_ACCESS_TTL", "15", "is no duration"),
        ("TOKENSMITH_ACCESS_TTL", "-1s", "is no duration"),
        ("TOKENSMITH_ACCESS_TTL", "0s", "must be from 1s to 1day"),
        ("TOKENSMITH_ACCESS_TTL", "25h", "must be from 1s to 1day"),
        ("TOKENSMITH_ACCESS_TTL", "1500ms", "must be whole seconds"),
        ("TOKENSMITH_CACHE_TTL", "6m", "must be from 0s to 5m"),
        ("TOKENSMITH_LOG", "debug", "is malformed: unknown level"),
        ("TOKENSMITH_DPOP_NONCE", "on", "must be off or required"),
        ("TOKENSMITH_SIGN_IN", "true", "must be on or off"),
        ("TOKENSMITH_BRAND_NAME", "A\nB", "is malformed: a name has"),
        (
            "TOKENSMITH_BRAND_LOGO",
            "http://www.example.com/logo.svg",
            "is malformed: a logo is an https URL",
        ),
        (
            "TOKENSMITH_BRAND_COLOUR",
            "teal",
            "is malformed: a colour is #",
        ),
        ("TOKENSMITH_LOG", "\u{fffd}", "is malformed: unknown level"),
    ] {
        let err = parse(&[(name, value)]).expect_err(value);
        assert_eq!(err.name, name, "{value}");
        assert!(err.problem.starts_with(problem), "{value}: {err}");
    }
    let environment = parse(&[]).expect("an environment");
    for (name, value, problem) in [
        ("TOKENSMITH_KEY_PERIOD", "0s", "must be from 1s to"),
        ("TOKENSMITH_KEY_PERIOD", "quarterly", "is no duration"),
        ("TOKENSMITH_KEY_PUBLISH_AHEAD", "91d", "must be from 0s to"),
    ] {
        let policy = environment.rotation_policy(variables(&[(name, value)]));
        let err = policy.expect_err(value);
        assert_eq!(err.name, name, "{value}");
        assert!(err.problem.starts_with(problem), "{value}: {err}");
    }
}

/// What is stored in the table must mean the same key tomorrow and in another account.
#[test]
fn a_kms_key_is_named_by_its_arn_alone() {
    for key in [
        KEY_ARN,
        "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab",
    ] {
        let environment = parse(&[("TOKENSMITH_KMS_KEY", key)]).expect(key);
        assert_eq!(environment.wrapping_key, key);
    }
    for key in [
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "alias/tokensmith",
        "arn:aws:kms:us-east-2:111122223333:alias/tokensmith",
        "arn:aws:kms:us-east-2:111122223333:key/",
        "arn:aws:kms::111122223333:key/1",
        "arn:aws:kms:us-east-2:111122223333:key/1:2",
        "arn:aws:kms:us-east-2:111122223333:key/a b",
        "arn:aws:s3:us-east-2:111122223333:key/1",
    ] {
        let err = parse(&[("TOKENSMITH_KMS_KEY", key)]).expect_err(key);
        assert!(err.problem.starts_with("is no ARN of a KMS key"), "{err}");
    }
}

const KEY_ARN: &str = "arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
