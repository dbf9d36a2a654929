//! `private_key_jwt`: clients that sign (RFC 7521, RFC 7523; OpenID Connect Core 1.0 §9; FAPI 2.0 §5.3.2.1).

mod fapi2;

use std::thread;

use serde_json::{Value, json};
use tokensmith_tests::assertion::{CLIENT_ASSERTION, OwnKey, assertion_claims, now};
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer, unique};
use tokensmith_verifier::jose::SignatureAlgorithm;

const ARGUMENTS: [&str; 5] = [
    "--grant=client_credentials",
    "--grant=refresh_token",
    "--scope=a",
    "--default-scope=a",
    "--audience=https://api.example/",
];

/// An issuer with a client, and its key.
struct Signing {
    issuer: TestIssuer,
    client: TestClient,
    key: OwnKey,
}

impl Signing {
    fn with(algorithm: SignatureAlgorithm, more: &[&str]) -> Self {
        let issuer = TestIssuer::shared();
        let key = OwnKey::new(algorithm);
        let client = issuer.register_keys("signs", &[&key], &[&ARGUMENTS, more].concat());
        Self {
            issuer,
            client,
            key,
        }
    }

    fn new() -> Self {
        Self::with(SignatureAlgorithm::ES256, &[])
    }

    fn claims(&self) -> Value {
        assertion_claims(&self.client, &self.issuer.url)
    }

    /// Good claims, but for one.
    fn claims_with(&self, name: &str, value: Value) -> Value {
        let mut claims = self.claims();
        claims[name] = value;
        claims
    }

    fn assertion(&self) -> String {
        self.key.jwt(&self.claims())
    }

    fn token(&self, assertion: &str) -> Answer {
        let form = [("grant_type", "client_credentials")];
        let request = HttpRequest::asserted("/oauth2/token", &form, assertion);
        self.issuer.send(&request)
    }

    fn refuses(&self, assertion: &str, what: &str) {
        let answer = self.token(assertion);
        assert_eq!(answer.status, 401, "{what}: {}", answer.body);
        assert_eq!(answer.string("error"), "invalid_client", "{what}");
    }
}

#[test]
fn rfc7523_2_2_a_client_gets_a_token_with_each_algorithm() {
    for algorithm in SignatureAlgorithm::ALL {
        let signing = Signing::with(algorithm, &[]);
        let answer = signing.token(&signing.assertion());
        let claims = answer.claims();
        assert_eq!(claims.sub, signing.client.id, "{algorithm}");
        assert_eq!(claims.client_id, signing.client.id, "{algorithm}");
    }
}

#[test]
fn rfc7523_2_2_every_endpoint_takes_assertions() {
    let signing = Signing::new();
    let Signing { issuer, client, .. } = &signing;
    let grant = issuer.grant(client, "user", &["--scope=a"]);
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &grant.token),
    ];
    for path in ["/oauth2/token", "/oauth2/refresh"] {
        let request = HttpRequest::asserted(path, &refresh, &signing.assertion());
        let tokens = issuer.send(&request).tokens();
        let introspect = [("token", tokens.access.as_str())];
        let request =
            HttpRequest::asserted("/oauth2/introspect", &introspect, &signing.assertion());
        assert_eq!(issuer.send(&request).json()["active"], true, "{path}");
    }
    let revoke = [("token", grant.token.as_str())];
    let request = HttpRequest::asserted("/oauth2/revoke", &revoke, &signing.assertion());
    assert_eq!(issuer.send(&request).status, 200);
    let request = HttpRequest::asserted("/oauth2/introspect", &revoke, &signing.assertion());
    assert_eq!(issuer.send(&request).json(), json!({ "active": false }));
}

