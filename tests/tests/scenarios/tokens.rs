//! What a token says (RFC 9068), and that it never says more than its client may have.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::TestRunner;
use serde_json::json;
use tokensmith_tests::records::API;
use tokensmith_tests::{HttpRequest, TestIssuer, form_encode};
use tokensmith_verifier::{Expectations, JwkSet, VerificationKeys};

#[test]
fn rfc9068_2_a_token_has_exactly_its_header_and_claims() {
    let issuer = TestIssuer::shared();
    let algorithms = ["ES256", "RS256", "PS256", "EdDSA"];
    for algorithm in algorithms {
        let options = ["--scope=read", "--default-scope=read", "--audience", API];
        let client = issuer.register("exact", &[&options[..], &["--alg", algorithm]].concat());
        let before = now();
        let answer = issuer.token(&client, "");
        let after = now();
        let token = answer.token();

        let jwks = issuer.send(&HttpRequest::get(JWKS)).json();
        let keys = jwks["keys"].as_array().expect("keys");
        let key = keys.iter().find(|key| key["alg"] == algorithm);
        let kid = &key.expect("a key of the algorithm")["kid"];
        assert_eq!(
            token.header,
            json!({"alg": algorithm, "typ": "at+jwt", "kid": kid})
        );

        let mut claims = token.claims.clone();
        let mut take = |name: &str| claims.as_object_mut().expect("claims").remove(name);
        let iat = take("iat").and_then(|iat| iat.as_u64()).expect("iat");
        let jti = take("jti").expect("jti");
        assert!((before..=after).contains(&iat), "{before} {iat} {after}");
        assert!(jti.as_str().is_some_and(|jti| jti.len() >= 16), "{jti}");
        let expected = json!({
            "iss": issuer.url, "sub": client.id, "client_id": client.id,
            "aud": API, "exp": iat + 900, "scope": "read",
        });
        assert_eq!(claims, expected);
    }
}

#[test]
fn rfc6749_5_1_the_answer_has_exactly_its_members_and_is_not_kept() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("answer", &["--scope=read", "--default-scope=read"]);
    // Twice: the second token rests on a cached record.
    for _ in 0..2 {
        let before = now();
        let answer = issuer.token(&client, "");
        let after = now();
        let body = answer.json();
        let token = answer.token();
        let expires_in = body["expires_in"].as_u64().expect("seconds");
        let answered_at = token.claims["exp"].as_u64().expect("exp") - expires_in;
        assert!((before..=after).contains(&answered_at));
        // RFC 6749 §4.4.3: no refresh token.
        let expected = json!({
            "access_token": token.text, "token_type": "Bearer",
            "expires_in": expires_in, "scope": "read",
        });
        assert_eq!(body, expected);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("pragma"), Some("no-cache"));
    }
}

#[test]
fn rfc9068_2_2_no_two_tokens_have_the_same_jti() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("jti", &[]);
    let jtis: BTreeSet<String> = (0..200)
        .map(|_| issuer.token(&client, "").token().claims["jti"].to_string())
        .collect();
    assert_eq!(jtis.len(), 200);
}

#[test]
fn rfc6749_3_3_who_asks_for_no_scope_gets_the_default() {
    let issuer = TestIssuer::shared();
    let scopes = ["--scope=a", "--scope=b", "--scope=c"];
    let two = ["--default-scope=c", "--default-scope=a"];
    let with = issuer.register("default", &[&scopes[..], &two].concat());
    let without = issuer.register("bare", &scopes);
    let none = issuer.register("scopeless", &[]);
    for more in ["", "&scope=", "&scope=+"] {
        let answer = issuer.token(&with, more);
        assert_eq!(answer.token().claims["scope"], "c a");
        assert_eq!(answer.json()["scope"], "c a");
        for client in [&without, &none] {
            let answer = issuer.token(client, more);
            // RFC 9068 §2.2.3: absent, not empty.
            let claims = answer.token().claims;
            assert!(claims.get("scope").is_none(), "{claims}");
            assert!(answer.json().get("scope").is_none());
        }
    }
    let refused = issuer.token(&none, "&scope=a");
    assert_eq!(refused.json()["error"], "invalid_scope");
}

