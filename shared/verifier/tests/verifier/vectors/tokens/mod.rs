//! `tokens.json`: good tokens, and tokens that are wrong in one respect each.

mod forms;
mod requests;

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
}