/// The endpoints that do not issue claim an assertion as well.
#[test]
fn invariant_2_an_assertion_is_used_once_at_whatever_endpoint() {
    let signing = Signing::new();
    let token = signing.token(&signing.assertion()).access_token();
    let form = [("token", token.as_str())];
    for (first, second) in [
        ("/oauth2/introspect", "/oauth2/revoke"),
        ("/oauth2/revoke", "/oauth2/introspect"),
        ("/oauth2/introspect", "/oauth2/introspect"),
    ] {
        let assertion = signing.assertion();
        let send = |path: &str| {
            let request = HttpRequest::asserted(path, &form, &assertion);
            signing.issuer.send(&request).status
        };
        assert_eq!((send(first), send(second)), (200, 401), "{first} {second}");
        signing.refuses(&assertion, second);
    }
}

#[test]
fn invariant_2_of_twenty_uses_of_one_assertion_at_once_one_succeeds() {
    let signing = Signing::new();
    let assertion = signing.assertion();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let uses: Vec<_> = (0..20)
            .map(|_| scope.spawn(|| signing.token(&assertion).status))
            .collect();
        let joined = uses.into_iter().map(|one| one.join().expect("an answer"));
        joined.collect()
    });
    let successes = statuses.iter().filter(|status| **status == 200).count();
    let refused = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!((successes, refused), (1, 19), "{statuses:?}");
}

/// What is refused uses up nothing: the same assertion works afterwards.
#[test]
fn invariant_2_a_refused_request_leaves_the_assertion_unused() {
    let signing = Signing::new();
    let assertion = signing.assertion();
    for (name, value, error) in [
        ("scope", "nobodys", "invalid_scope"),
        ("resource", "https://other.example/", "invalid_target"),
        ("grant_type", "password", "unsupported_grant_type"),
    ] {
        let mut form = vec![("grant_type", "client_credentials")];
        form.retain(|(own, _)| *own != name);
        form.push((name, value));
        let request = HttpRequest::asserted("/oauth2/token", &form, &assertion);
        assert_eq!(signing.issuer.send(&request).string("error"), error);
    }
    assert_eq!(signing.token(&assertion).status, 200);
}

#[test]
fn rfc7523_3_claims_that_are_wrong_in_one_way_are_refused() {
    let signing = Signing::new();
    let without = |name: &str| {
        let mut claims = signing.claims();
        claims.as_object_mut().expect("claims").remove(name);
        claims
    };
    for (what, claims) in [
        ("no iss", without("iss")),
        ("no aud", without("aud")),
        ("no exp", without("exp")),
        ("no jti", without("jti")),
        ("an empty jti", signing.claims_with("jti", json!(""))),
        ("a number as jti", signing.claims_with("jti", json!(7))),
        (
            "a jti of 1 KB",
            signing.claims_with("jti", json!("j".repeat(1024))),
        ),
        ("an old iat, a late exp", {
            let mut claims = signing.claims_with("iat", json!(now() - 400));
            claims["exp"] = json!(now() + 3000);
            claims
        }),
        (
            "exp in two days",
            signing.claims_with("exp", json!(now() + 172_800)),
        ),
        ("exp in an hour without iat", {
            let mut claims = without("iat");
            claims["exp"] = json!(now() + 3600);
            claims
        }),
        ("exp as text", signing.claims_with("exp", json!("tomorrow"))),
        ("exp below zero", signing.claims_with("exp", json!(-5))),
        ("exp without end", signing.claims_with("exp", json!(1e300))),
        ("iss and sub of somebody else", {
            let mut claims = signing.claims_with("sub", json!("somebody"));
            claims["iss"] = json!("somebody");
            claims
        }),
    ] {
        signing.refuses(&signing.key.jwt(&claims), what);
    }
}