#[test]
fn rfc6749_3_3_who_asks_for_less_gets_less() {
    let issuer = TestIssuer::shared();
    let odd = "!#$%&'()*+-./:;<=>?@[]^_`{|}~";
    let scopes = ["--scope=a", "--scope=b", "--scope", odd];
    let client = issuer.register("narrow", &[&scopes[..], &["--default-scope=a"]].concat());
    let both = format!("{odd} b");
    for asked in ["b", "b a", "a b", odd, &both] {
        let answer = issuer.token(&client, &format!("&scope={}", form_encode(asked)));
        assert_eq!(answer.token().claims["scope"], asked);
        assert_eq!(answer.json()["scope"], asked);
    }
    // Nothing of that has changed what the client may have.
    assert_eq!(issuer.token(&client, "&scope=a+b").status, 200);
}

#[test]
fn rfc8707_2_a_token_is_for_the_resources_asked_for_or_the_first() {
    let issuer = TestIssuer::shared();
    let two = issuer.register("audiences", &["--audience", API, "--audience", URN]);
    let own = issuer.register("own", &[]);
    let audience = |client, more: &str| {
        let answer = issuer.token(client, more);
        answer.token().claims["aud"].clone()
    };
    let (api, urn) = (form_encode(API), form_encode(URN));
    let cases = [
        (String::new(), json!(API)),
        ("&resource=".to_owned(), json!(API)),
        (format!("&resource={api}"), json!(API)),
        (format!("&resource={urn}"), json!(URN)),
        (format!("&resource={api}&resource={urn}"), json!([API, URN])),
        (format!("&resource={urn}&resource={api}"), json!([URN, API])),
        (format!("&resource=&resource={urn}"), json!(URN)),
    ];
    for (more, expected) in cases {
        assert_eq!(audience(&two, &more), expected, "{more}");
    }
    assert_eq!(audience(&own, ""), json!(issuer.url));
    let elsewhere = issuer.token(&own, &format!("&resource={api}"));
    assert_eq!(elsewhere.json()["error"], "invalid_target");
}

#[test]
fn rfc9068_2_2_a_client_has_its_own_lifetime_and_algorithm() {
    let issuer = TestIssuer::serve(&["--alg=EdDSA", "--alg=ES256"]);
    for (ttl, seconds) in [("1s", 1), ("90s", 90), ("24h", 86_400)] {
        let client = issuer.register("ttl", &["--access-ttl", ttl]);
        let claims = issuer.token(&client, "").token().claims;
        let at = |name: &str| claims[name].as_u64().expect("seconds");
        assert_eq!(at("exp") - at("iat"), seconds);
    }
    let default = issuer.register("default-alg", &[]);
    let named = issuer.register("named-alg", &["--alg=ES256"]);
    let algorithm = |client| issuer.token(client, "").token().header["alg"].clone();
    assert_eq!(algorithm(&default), "EdDSA", "the first one is the default");
    assert_eq!(algorithm(&named), "ES256");
}

