//! `tokens.json`: good tokens, and tokens that are wrong in one respect each.

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tokensmith_verifier::Algorithm;

use super::format::{Bearer, Expression, Headers, Meaning, Outcome, Schemes, TokenCase, Tokens};
use super::keys::{Keys, signed, sorted};
use super::refusals::{lacks_scope, refused};
use crate::support::{AUDIENCE, Forger, ISSUER, START, base64url};

pub fn made(keys: &Keys) -> Tokens {
    let mut cases = Cases {
        keys,
        made: Vec::new(),
    };
    cases.good();
    cases.claims();
    cases.times();
    cases.audiences();
    cases.headers_of_tokens();
    cases.signatures();
    cases.forms();
    cases.bound();
    cases.exchanged();
    cases.scopes();
    cases.requests();
    cases.expressions();
    Tokens { cases: cases.made }
}

/// Claims of a valid token.
pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": START + 600, "iat": START, "jti": "token-1",
        "client_id": "app", "scope": "orders:read orders:write", "grant_id": "grant-1",
    })
}

/// The same, but for some members; null removes one.
pub fn claims_with(changes: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    claims
}

struct Cases<'a> {
    keys: &'a Keys,
    made: Vec<TokenCase>,
}

impl Cases<'_> {
    fn case(&mut self, name: &str, token: String, expected: Outcome) -> &mut Bearer {
        self.made.push(TokenCase::Token(Bearer {
            name: name.to_owned(),
            now: START,
            issuer: ISSUER.to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            required: String::new(),
            token,
            expected,
        }));
        match self.made.last_mut() {
            Some(TokenCase::Token(made)) => made,
            _ => unreachable!("it was just made"),
        }
    }

    fn bad(&mut self, name: &str, token: String, reason: &str) -> &mut Bearer {
        self.case(name, token, refused(reason, Schemes::Bearer))
    }

    fn token(&self, claims: &Value) -> String {
        let key = &self.keys.eddsa;
        signed(key, &key.header(), claims)
    }

    fn accepts(&mut self, name: &str, claims: Value) -> &mut Bearer {
        let token = self.token(&claims);
        self.case(name, token, Outcome::Accept { claims })
    }

    fn refuses(&mut self, name: &str, claims: &Value, reason: &str) -> &mut Bearer {
        let token = self.token(claims);
        self.bad(name, token, reason)
    }

    fn good(&mut self) {
        let keys = self.keys;
        for key in [&keys.rs256, &keys.ps256, &keys.es256, &keys.eddsa] {
            let token = signed(key, &key.header(), &claims());
            let expected = Outcome::Accept { claims: claims() };
            self.case(
                &format!("a good token, signed by {}", key.algorithm),
                token,
                expected,
            );
        }
        let of_client = json!({ "sub": "app", "grant_id": null, "scope": null });
        self.accepts(
            "of client_credentials, without grant and scope",
            claims_with(of_client),
        );
        let others =
            json!({ "tenant": "t-1", "roles": ["a", "b"], "nested": { "deep": [1, true, null] } });
        self.accepts(
            "claims that the verifier does not know are kept",
            claims_with(others),
        );
        self.accepts(
            "a name that is not ASCII",
            claims_with(json!({ "sub": "Zoë 🦀" })),
        );
    }

    fn claims(&mut self) {
        for (name, changes, reason) in [
            (
                "another issuer",
                json!({ "iss": "https://other.example" }),
                "wrong_issuer",
            ),
            (
                "the issuer with a slash",
                json!({ "iss": "https://issuer.example/" }),
                "wrong_issuer",
            ),
            ("no iss", json!({ "iss": null }), "malformed"),
            ("no sub", json!({ "sub": null }), "malformed"),
            ("no aud", json!({ "aud": null }), "malformed"),
            ("no exp", json!({ "exp": null }), "malformed"),
            ("no iat", json!({ "iat": null }), "malformed"),
            ("no jti", json!({ "jti": null }), "malformed"),
            ("no client_id", json!({ "client_id": null }), "malformed"),
            ("exp is text", json!({ "exp": "1800000600" }), "malformed"),
            ("exp is negative", json!({ "exp": -1 }), "malformed"),
            (
                "client_id is an array",
                json!({ "client_id": ["app"] }),
                "malformed",
            ),
            (
                "scope is an array",
                json!({ "scope": ["orders:read"] }),
                "malformed",
            ),
            (
                "grant_id is a number",
                json!({ "grant_id": 1 }),
                "malformed",
            ),
            ("sub is a number", json!({ "sub": 1 }), "malformed"),
            ("aud is a number", json!({ "aud": 1 }), "malformed"),
            (
                "aud has a number in it",
                json!({ "aud": [AUDIENCE, 1] }),
                "malformed",
            ),
        ] {
            self.refuses(name, &claims_with(changes), reason);
        }
    }

    fn times(&mut self) {
        let at = |exp: u64| claims_with(json!({ "exp": exp, "iat": START - 600 }));
        self.accepts("59 s after exp", at(START - 59));
        self.refuses("60 s after exp", &at(START - 60), "expired");
        self.accepts("iat 60 s ahead", claims_with(json!({ "iat": START + 60 })));
        self.refuses(
            "iat 61 s ahead",
            &claims_with(json!({ "iat": START + 61 })),
            "not_yet_valid",
        );
        self.accepts("nbf 60 s ahead", claims_with(json!({ "nbf": START + 60 })));
        self.refuses(
            "nbf 61 s ahead",
            &claims_with(json!({ "nbf": START + 61 })),
            "not_yet_valid",
        );
        self.accepts(
            "an hour later, but valid for two",
            claims_with(json!({ "exp": START + 7200 })),
        )
        .now = START + 3600;
        self.refuses("an hour later", &claims(), "expired").now = START + 3600;
    }

    fn audiences(&mut self) {
        let other = "https://other.example";
        for (name, aud) in [
            (
                "aud with this resource alone, as an array",
                json!([AUDIENCE]),
            ),
            (
                "aud with this resource among others",
                json!([other, AUDIENCE]),
            ),
            (
                "aud with the slash of an empty path",
                json!("https://api.example/"),
            ),
            (
                "aud with the slash, among others",
                json!([other, "https://api.example/"]),
            ),
        ] {
            self.accepts(name, claims_with(json!({ "aud": aud })));
        }
        for (name, aud) in [
            ("aud is another resource", json!(other)),
            (
                "aud has other resources only",
                json!([other, "https://api.example.org"]),
            ),
            ("aud is empty", json!([])),
            ("aud with two slashes", json!("https://api.example//")),
            ("aud with another case", json!("https://API.example")),
            (
                "aud with the default port",
                json!("https://api.example:443"),
            ),
            ("aud with a path", json!("https://api.example/v1")),
            ("aud with http", json!("http://api.example")),
        ] {
            self.refuses(name, &claims_with(json!({ "aud": aud })), "wrong_audience");
        }
        let path = |aud: &str| claims_with(json!({ "aud": aud }));
        self.accepts("a resource with a path", path("https://api.example/v1"))
            .audiences = vec!["https://api.example/v1".to_owned()];
        // The realm of its challenge is the first audience.
        let ours = vec![AUDIENCE.to_owned(), "https://second.example".to_owned()];
        self.accepts(
            "the second of two audiences",
            path("https://second.example"),
        )
        .audiences = ours.clone();
        self.refuses("neither of two audiences", &path(other), "wrong_audience")
            .audiences = ours;
        self.accepts("the audience has the slash, aud has not", claims())
            .audiences = vec!["https://api.example/".to_owned()];
    }

    fn with_header(&self, key: &Forger, changes: Value) -> String {
        let mut header = key.header();
        let members = header.as_object_mut().expect("an object");
        for (name, value) in changes.as_object().expect("an object") {
            match value {
                Value::Null => members.remove(name),
                value => members.insert(name.clone(), value.clone()),
            };
        }
        signed(key, &header, &claims())
    }

    fn headers_of_tokens(&mut self) {
        let keys = self.keys;
        for typ in ["AT+JWT", "application/at+jwt", "APPLICATION/at+JWT"] {
            let token = self.with_header(&keys.eddsa, json!({ "typ": typ }));
            self.case(
                &format!("typ {typ}"),
                token,
                Outcome::Accept { claims: claims() },
            );
        }
        let token = self.with_header(&keys.eddsa, json!({ "x5t": "AA", "cty": "x" }));
        let expected = Outcome::Accept { claims: claims() };
        self.case(
            "header members that the verifier does not know",
            token,
            expected,
        );
        for (name, changes, reason) in [
            ("typ JWT", json!({ "typ": "JWT" }), "wrong_type"),
            (
                "typ of a feed document",
                json!({ "typ": "tokensmith-revocations+jwt" }),
                "wrong_type",
            ),
            (
                "typ of an ID token: none",
                json!({ "typ": null }),
                "wrong_type",
            ),
            ("no kid", json!({ "kid": null }), "unknown_key"),
            (
                "a kid that is not published",
                json!({ "kid": "../../etc/passwd" }),
                "unknown_key",
            ),
            ("crit", json!({ "crit": ["exp"] }), "unsupported_header"),
            (
                "a key in the header",
                json!({ "jwk": keys.eddsa.jwk }),
                "unsupported_header",
            ),
            ("no alg", json!({ "alg": null }), "malformed"),
            ("alg is an array", json!({ "alg": ["EdDSA"] }), "malformed"),
            ("alg none", json!({ "alg": "none" }), "wrong_algorithm"),
            ("alg is empty", json!({ "alg": "" }), "wrong_algorithm"),
            (
                "alg of another key",
                json!({ "alg": "ES256" }),
                "wrong_algorithm",
            ),
            (
                "alg Ed25519, which the issuer never says",
                json!({ "alg": "Ed25519" }),
                "wrong_algorithm",
            ),
            (
                "alg in lower case",
                json!({ "alg": "eddsa" }),
                "wrong_algorithm",
            ),
        ] {
            let token = self.with_header(&keys.eddsa, changes);
            self.bad(name, token, reason);
        }
        for (key, alg) in [
            (&keys.rs256, "PS256"),
            (&keys.ps256, "RS256"),
            (&keys.rs256, "RS512"),
            (&keys.es256, "ES384"),
        ] {
            let token = self.with_header(key, json!({ "alg": alg }));
            self.bad(
                &format!("alg {alg} with a key for {}", key.algorithm),
                token,
                "wrong_algorithm",
            );
        }
        for kid in Keys::UNUSABLE {
            let token = self.with_header(&keys.stranger, json!({ "kid": kid }));
            self.bad(
                &format!("by a published key that is not used: {kid}"),
                token,
                "unknown_key",
            );
        }
        let (key, x) = ("shared-secret", keys.stranger.public_bytes()[0].clone());
        let token = self.hmac(&json!({ "alg": "HS256", "typ": "at+jwt", "kid": key }), &x);
        self.bad(
            "HS256 with a secret that stands in the key set",
            token,
            "unknown_key",
        );
        let token = self.with_header(&keys.stranger, json!({ "jwk": keys.stranger.jwk }));
        self.bad(
            "by a stranger, with the key in the header",
            token,
            "unsupported_header",
        );
    }

    fn hmac(&self, header: &Value, secret: &[u8]) -> String {
        let signed = format!(
            "{}.{}",
            base64url(sorted(header).as_bytes()),
            base64url(sorted(&claims()).as_bytes())
        );
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            signed.as_bytes(),
        );
        format!("{signed}.{}", base64url(tag.as_ref()))
    }

    fn signatures(&mut self) {
        let keys = self.keys;
        let token = signed(&keys.stranger, &keys.stranger.header(), &claims());
        self.bad("by a key that is not published", token, "unknown_key");
        for key in [&keys.rs256, &keys.ps256, &keys.es256, &keys.eddsa] {
            let algorithm = key.algorithm;
            let good = signed(key, &key.header(), &claims());
            let (unsigned, signature) = good.rsplit_once('.').expect("three parts");
            self.bad(
                &format!("{algorithm} without a signature"),
                format!("{unsigned}."),
                "bad_signature",
            );
            let admin = claims_with(json!({ "scope": "admin" }));
            let other = format!(
                "{}.{}",
                base64url(sorted(&key.header()).as_bytes()),
                base64url(sorted(&admin).as_bytes())
            );
            self.bad(
                &format!("{algorithm} with other claims"),
                format!("{other}.{signature}"),
                "bad_signature",
            );
            for (form, secret) in ["raw", "DER", "JWK"].into_iter().zip(key.public_bytes()) {
                let mut header = key.header();
                let token = self.hmac(&header, &secret);
                self.bad(
                    &format!("{algorithm}, but an HMAC with the public key ({form})"),
                    token,
                    "bad_signature",
                );
                header["alg"] = json!("HS256");
                let token = self.hmac(&header, &secret);
                self.bad(
                    &format!("HS256 with the {algorithm} key as the secret ({form})"),
                    token,
                    "wrong_algorithm",
                );
            }
        }
        let forged = signed(&keys.stranger, &keys.eddsa.header(), &claims());
        self.bad(
            "EdDSA by another key of that algorithm",
            forged,
            "bad_signature",
        );
        let other = Forger::fixed(Algorithm::RS256, include_bytes!("private/ps256.der"));
        let forged = signed(&other, &keys.rs256.header(), &claims());
        self.bad("RS256 by another RSA key", forged, "bad_signature");
        // RFC 7518 §3.4: r and s side by side, not DER.
        let (good, zeros) = (
            signed(&keys.es256, &keys.es256.header(), &claims()),
            base64url(&[0; 64]),
        );
        let (unsigned, _) = good.rsplit_once('.').expect("three parts");
        self.bad(
            "ES256 with a signature of zeros",
            format!("{unsigned}.{zeros}"),
            "bad_signature",
        );
    }

    fn forms(&mut self) {
        let key = &self.keys.eddsa;
        let good = self.token(&claims());
        let (unsigned, signature) = good.rsplit_once('.').expect("three parts");
        let (header, payload) = unsigned.split_once('.').expect("two parts");
        let (as_text, bytes) = (sorted(&key.header()), sorted(&claims()));
        for (name, token) in [
            ("one part", "token".to_owned()),
            ("two parts", unsigned.to_owned()),
            ("four parts", format!("{good}.{signature}")),
            ("a dot at the end", format!("{good}.")),
            ("three empty parts", "..".to_owned()),
            ("an empty header", format!(".{payload}.{signature}")),
            ("padding", format!("{good}==")),
            (
                "base64 that is not base64url",
                format!("{header}.{payload}.{signature}+/"),
            ),
            (
                "unused bits of the last character of the signature are set",
                with_unused_bits(&good),
            ),
            (
                "the header is an array",
                key.sign_bytes(b"[]", bytes.as_bytes()),
            ),
            (
                "the header is text",
                key.sign_bytes(b"\"EdDSA\"", bytes.as_bytes()),
            ),
            (
                "the header is not JSON",
                key.sign_bytes(b"{", bytes.as_bytes()),
            ),
            (
                "the claims are an array",
                key.sign_bytes(as_text.as_bytes(), b"[]"),
            ),
            (
                "the claims are not JSON",
                key.sign_bytes(as_text.as_bytes(), b"not JSON"),
            ),
            (
                "the claims are not UTF-8",
                key.sign_bytes(as_text.as_bytes(), b"{\"iss\":\"\xff\xfe\"}"),
            ),
            (
                "something follows the claims",
                key.sign_bytes(as_text.as_bytes(), format!("{bytes}x").as_bytes()),
            ),
            ("no claims at all", key.sign_bytes(as_text.as_bytes(), b"")),
        ] {
            self.bad(name, token, "malformed");
        }
        let long = |length: usize| claims_with(json!({ "padding": "x".repeat(length) }));
        let fits = (5000..6000)
            .map(long)
            .find(|claims| self.token(claims).len() == 8192);
        self.accepts("8,192 bytes", fits.expect("some length fits"));
        let claims = (5000..6000)
            .map(long)
            .find(|claims| self.token(claims).len() > 8192);
        self.refuses(
            "a little more than 8,192 bytes",
            &claims.expect("some length is too much"),
            "too_long",
        );
    }

    fn bound(&mut self) {
        let jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        self.refuses(
            "bound to a key",
            &claims_with(json!({ "cnf": { "jkt": jkt } })),
            "bound_to_key",
        );
        for (name, cnf) in [
            (
                "bound in a way that the verifier does not know",
                json!({ "x5t#S256": jkt }),
            ),
            ("bound in two ways", json!({ "jkt": jkt, "x5t#S256": jkt })),
            ("cnf is empty", json!({})),
            ("cnf is text", json!(jkt)),
            ("jkt is a number", json!({ "jkt": 1 })),
        ] {
            self.refuses(name, &claims_with(json!({ "cnf": cnf })), "malformed");
        }
        let mut null = claims();
        null["cnf"] = Value::Null;
        self.refuses("cnf is null", &null, "malformed");
    }

    fn exchanged(&mut self) {
        let parent = json!({ "jti": "t", "client_id": "app", "grant_id": "g", "kid": "old" });
        let act = json!({ "sub": "api", "act": { "sub": "bob" } });
        let of_all = json!({ "act": act, "parents": [{ "key": "k" }, parent, { "jti": "u", "client_id": "api" }] });
        self.accepts("exchanged for a token and an API key", claims_with(of_all));
        for (name, parent) in [
            (
                "a parent with a member that the verifier does not know",
                json!({ "jti": "t", "client_id": "app", "epoch": 1 }),
            ),
            (
                "a parent of a kind that the verifier does not know",
                json!({ "certificate": "x" }),
            ),
            (
                "an API key with a member more",
                json!({ "key": "k", "epoch": 1 }),
            ),
            ("a parent without client_id", json!({ "jti": "t" })),
            ("an empty parent", json!({})),
            ("a parent is text", json!("t")),
        ] {
            self.refuses(
                name,
                &claims_with(json!({ "parents": [parent] })),
                "malformed",
            );
        }
        self.refuses(
            "parents is an object",
            &claims_with(json!({ "parents": { "key": "k" } })),
            "malformed",
        );
        self.refuses(
            "act without sub",
            &claims_with(json!({ "act": {} })),
            "malformed",
        );
        self.refuses(
            "act is text",
            &claims_with(json!({ "act": "api" })),
            "malformed",
        );
    }

    /// The token has `orders:read` and `orders:write`.
    fn scopes(&mut self) {
        for required in [
            "orders:read",
            "orders:read & orders:write",
            "admin | orders:write",
            "",
        ] {
            let name = format!("has the scopes of `{required}`");
            self.accepts(&name, claims()).required = required.to_owned();
        }
        for (required, sufficient) in [
            ("admin", "admin"),
            ("orders:read & admin", "orders:read admin"),
            ("(admin | root) & orders:read", "admin orders:read"),
            ("orders", "orders"),
            ("Orders:read", "Orders:read"),
            ("\"a|b\" & orders:read", "a|b orders:read"),
        ] {
            let (token, lacks) = (
                self.token(&claims()),
                lacks_scope(sufficient, Schemes::Bearer),
            );
            let name = format!("lacks the scopes of `{required}`");
            self.case(&name, token, lacks).required = required.to_owned();
        }
        let none = claims_with(json!({ "scope": null }));
        let (token, lacks) = (self.token(&none), lacks_scope("admin", Schemes::Bearer));
        self.case("no scope at all", token, lacks).required = "admin".to_owned();
        self.refuses(
            "expired, and lacks a scope",
            &claims_with(json!({ "exp": START - 60 })),
            "expired",
        )
        .required = "admin".to_owned();
    }

    fn requests(&mut self) {
        let good = self.token(&claims());
        let accepted = || Outcome::Accept { claims: claims() };
        let as_is = |header: &str| vec![header.to_owned()];
        self.request(
            "the scheme ignores case",
            as_is(&format!("bEARER {good}")),
            accepted(),
        );
        self.request(
            "spaces around the token",
            as_is(&format!("  Bearer   {good} ")),
            accepted(),
        );
        let of = |reason| refused(reason, Schemes::Bearer);
        self.request("no Authorization", vec![], of("no_token"));
        for header in ["", "Basic YTpi", "Bearerx a", "a.b.c", "DPoP a.b.c"] {
            self.request(
                &format!("no bearer token: `{header}`"),
                as_is(header),
                of("no_token"),
            );
        }
        for rest in [
            "",
            " ",
            " =",
            " a b",
            " a,b",
            " a=b",
            " é",
            " \"a\"",
            " a, Bearer b",
            " \ta\tb",
        ] {
            let header = format!("Bearer{rest}");
            self.request(
                &format!("no b64token: `{header}`"),
                as_is(&header),
                of("malformed_header"),
            );
        }
        for (name, second) in [
            ("the same twice", format!("Bearer {good}")),
            ("with another", "Basic YTpi".to_owned()),
        ] {
            let both = vec![format!("Bearer {good}"), second];
            self.request(
                &format!("a repeated header: {name}"),
                both,
                of("repeated_header"),
            );
        }
        let long = format!("Bearer {}", "a".repeat(8193));
        self.request(
            "8,193 characters that are no token",
            as_is(&long),
            of("too_long"),
        );
    }

    fn request(&mut self, name: &str, authorization: Vec<String>, expected: Outcome) {
        self.made.push(TokenCase::Headers(Headers {
            name: name.to_owned(),
            now: START,
            issuer: ISSUER.to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            required: String::new(),
            authorization,
            expected,
        }));
    }

    fn expressions(&mut self) {
        let met = |sufficient: &str| Meaning::Met {
            sufficient: sufficient.to_owned(),
        };
        let not_met = |sufficient: &str| Meaning::NotMet {
            sufficient: sufficient.to_owned(),
        };
        for (expression, granted, meaning) in [
            ("", &[][..], met("")),
            ("   ", &[], met("")),
            ("a", &["a"], met("a")),
            ("a", &["b"], not_met("a")),
            ("a", &["A"], not_met("a")),
            ("a & b", &["a", "b"], met("a b")),
            ("a&b", &["a"], not_met("a b")),
            ("a | b", &["b"], met("a")),
            ("a|b", &[], not_met("a")),
            ("a & b | c", &["c"], met("a b")),
            ("a & b | c", &["a"], not_met("a b")),
            ("a | b & c", &["a"], met("a")),
            ("a | b & c", &["c"], not_met("a")),
            ("a & (b | c)", &["a", "c"], met("a b")),
            ("a & (b | c)", &["c"], not_met("a b")),
            ("(a | b) & (a | c)", &["b", "c"], met("a")),
            ("((a))", &["a"], met("a")),
            ("a & a", &["a"], met("a")),
            ("\"a&b\" | c", &["a&b"], met("a&b")),
            ("\"a\"&\"b\"", &["a", "b"], met("a b")),
            (
                "urn:example:x/y.z_~+-*",
                &["urn:example:x/y.z_~+-*"],
                met("urn:example:x/y.z_~+-*"),
            ),
        ] {
            self.expression(expression, granted, meaning);
        }
        let (deep, deeper) = (
            "(".repeat(16) + "a" + &")".repeat(16),
            "(".repeat(17) + "a" + &")".repeat(17),
        );
        self.expression(&deep, &["a"], met("a"));
        for (expression, reason) in [
            ("&", "missing_scope"),
            ("a &", "missing_scope"),
            ("a | | b", "missing_scope"),
            ("()", "missing_scope"),
            ("\"\"", "missing_scope"),
            ("a b", "missing_operator"),
            ("a (b)", "missing_operator"),
            ("(a b)", "missing_operator"),
            ("(a", "unbalanced"),
            ("a)", "unbalanced"),
            ("\"a", "unbalanced"),
            ("a\\b", "forbidden_character"),
            ("é", "forbidden_character"),
            ("a\tb", "forbidden_character"),
            ("\"a b\"", "forbidden_character"),
            (&deeper, "too_deep"),
        ] {
            self.expression(
                expression,
                &[],
                Meaning::Invalid {
                    reason: reason.to_owned(),
                },
            );
        }
    }

    fn expression(&mut self, expression: &str, granted: &[&str], expected: Meaning) {
        self.made.push(TokenCase::Expression(Expression {
            name: format!("`{expression}` with `{}`", granted.join(" ")),
            expression: expression.to_owned(),
            granted: granted.iter().map(|scope| (*scope).to_owned()).collect(),
            expected,
        }));
    }
}

/// A second spelling of the same bytes, which a lenient decoder takes (RFC 4648 §3.5). The last character of a signature of
/// 64 bytes has four bits that mean nothing.
fn with_unused_bits(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    let next = match last {
        "A" => "B",
        "Q" => "R",
        "g" => "h",
        "w" => "x",
        other => panic!("{other} is no last character of 64 bytes"),
    };
    format!("{rest}{next}")
}
