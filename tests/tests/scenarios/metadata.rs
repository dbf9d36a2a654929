//! The public documents: metadata (RFC 8414, OpenID Connect Discovery 1.0) and JWKS (RFC 7517).

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokensmith_tests::assertion::{OwnKey, assertion_claims};
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer};
use tokensmith_verifier::jose::SignatureAlgorithm;

#[test]
fn rfc8414_3_both_paths_name_the_issuer_that_was_asked() {
    let issuer = TestIssuer::shared();
    let documents = [OAUTH, OPENID].map(|path| issuer.send(&HttpRequest::get(path)));
    for document in &documents {
        assert_eq!(document.status, 200);
        assert_eq!(document.header("content-type"), Some("application/json"));
        let metadata = document.json();
        assert_eq!(metadata["issuer"], issuer.url);
        assert!(metadata["response_types_supported"].is_array());
    }
    let [oauth, openid] = documents.map(|document| document.json());
    for (name, value) in oauth.as_object().expect("an object") {
        assert_eq!(openid[name], *value, "{name}");
    }
}

#[test]
fn rfc8414_2_the_document_follows_no_header_of_the_caller() {
    let issuer = TestIssuer::shared();
    let forwarded = HttpRequest::get(OAUTH)
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "host=evil.example;proto=https");
    assert_eq!(issuer.send(&forwarded).json()["issuer"], issuer.url);
    let request = HttpRequest::get(OAUTH);
    let named_otherwise = issuer.send_to("evil.example", &request);
    assert_eq!(named_otherwise.json()["issuer"], issuer.url);
}

#[test]
fn rfc8414_2_every_url_that_it_names_answers() {
    let issuer = TestIssuer::shared();
    let metadata = issuer.send(&HttpRequest::get(OPENID)).json();
    let members = metadata.as_object().expect("an object");
    let urls = members
        .iter()
        .filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri"))
        .map(|(name, url)| (name, url.as_str().expect("a URL")));
    let mut named = BTreeSet::new();
    for (name, url) in urls {
        let path = url.strip_prefix(&issuer.url).expect("a URL of this issuer");
        let request = match name.as_str() {
            "jwks_uri"
            | "revocations_endpoint"
            | "authorization_endpoint"
            | "end_session_endpoint" => HttpRequest::get(path),
            _ => HttpRequest::post(path, ""),
        };
        let answer = issuer.send(&request);
        let content_type = answer.header("content-type").unwrap_or_default();
        let right = match name.as_str() {
            "jwks_uri" => answer.status == 200,
            "revocations_endpoint" => answer.status == 200 && content_type == "application/jose",
            // People come here, and are told in words.
            "authorization_endpoint" => {
                answer.status == 400 && content_type.starts_with("text/html")
            }
            "end_session_endpoint" => answer.status == 200 && content_type.starts_with("text/html"),
            // RFC 6750 §3.1.
            "userinfo_endpoint" => answer.status == 401 && answer.body == "{}",
            // Nothing is asked for: the endpoint itself says so.
            _ => matches!(answer.status, 400 | 401) && answer.json()["error"].is_string(),
        };
        assert!(right, "{name}: {} {}", answer.status, answer.body);
        named.insert(name.as_str());
    }
    let least = [
        "jwks_uri",
        "revocations_endpoint",
        "token_endpoint",
        "userinfo_endpoint",
    ];
    assert!(named.is_superset(&BTreeSet::from(least)));
}

#[test]
fn rfc8414_2_exactly_the_grant_types_that_it_names_are_served() {
    let issuer = TestIssuer::shared();
    let metadata = metadata(&issuer);
    let named = texts(&metadata["grant_types_supported"]);
    let client = issuer.register("grants", &[]);
    for grant_type in IANA_GRANT_TYPES {
        let body = format!("grant_type={grant_type}");
        let request = HttpRequest::post(TOKEN, body).by(&client);
        let answer = issuer.send(&request);
        let served = answer.json()["error"] != "unsupported_grant_type";
        let expected = named.contains(&grant_type.to_owned());
        assert_eq!(served, expected, "{grant_type}: {}", answer.body);
    }
    assert!(named.contains(&"client_credentials".to_owned()));
    assert_eq!(issuer.token(&client, "").status, 200);
}

/// OpenID Connect Discovery 1.0 §3.
#[test]
fn openid_discovery_3_it_has_what_every_provider_says() {
    let issuer = TestIssuer::shared();
    let metadata = issuer.send(&HttpRequest::get(OPENID)).json();
    for name in [
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "scopes_supported",
        "claims_supported",
    ] {
        assert!(metadata[name].is_array(), "{name}");
    }
    assert!(texts(&metadata["scopes_supported"]).contains(&"openid".to_owned()));
    let claims = texts(&metadata["claims_supported"]);
    for name in [
        "sub",
        "iss",
        "auth_time",
        "acr",
        "email",
        "updated_at",
        "phone_number_verified",
    ] {
        assert!(claims.contains(&name.to_owned()), "{name}");
    }
    let distinct: BTreeSet<_> = claims.iter().collect();
    assert_eq!(distinct.len(), claims.len(), "{claims:?}");
}