/// RFC 8725 §3: the header chooses neither algorithm nor key.
#[test]
fn rfc8725_3_assertions_that_are_forged_in_one_way_are_refused() {
    let signing = Signing::new();
    let (claims, header) = (signing.claims(), signing.key.header());
    let foreign = OwnKey::new(SignatureAlgorithm::ES256);
    let header_with = |name: &str, value: Value| {
        let mut changed = header.clone();
        changed[name] = value;
        changed
    };
    let good = signing.key.jwt(&claims);
    let parts: Vec<_> = good.split('.').collect();
    for (what, assertion) in [
        ("alg none", {
            let unsigned = signing
                .key
                .sign(&header_with("alg", json!("none")), &claims);
            let end = unsigned.rfind('.').expect("a dot") + 1;
            unsigned[..end].to_owned()
        }),
        (
            "alg none, signed",
            signing
                .key
                .sign(&header_with("alg", json!("none")), &claims),
        ),
        (
            "alg HS256",
            signing
                .key
                .sign(&header_with("alg", json!("HS256")), &claims),
        ),
        (
            "alg ES384",
            signing
                .key
                .sign(&header_with("alg", json!("ES384")), &claims),
        ),
        ("a foreign key", foreign.sign(&header, &claims)),
        ("a foreign key by its own name", foreign.jwt(&claims)),
        (
            "a key in the header",
            foreign.sign(&header_with("jwk", foreign.jwk()), &claims),
        ),
        (
            "crit",
            signing
                .key
                .sign(&header_with("crit", json!(["exp"])), &claims),
        ),
        (
            "an access token",
            signing
                .key
                .sign(&header_with("typ", json!("at+jwt")), &claims),
        ),
        (
            "a DPoP proof",
            signing
                .key
                .sign(&header_with("typ", json!("dpop+jwt")), &claims),
        ),
        (
            "a request object",
            signing
                .key
                .sign(&header_with("typ", json!("oauth-authz-req+jwt")), &claims),
        ),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("five parts", format!("{good}.a.b")),
        ("two parts", format!("{}.{}", parts[0], parts[1])),
        ("another payload", {
            let other = signing.key.jwt(&signing.claims());
            let payload = other.split('.').nth(1).expect("a payload");
            format!("{}.{payload}.{}", parts[0], parts[2])
        }),
        (
            "nested",
            signing
                .key
                .sign(&header_with("cty", json!("JWT")), &json!(good)),
        ),
        ("no JSON", "e30.e30.e30".to_owned()),
        ("too long", {
            let mut long = claims.clone();
            long["more"] = json!("m".repeat(9000));
            signing.key.jwt(&long)
        }),
    ] {
        signing.refuses(&assertion, what);
    }
    assert_eq!(signing.token(&good).status, 200);
}

/// OpenID Connect Core 1.0 §10.1: without a name, there must be one key that fits.
#[test]
fn the_key_of_an_assertion_is_the_named_one_or_the_only_one_that_fits() {
    let issuer = TestIssuer::shared();
    let first = OwnKey::new(SignatureAlgorithm::ES256);
    let second = OwnKey::new(SignatureAlgorithm::ES256);
    let other = OwnKey::new(SignatureAlgorithm::EdDSA);
    let keys = [&first, &second, &other];
    let client = issuer.register_keys("signs", &keys, &ARGUMENTS);
    let status = |key: &OwnKey, kid: Option<&str>| {
        let mut header = key.header();
        header["kid"] = json!(kid);
        let assertion = key.sign(&header, &assertion_claims(&client, &issuer.url));
        let form = [("grant_type", "client_credentials")];
        let request = HttpRequest::asserted("/oauth2/token", &form, &assertion);
        issuer.send(&request).status
    };
    for key in keys {
        assert_eq!(status(key, Some(&key.id)), 200);
    }
    assert_eq!(status(&other, None), 200, "the only EdDSA key");
    assert_eq!(status(&first, None), 401, "two ES256 keys");
    assert_eq!(status(&first, Some(&second.id)), 401);
    assert_eq!(status(&first, Some("unknown")), 401);
}