#[test]
fn invariant_5_a_token_never_goes_beyond_what_its_client_may_have() {
    let issuer = TestIssuer::shared();
    let jwks = issuer.send(&HttpRequest::get(JWKS)).json();
    let published: JwkSet = serde_json::from_value(jwks).expect("a key set");
    let keys = VerificationKeys::new(&published).expect("usable keys");
    let config = ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let outcome = TestRunner::new(config).run(&cases(), |case| {
        let options = case.options();
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let client = issuer.register("invariant-5", &options);
        let answer = issuer.token(&client, &case.parameters());
        if case.is_beyond() {
            let error = &answer.json()["error"];
            prop_assert_eq!(answer.status, 400);
            prop_assert!(error == "invalid_scope" || error == "invalid_target");
            return Ok(());
        }
        let token = answer.token();
        let claims = keys.signed_claims(&token.text);
        let claims = claims
            .map_err(|err| TestCaseError::fail(err.to_string()))?
            .claims;
        let expected = Expectations {
            issuer: &issuer.url,
            audience: None,
            now: claims.iat,
            leeway: 0,
        };
        prop_assert_eq!(expected.check(&claims), Ok(()));
        prop_assert_eq!(claims.exp - claims.iat, case.access_ttl);
        prop_assert_eq!(
            claims.scope.unwrap_or_default(),
            case.granted_scopes().join(" ")
        );
        prop_assert_eq!(claims.aud.as_slice(), case.granted_audiences(&issuer.url));
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

/// What a client may have, and what it asks for.
#[derive(Clone, Debug)]
struct Case {
    scopes: Vec<&'static str>,
    default_scopes: Vec<&'static str>,
    audiences: Vec<&'static str>,
    access_ttl: u64,
    asked_scopes: Vec<&'static str>,
    asked_resources: Vec<&'static str>,
}

/// Half of the cases ask only for what the client may have.
fn cases() -> impl Strategy<Value = Case> {
    let some = |pool: &'static [&'static str]| subsequence(pool, 0..=pool.len()).prop_shuffle();
    let few = |pool: Vec<&'static str>| {
        let most = pool.len().min(2);
        subsequence(pool, 0..=most).prop_shuffle()
    };
    let registered = (
        some(&SCOPES),
        some(&AUDIENCES),
        1..=86_400_u64,
        any::<bool>(),
    );
    registered.prop_flat_map(move |(scopes, audiences, access_ttl, within)| {
        let asked = match within {
            true => (few(scopes.clone()), few(audiences.clone())),
            false => (few(SCOPES.to_vec()), few(AUDIENCES.to_vec())),
        };
        let defaults = subsequence(scopes.clone(), 0..=scopes.len());
        (defaults, asked).prop_map(move |(default_scopes, asked)| Case {
            scopes: scopes.clone(),
            default_scopes,
            audiences: audiences.clone(),
            access_ttl,
            asked_scopes: asked.0,
            asked_resources: asked.1,
        })
    })
}

impl Case {
    fn options(&self) -> Vec<String> {
        let named = |option: &'static str, values: &[&'static str]| {
            let options = values.iter().map(move |value| format!("{option}={value}"));
            options.collect::<Vec<_>>()
        };
        [
            named("--scope", &self.scopes),
            named("--default-scope", &self.default_scopes),
            named("--audience", &self.audiences),
            vec![format!("--access-ttl={}s", self.access_ttl)],
        ]
        .concat()
    }

    fn parameters(&self) -> String {
        let scopes = form_encode(&self.asked_scopes.join(" "));
        let resources = self.asked_resources.iter();
        resources
            .map(|resource| format!("&resource={}", form_encode(resource)))
            .chain([format!("&scope={scopes}")])
            .collect()
    }

    fn is_beyond(&self) -> bool {
        let beyond = |asked: &[_], allowed: &[_]| asked.iter().any(|one| !allowed.contains(one));
        beyond(&self.asked_scopes, &self.scopes) || beyond(&self.asked_resources, &self.audiences)
    }

    fn granted_scopes(&self) -> &[&'static str] {
        match self.asked_scopes.is_empty() {
            true => &self.default_scopes,
            false => &self.asked_scopes,
        }
    }

    fn granted_audiences<'a>(&'a self, issuer_url: &'a str) -> Vec<&'a str> {
        let default = self.audiences.first().copied().unwrap_or(issuer_url);
        match self.asked_resources.is_empty() {
            true => vec![default],
            false => self.asked_resources.clone(),
        }
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("it is after 1970").as_secs()
}

const JWKS: &str = "/.well-known/jwks.json";
const URN: &str = "urn:example:api?x=1&y=2";
const SCOPES: [&str; 5] = ["read", "write", "read:all", "https://api.example/x", "READ"];
const AUDIENCES: [&str; 4] = [
    API,
    "https://api.example/v1",
    URN,
    "https://[2001:db8::1]:8443/?q=%20",
];