/// EdDSA has two names (RFC 9864 §2.2), in the header of an assertion as in a key set.
#[test]
fn rfc8414_2_every_signing_algorithm_that_it_names_is_accepted() {
    let issuer = TestIssuer::shared();
    let metadata = metadata(&issuer);
    let of = |endpoint: &str| {
        texts(&metadata[format!("{endpoint}_endpoint_auth_signing_alg_values_supported")])
    };
    let named = of("token");
    assert_eq!(named, SignatureAlgorithm::NAMES);
    assert_eq!(
        [of("revocation"), of("introspection")],
        [&named[..], &named]
    );
    for name in &named {
        let key = OwnKey::new(name.parse().expect("an algorithm"));
        let mut jwk = key.jwk();
        jwk["alg"] = name.as_str().into();
        let client = issuer.register_jwks("signs", &json!({ "keys": [jwk] }), &[]);
        let mut header = key.header();
        header["alg"] = name.as_str().into();
        let assertion = key.sign(&header, &assertion_claims(&client, &issuer.url));
        let form = [("grant_type", "client_credentials")];
        let request = HttpRequest::asserted(TOKEN, &form, &assertion);
        assert_eq!(issuer.send(&request).status, 200, "{name}");
    }
}

#[test]
fn rfc8414_2_every_authentication_method_that_it_names_works() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("methods", &[]);
    let metadata = metadata(&issuer);
    let named = texts(&metadata["token_endpoint_auth_methods_supported"]);
    for method in ["client_secret_basic", "client_secret_post"] {
        assert!(named.contains(&method.to_owned()), "{method}");
        assert_eq!(issuer.send(&authenticated(&client, method)).status, 200);
    }
    // What this scenario cannot do, the issuer may only name when it has a scenario of its own.
    for method in named {
        let of_secrets = ["client_secret_basic", "client_secret_post"];
        let known = [&of_secrets[..], &["private_key_jwt", "none"]].concat();
        assert!(known.contains(&method.as_str()), "{method}");
    }
}

#[test]
fn rfc9110_13_1_2_who_has_the_document_already_gets_304() {
    let issuer = TestIssuer::shared();
    for path in PUBLIC {
        let full = issuer.send(&HttpRequest::get(path));
        let etag = full.header("etag").expect("an ETag").to_owned();
        assert!(etag.len() > 2 && etag.starts_with('"') && etag.ends_with('"'));
        assert_eq!(full.header("cache-control"), Some("public, max-age=300"));
        let asked = |value: &str| HttpRequest::get(path).header("if-none-match", value);
        for value in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"other\", {etag}"),
            format!("{etag}, \"other\""),
            format!("W/\"a\",W/{etag} ,\"b\""),
            "*".to_owned(),
        ] {
            assert_not_modified(&issuer.send(&asked(&value)), &full, &value);
            let head = HttpRequest::new("HEAD", path).header("if-none-match", value.as_str());
            assert_not_modified(&issuer.send(&head), &full, &value);
        }
        let two_lines = asked("\"other\"").header("if-none-match", etag.as_str());
        if issuer.hears("two lines", &two_lines) {
            assert_not_modified(&issuer.send(&two_lines), &full, "two lines");
        }
        let bare = etag.trim_matches('"');
        for value in ["\"other\"", "W/\"other\"", bare, "\"*\"", ""] {
            let again = issuer.send(&asked(value));
            assert_eq!(again.status, 200, "{path} {value}");
            assert_eq!(again.body, full.body);
        }
        let conditional_post = HttpRequest::post(path, "").header("if-none-match", "*");
        assert_eq!(issuer.send(&conditional_post).status, 405);
    }
}

#[test]
fn rfc9110_9_3_2_head_is_get_without_a_body() {
    let issuer = TestIssuer::shared();
    for path in PUBLIC {
        let get = issuer.send(&HttpRequest::get(path));
        let head = issuer.send(&HttpRequest::new("HEAD", path));
        assert_eq!(head.status, 200);
        assert_eq!(head.body, "");
        assert_eq!(
            head.clone().comparable().headers,
            get.clone().comparable().headers
        );
        let length = get.body.len().to_string();
        assert_eq!(head.header("content-length"), Some(length.as_str()));
    }
}

#[test]
fn cors_every_origin_may_ask_without_credentials() {
    let issuer = TestIssuer::shared();
    for path in PUBLIC.into_iter().chain([TOKEN]) {
        let method = if path == TOKEN { "POST" } else { "GET" };
        let preflight = HttpRequest::new("OPTIONS", path)
            .header("origin", "https://app.example")
            .header("access-control-request-method", method)
            .header("access-control-request-headers", "authorization, dpop");
        let answer = issuer.send(&preflight);
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
        let listed = |name| {
            let list = answer.header(name).unwrap_or_default().split(", ");
            list.map(str::to_ascii_lowercase).collect::<Vec<_>>()
        };
        assert!(listed("access-control-allow-methods").contains(&method.to_ascii_lowercase()));
        for name in ["authorization", "content-type", "dpop"] {
            assert!(listed("access-control-allow-headers").contains(&name.to_owned()));
        }
        assert_readable(&answer);
        let simple = HttpRequest::new(method, path).header("origin", "https://app.example");
        assert_readable(&issuer.send(&simple));
    }
}

