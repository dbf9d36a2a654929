//! `private_key_jwt`: why an assertion is refused. The caller is told nothing of it, so each check has a test of
//! its own by the log: an assertion that is wrong in one way is refused for exactly that.

use serde_json::{Value, json};
use tokensmith_issuer::store::records::StoredJwks;
use tokensmith_tests::assertion::{CLIENT_ASSERTION, OwnKey, assertion_claims_at};
use tokensmith_tests::logged::{logged, tell};
use tokensmith_tests::{HttpRequest, InProcess, TestClient};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

/// An issuer with a client, and its key.
struct Signing {
    issuer: InProcess,
    client: TestClient,
    key: OwnKey,
}

/// An assertion, and the reason why it is refused: none if it is accepted.
type Row = (&'static str, String);

/// What an accepted assertion has in place of a reason.
const ACCEPTED: &str = "accepted";

impl Signing {
    async fn start() -> Self {
        let issuer = InProcess::start().await;
        let key = OwnKey::new(SignatureAlgorithm::ES256);
        let client = issuer.signing("signs", &key).await;
        Self {
            issuer,
            client,
            key,
        }
    }

    fn now(&self) -> i64 {
        i64::try_from(self.issuer.now().seconds()).expect("a time")
    }

    fn claims(&self) -> Value {
        let audience = self.issuer.config.issuer.as_str();
        assertion_claims_at(self.issuer.now().seconds(), &self.client, audience)
    }

    /// An assertion whose claims are good but for these; `null` takes one away.
    fn claiming(&self, reason: &'static str, changes: Value) -> Row {
        (reason, self.key.jwt(&changed(self.claims(), changes)))
    }

    /// An assertion whose header is good but for these members.
    fn headed(&self, reason: &'static str, changes: Value) -> Row {
        let header = changed(self.key.header(), changes);
        (reason, self.key.sign(&header, &self.claims()))
    }

    async fn ask(&self, assertion: &str) {
        let form = [("grant_type", "client_credentials")];
        self.issuer
            .post_asserted(paths::TOKEN, &form, assertion)
            .await;
    }
}

fn changed(mut object: Value, changes: Value) -> Value {
    let members = object.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.clone(), value.clone()),
        };
    }
    object
}

/// Sends the assertions that `rows` makes, and compares the reasons in the log.
async fn assert_reasons(rows: impl AsyncFnOnce(&Signing) -> Vec<Row>) {
    let scenario = async {
        let signing = Signing::start().await;
        for (number, (reason, assertion)) in rows(&signing).await.into_iter().enumerate() {
            tell(&format!("{number} {reason}"));
            signing.ask(&assertion).await;
        }
    };
    let Some(log) = logged(scenario).await else {
        return;
    };
    let lines = log.lines();
    let seen = lines.iter().enumerate().map(|(number, line)| {
        let reason = line["reason"].as_str().unwrap_or(ACCEPTED);
        format!("{number} {reason}")
    });
    assert_eq!(seen.collect::<Vec<_>>(), log.told);
}

#[tokio::test]
async fn rfc7523_3_each_claim_is_checked_up_to_its_limit() {
    assert_reasons(async |signing| {
        let (now, url) = (signing.now(), signing.issuer.config.issuer.as_str());
        let row = |reason, changes| signing.claiming(reason, changes);
        vec![
            row(ACCEPTED, json!({})),
            row("wrong_assertion_issuer", json!({ "iss": "other" })),
            row("wrong_assertion_issuer", json!({ "sub": "no client id" })),
            row("wrong_assertion_audience", json!({ "aud": [url] })),
            row(
                "wrong_assertion_audience",
                json!({ "aud": format!("{url}/") }),
            ),
            row(
                "wrong_assertion_audience",
                json!({ "aud": format!("{url}/oauth2/token") }),
            ),
            row("assertion_expired", json!({ "exp": now - 60 })),
            row(ACCEPTED, json!({ "exp": now - 59 })),
            row(
                "assertion_expired",
                json!({ "iat": now - 360, "exp": now + 600 }),
            ),
            row(ACCEPTED, json!({ "iat": now - 359, "exp": now + 600 })),
            row("assertion_not_yet_valid", json!({ "nbf": now + 61 })),
            row("assertion_not_yet_valid", json!({ "iat": now + 61 })),
            row(ACCEPTED, json!({ "iat": now + 60, "nbf": now + 60 })),
            row("assertion_lives_too_long", json!({ "exp": now + 3661 })),
            row(ACCEPTED, json!({ "exp": now + 3660 })),
            row(
                "assertion_lives_too_long",
                json!({ "iat": null, "exp": now + 361 }),
            ),
            row(
                ACCEPTED,
                json!({ "iat": null, "nbf": null, "exp": now + 360 }),
            ),
            row("assertion_without_id", json!({ "jti": null })),
            row("assertion_without_id", json!({ "jti": "" })),
            row("assertion_without_id", json!({ "jti": "j".repeat(257) })),
            row(ACCEPTED, json!({ "jti": "j".repeat(256) })),
        ]
    })
    .await;
}