/// RFC 6749 §2.3: one method, of one client.
#[test]
fn rfc7521_4_2_an_assertion_is_the_only_authentication_of_its_own_client() {
    let signing = Signing::new();
    let send = |form: &[(&str, &str)], more: fn(HttpRequest) -> HttpRequest| {
        let all = [&[("grant_type", "client_credentials")], form].concat();
        let request = more(HttpRequest::form("/oauth2/token", &all));
        let answer = signing.issuer.send(&request);
        (answer.status, answer.string("error"))
    };
    let assertion = signing.assertion();
    let (proof, of_type) = (
        ("client_assertion", assertion.as_str()),
        ("client_assertion_type", CLIENT_ASSERTION),
    );
    let same = |request| request;
    let invalid = (400, "invalid_request".to_owned());
    let denied = (401, "invalid_client".to_owned());
    let basic = |request: HttpRequest| request.basic("a", "b");
    assert_eq!(send(&[proof, of_type], basic), invalid);
    assert_eq!(
        send(&[proof, of_type, ("client_secret", "s")], same),
        invalid
    );
    assert_eq!(
        send(&[proof, of_type, ("client_id", "other")], same),
        invalid
    );
    assert_eq!(send(&[proof], same), denied);
    assert_eq!(send(&[of_type], same), denied);
    let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
    assert_eq!(
        send(&[proof, ("client_assertion_type", saml)], same),
        denied
    );
    let own_id = ("client_id", signing.client.id.as_str());
    let form = [("grant_type", "client_credentials"), proof, of_type, own_id];
    let request = HttpRequest::form("/oauth2/token", &form);
    assert_eq!(signing.issuer.send(&request).status, 200);
}

/// A client authenticates as it is registered, and in no other way.
#[test]
fn a_client_with_a_secret_takes_no_assertion_and_a_client_with_keys_no_secret() {
    let signing = Signing::new();
    let other = signing.issuer.register("shares", &ARGUMENTS);
    let assertion = signing
        .key
        .jwt(&assertion_claims(&other, &signing.issuer.url));
    signing.refuses(&assertion, "a client with a secret");
    let with_secret = TestClient::new(&signing.client.id, other.secret());
    assert_eq!(signing.issuer.token(&with_secret, "").status, 401);
    assert_eq!(signing.issuer.token(&signing.client, "").status, 401);
    let nobody = TestClient::public(&unique("nobody"));
    let assertion = signing
        .key
        .jwt(&assertion_claims(&nobody, &signing.issuer.url));
    signing.refuses(&assertion, "a client that does not exist");
}

/// Old libraries name the token endpoint (RFC 7523 §3, before its revision).
#[test]
fn a_client_may_be_registered_to_name_the_token_endpoint() {
    let signing = Signing::with(
        SignatureAlgorithm::ES256,
        &["--assertion-audience=token-endpoint"],
    );
    let url = &signing.issuer.url;
    for (audience, status) in [
        (url.clone(), 200),
        (format!("{url}/oauth2/token"), 200),
        (format!("{url}/oauth2/revoke"), 401),
        ("https://other.example/oauth2/token".to_owned(), 401),
    ] {
        let claims = signing.claims_with("aud", json!(audience));
        let answer = signing.token(&signing.key.jwt(&claims));
        assert_eq!(answer.status, status, "{audience}: {}", answer.body);
    }
}

/// A key that is taken away ends, and a new one works, at once where the table is asked again.
#[test]
fn keys_are_rotated_by_registering_both() {
    let signing = Signing::new();
    let Signing {
        issuer,
        client,
        key,
    } = &signing;
    let next = OwnKey::new(SignatureAlgorithm::EdDSA);
    let file = tempfile::NamedTempFile::new().expect("a file");
    let path = file.path().to_str().expect("a path");
    let set = |keys: &[&OwnKey]| {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        std::fs::write(path, json!({ "keys": keys }).to_string()).expect("written");
        issuer.change(&["client", "update", &client.id, "--jwks", path]);
    };
    let works = |key: &OwnKey| {
        let assertion = key.jwt(&assertion_claims(client, &issuer.url));
        signing.token(&assertion).status == 200
    };
    assert!(works(key) && !works(&next));
    set(&[key, &next]);
    assert!(works(&next) && works(key));
}