#[test]
fn rfc7517_5_the_key_set_has_public_members_only() {
    let issuer = TestIssuer::shared();
    let answer = issuer.send(&HttpRequest::get(JWKS));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let document = answer.json();
    let keys = document["keys"].as_array().expect("keys");
    for key in keys {
        let text = |name: &str| key[name].as_str().unwrap_or_default();
        let length = |name| URL_SAFE_NO_PAD.decode(text(name)).expect("base64url").len();
        let public = match text("kty") {
            "RSA" => {
                assert_eq!((length("n"), text("e")), (256, "AQAB"));
                assert!(["RS256", "PS256"].contains(&text("alg")));
                &["n", "e"][..]
            }
            "EC" => {
                assert_eq!((text("crv"), text("alg")), ("P-256", "ES256"));
                assert_eq!((length("x"), length("y")), (32, 32));
                &["crv", "x", "y"]
            }
            "OKP" => {
                assert_eq!((text("crv"), text("alg")), ("Ed25519", "EdDSA"));
                assert_eq!(length("x"), 32);
                &["crv", "x"]
            }
            other => panic!("a key of type {other:?}"),
        };
        assert_eq!(text("use"), "sig");
        assert_eq!(text("kid"), thumbprint(key, public));
        let names: BTreeSet<&str> = key
            .as_object()
            .expect("members")
            .keys()
            .map(|k| &**k)
            .collect();
        let allowed = [&["kty", "use", "alg", "kid"], public].concat();
        assert_eq!(names, BTreeSet::from_iter(allowed));
    }
    let algorithms = keys.iter().map(|key| key["alg"].as_str().expect("a name"));
    let distinct: BTreeSet<&str> = algorithms.clone().collect();
    let expected = BTreeSet::from(["ES256", "EdDSA", "PS256", "RS256"]);
    assert!(distinct.is_superset(&expected));
    let kids: BTreeSet<&str> = keys.iter().filter_map(|key| key["kid"].as_str()).collect();
    assert_eq!(kids.len(), keys.len(), "no key is published twice");
}

#[test]
fn rfc9110_15_5_6_another_method_is_405_with_allow() {
    let issuer = TestIssuer::shared();
    for path in PUBLIC {
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "get"] {
            let answer = issuer.send(&HttpRequest::new(method, path));
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
            assert_eq!(answer.json()["error"], "invalid_request");
            // The document may be cached; its refusal must not be.
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_readable(&answer);
        }
    }
}

fn metadata(issuer: &TestIssuer) -> Value {
    issuer.send(&HttpRequest::get(OAUTH)).json()
}

fn authenticated(client: &TestClient, method: &str) -> HttpRequest {
    let (id, secret) = (&client.id, client.secret());
    let grant = "grant_type=client_credentials";
    match method {
        "client_secret_basic" => HttpRequest::post(TOKEN, grant).basic(id, secret),
        _ => HttpRequest::post(
            TOKEN,
            format!("{grant}&client_id={id}&client_secret={secret}"),
        ),
    }
}

fn assert_not_modified(answer: &Answer, full: &Answer, asked: &str) {
    assert_eq!(answer.status, 304, "{asked}");
    assert_eq!(answer.body, "");
    // RFC 9110 §15.4.5: what a 200 would have sent of these.
    for name in ["etag", "cache-control", "access-control-allow-origin"] {
        assert_eq!(answer.header(name), full.header(name), "{name}");
    }
}

/// Whether a page of any origin may read the answer.
fn assert_readable(answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    // It has none of the headers that a script would have to be allowed to read.
    assert_eq!(answer.header("access-control-expose-headers"), None);
}

/// RFC 7638 §3: the hash of the required members in lexical order, without white space.
fn thumbprint(key: &Value, public: &[&str]) -> String {
    let mut names = [&["kty"], public].concat();
    names.sort_unstable();
    let members: Vec<String> = names
        .iter()
        .map(|name| format!("\"{name}\":{}", key[name]))
        .collect();
    let canonical = format!("{{{}}}", members.join(","));
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
}

fn texts(list: &Value) -> Vec<String> {
    let values = list.as_array().expect("a list").iter();
    values
        .map(|value| value.as_str().expect("a string").to_owned())
        .collect()
}

const OAUTH: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";
const JWKS: &str = "/.well-known/jwks.json";
const PUBLIC: [&str; 3] = [OAUTH, OPENID, JWKS];
const TOKEN: &str = "/oauth2/token";

/// The registry "OAuth Dynamic Client Registration: grant types", and what it leaves out.
const IANA_GRANT_TYPES: [&str; 11] = [
    "authorization_code",
    "client_credentials",
    "refresh_token",
    "password",
    "implicit",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
    "urn:openid:params:grant-type:ciba",
    "nonsense",
];