#[tokio::test]
async fn rfc7523_3_what_is_not_the_claims_of_an_assertion_is_malformed() {
    assert_reasons(async |signing| {
        let malformed = |changes| signing.claiming("malformed_assertion", changes);
        let good = signing.key.jwt(&signing.claims());
        let mut rows: Vec<_> = ["iss", "sub", "aud", "exp"]
            .map(|name| malformed(json!({ name: null })))
            .into();
        rows.extend([
            malformed(json!({ "exp": "tomorrow" })),
            malformed(json!({ "exp": -5 })),
            malformed(json!({ "iat": 1e300 })),
            malformed(json!({ "nbf": true })),
            malformed(json!({ "jti": 7 })),
            ("malformed_assertion", "x".to_owned()),
            ("malformed_assertion", "a.b.c".to_owned()),
            ("malformed_assertion", format!("{good}.a.b")),
            (
                "malformed_assertion",
                signing.key.sign(&signing.key.header(), &json!("text")),
            ),
        ]);
        rows
    })
    .await;
}

/// RFC 8725 §3.1, §3.11.
#[tokio::test]
async fn rfc8725_3_the_header_and_the_signature_are_checked() {
    assert_reasons(async |signing| {
        let row = |reason, changes| signing.headed(reason, changes);
        let foreign = OwnKey::new(SignatureAlgorithm::ES256);
        let (header, claims) = (signing.key.header(), signing.claims());
        let good = signing.key.jwt(&claims);
        let (signed, _) = good.rsplit_once('.').expect("three parts");
        let long = changed(claims.clone(), json!({ "more": "m".repeat(8192) }));
        let expired = changed(claims.clone(), json!({ "exp": 1 }));
        vec![
            ("assertion_too_long", signing.key.jwt(&long)),
            row("unsupported_assertion_header", json!({ "crit": ["exp"] })),
            row(
                "unsupported_assertion_header",
                json!({ "jwk": foreign.jwk() }),
            ),
            row("wrong_assertion_type", json!({ "typ": "at+jwt" })),
            row("wrong_assertion_type", json!({ "typ": "dpop+jwt" })),
            row(
                "wrong_assertion_type",
                json!({ "typ": "oauth-authz-req+jwt" }),
            ),
            row(ACCEPTED, json!({ "typ": "client-authentication+jwt" })),
            row(ACCEPTED, json!({ "typ": null })),
            row("unknown_assertion_key", json!({ "kid": "unknown" })),
            row(ACCEPTED, json!({ "kid": null })),
            row("wrong_assertion_algorithm", json!({ "alg": "none" })),
            row("wrong_assertion_algorithm", json!({ "alg": "HS256" })),
            row("wrong_assertion_algorithm", json!({ "alg": "ES384" })),
            ("bad_assertion_signature", foreign.sign(&header, &claims)),
            ("bad_assertion_signature", format!("{signed}.AAAA")),
            ("bad_assertion_signature", format!("{signed}.")),
            // Whose claims nobody has signed is not told anything about them.
            ("bad_assertion_signature", foreign.sign(&header, &expired)),
        ]
    })
    .await;
}

#[tokio::test]
async fn rfc7521_4_2_the_client_and_the_use_of_an_assertion_are_checked() {
    assert_reasons(async |signing| {
        let Signing { issuer, key, .. } = signing;
        let secret = issuer.confidential("secret", |_| {}).await;
        let disabled = issuer.signing("disabled", key).await;
        issuer
            .change_client(&disabled, |client| client.disabled = true)
            .await;
        let unusable = issuer.signing("unusable", key).await;
        issuer
            .change_client(&unusable, |client| client.jwks = Some(unusable_keys()))
            .await;
        let used = signing.claiming(ACCEPTED, json!({})).1;
        let by = |client: &TestClient| key.assertion(client, issuer);
        vec![
            (ACCEPTED, used.clone()),
            ("credentials_used", used),
            ("unknown_client", by(&TestClient::public("nobody"))),
            ("wrong_authentication_method", by(&secret)),
            ("client_disabled", by(&disabled)),
            ("unusable_assertion_keys", by(&unusable)),
        ]
    })
    .await;
}

/// Keys that this release could not have stored.
fn unusable_keys() -> StoredJwks {
    serde_json::from_value(json!("{\"keys\": []}")).expect("a record")
}

#[tokio::test]
async fn rfc7521_4_2_an_assertion_has_its_type() {
    let scenario = async {
        let signing = Signing::start().await;
        let assertion = signing.key.jwt(&signing.claims());
        let saml = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer";
        for (reason, parameter) in [
            (
                "unsupported_authentication",
                ("client_assertion", assertion.as_str()),
            ),
            (
                "malformed_assertion",
                ("client_assertion_type", CLIENT_ASSERTION),
            ),
            (
                "unsupported_authentication",
                ("client_assertion_type", saml),
            ),
        ] {
            tell(reason);
            let form = [("grant_type", "client_credentials"), parameter];
            signing
                .issuer
                .send(&HttpRequest::form(paths::TOKEN, &form))
                .await;
        }
    };
    let Some(log) = logged(scenario).await else {
        return;
    };
    let lines = log.lines();
    let seen = lines.iter().map(|line| line["reason"].as_str());
    let told = log.told.iter().map(|reason| Some(reason.as_str()));
    assert!(seen.eq(told), "{}", log.stderr);
}
