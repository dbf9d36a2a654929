//! Tokens that are bound to a key, at a resource server (RFC 9449 §7).

use std::convert::Infallible;

use http::{Request, Response};
use serde_json::{Value, json};
use tokensmith_verifier::dpop::{DpopRejection, token_hash};
use tokensmith_verifier::{
    Algorithm, BearerLayer, ProtectedRequest, Refusal, Rejection, RequiredScopes, VerifiedClaims,
};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{AUDIENCE, Forger, World, base64url};

const URL: &str = "https://api.example/orders";

/// A resource server, the issuer's key, a client's key, and a token that is bound to it.
struct Bound {
    world: World,
    client: Forger,
    token: String,
}

impl Bound {
    fn new() -> Self {
        Self::configured(Algorithm::ES256, |builder| builder.dpop())
    }

    fn configured(
        algorithm: Algorithm,
        configure: impl FnOnce(
            tokensmith_verifier::VerifierBuilder,
        ) -> tokensmith_verifier::VerifierBuilder,
    ) -> Self {
        let (issuer, client) = (
            Forger::generate(Algorithm::EdDSA),
            Forger::generate(algorithm),
        );
        let world = World::configured(&[&issuer], configure);
        let mut claims = world.claims();
        claims["cnf"] = json!({ "jkt": client.kid });
        let token = issuer.token(&claims);
        Self {
            world,
            client,
            token,
        }
    }

    fn claims(&self) -> Value {
        json!({
            "jti": "proof-1", "htm": "GET", "htu": URL, "iat": self.world.now(),
            "ath": token_hash(&self.token),
        })
    }

    /// A good proof, but for this claim.
    fn proof_with(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[name] = value;
        proof(&self.client, &claims)
    }

    async fn ask(&self, proofs: &[&str]) -> Result<VerifiedClaims, Refusal> {
        let authorization = format!("DPoP {}", self.token);
        self.ask_as(&authorization, proofs).await
    }

    async fn ask_as(
        &self,
        authorization: &str,
        proofs: &[&str],
    ) -> Result<VerifiedClaims, Refusal> {
        let request = ProtectedRequest {
            method: "GET",
            url: URL,
            authorization: vec![authorization.as_bytes()],
            dpop: proofs.iter().map(|proof| proof.as_bytes()).collect(),
        };
        let verifier = &self.world.verifier;
        verifier
            .authorize_request(&request, &RequiredScopes::default())
            .await
    }
}

fn proof(key: &Forger, claims: &Value) -> String {
    let header = json!({ "typ": "dpop+jwt", "alg": key.algorithm, "jwk": key.jwk });
    key.sign(&header, claims)
}

#[tokio::test]
async fn rfc9449_4_3_a_bound_token_with_a_proof_is_accepted_once() {
    for algorithm in Algorithm::ALL {
        let bound = Bound::configured(algorithm, |builder| builder.dpop());
        let good = proof(&bound.client, &bound.claims());
        let claims = bound.ask(&[&good]).await.expect("accepted");
        assert_eq!(claims.subject(), "alice");
        let again = bound.ask(&[&good]).await;
        assert_eq!(again, Err(DpopRejection::Replayed.into()), "{algorithm}");
        bound.world.pass(1);
        let another = bound.proof_with("jti", json!("proof-2"));
        assert!(bound.ask(&[&another]).await.is_ok());
    }
}

/// A proof is remembered for as long as it could be sent again, and not for ever.
#[tokio::test]
async fn rfc9449_11_1_a_proof_is_remembered_while_it_could_be_replayed() {
    let bound = Bound::new();
    let at = |iat: u64| bound.proof_with("iat", json!(iat));
    let now = bound.world.now();
    let ahead = at(now + 60);
    assert!(bound.ask(&[&ahead]).await.is_ok());
    for second in [1, 60, 119, 120] {
        bound.world.pass(now + second - bound.world.now());
        let again = bound.ask(&[&ahead]).await;
        assert_eq!(again, Err(DpopRejection::Replayed.into()), "{second}");
    }
    bound.world.pass(1);
    assert_eq!(
        bound.ask(&[&ahead]).await,
        Err(DpopRejection::TooOld.into())
    );
}

#[tokio::test]
async fn rfc9449_4_3_each_bad_proof_is_refused_and_uses_up_nothing() {
    let bound = Bound::new();
    let thief = Forger::generate(Algorithm::ES256);
    let good = proof(&bound.client, &bound.claims());
    let now = bound.world.now();
    let header = |changes: Value| {
        let mut header = json!({
            "typ": "dpop+jwt", "alg": bound.client.algorithm, "jwk": bound.client.jwk,
        });
        for (name, value) in changes.as_object().expect("an object") {
            header[name] = value.clone();
        }
        bound.client.sign(&header, &bound.claims())
    };
    for (expected, bad) in [
        (
            DpopRejection::WrongMethod,
            bound.proof_with("htm", json!("POST")),
        ),
        (
            DpopRejection::WrongUrl,
            bound.proof_with("htu", json!("https://api.evil/orders")),
        ),
        (
            DpopRejection::WrongTokenHash,
            bound.proof_with("ath", json!(token_hash("x"))),
        ),
        (
            DpopRejection::WrongTokenHash,
            bound.proof_with("ath", Value::Null),
        ),
        (
            DpopRejection::TooOld,
            bound.proof_with("iat", json!(now - 61)),
        ),
        (
            DpopRejection::FromTheFuture,
            bound.proof_with("iat", json!(now + 61)),
        ),
        (
            DpopRejection::MalformedProof,
            bound.proof_with("jti", Value::Null),
        ),
        (DpopRejection::MalformedProof, "a.b.c".to_owned()),
        (
            DpopRejection::WrongProofType,
            header(json!({ "typ": "JWT" })),
        ),
        (
            DpopRejection::WrongAlgorithm,
            header(json!({ "alg": "HS256" })),
        ),
        (
            DpopRejection::WrongAlgorithm,
            header(json!({ "alg": "none" })),
        ),
        (
            DpopRejection::UnusableKey,
            header(json!({ "jwk": { "kty": "oct", "k": "AA" } })),
        ),
        (
            DpopRejection::UnusableKey,
            header(json!({ "jwk": { "kty": "RSA", "e": "AQAB", "n": base64url(&[0xff; 513]) } })),
        ),
        (
            DpopRejection::BadSignature,
            header(json!({ "jwk": thief.jwk })),
        ),
        (DpopRejection::AnotherKey, proof(&thief, &bound.claims())),
    ] {
        assert_eq!(
            bound.ask(&[&bad]).await,
            Err(expected.into()),
            "{expected:?}"
        );
    }
    assert_eq!(
        bound.ask(&[]).await,
        Err(DpopRejection::MissingProof.into())
    );
    let twice = bound.ask(&[&good, &good]).await;
    assert_eq!(twice, Err(DpopRejection::RepeatedProof.into()));
    assert!(bound.ask(&[&good]).await.is_ok());
}

#[tokio::test]
async fn invariant_13_a_bound_token_is_no_bearer_token_whatever_is_sent_with_it() {
    let bound = Bound::new();
    let good = proof(&bound.client, &bound.claims());
    let bearer = format!("Bearer {}", bound.token);
    let refused = Err(Rejection::BoundToKey.into());
    assert_eq!(bound.ask_as(&bearer, &[]).await, refused);
    assert_eq!(bound.ask_as(&bearer, &[&good]).await, refused);
    assert_eq!(
        bound.world.verify(&bound.token).await,
        Err(Rejection::BoundToKey.into())
    );
    let values = [bearer.as_bytes()];
    let verifier = &bound.world.verifier;
    let authorized = verifier.authorize(values, &RequiredScopes::default()).await;
    assert_eq!(authorized, refused);
    // A verifier that checks no proofs takes no such token at all.
    let plain = Bound::configured(Algorithm::ES256, |builder| builder);
    let good = proof(&plain.client, &plain.claims());
    assert_eq!(plain.ask(&[&good]).await, Err(Refusal::NoToken));
    assert_eq!(
        plain.world.verify(&plain.token).await,
        Err(Rejection::BoundToKey.into())
    );
}

#[tokio::test]
async fn rfc9449_7_2_unbound_tokens_are_accepted_as_bearer_tokens_unless_told_otherwise() {
    let issuer = Forger::generate(Algorithm::EdDSA);
    for (only, accepted) in [(false, true), (true, false)] {
        let world = World::configured(&[&issuer], |builder| match only {
            true => builder.dpop_only(),
            false => builder.dpop(),
        });
        let bearer = format!("Bearer {}", world.token(&issuer));
        let any = RequiredScopes::default();
        let authorized = world.verifier.authorize([bearer.as_bytes()], &any).await;
        assert_eq!(authorized.is_ok(), accepted);
    }
}

#[tokio::test]
async fn an_unknown_confirmation_is_no_token_that_anybody_can_check() {
    let issuer = Forger::generate(Algorithm::EdDSA);
    let world = World::new(&[&issuer]);
    for cnf in [
        json!({ "x5t#S256": "x" }),
        json!({}),
        json!("x"),
        json!({ "jkt": 1 }),
        Value::Null,
    ] {
        let mut claims = world.claims();
        claims["cnf"] = cnf;
        let token = issuer.token(&claims);
        assert_eq!(world.verify(&token).await, Err(Rejection::Malformed.into()));
    }
}

#[tokio::test]
async fn rfc9449_7_1_a_layer_challenges_for_both_kinds_of_tokens() {
    let bound = Bound::new();
    let layer = BearerLayer::new(bound.world.verifier.clone()).at("https://api.example/");
    let service = layer.layer(service_fn(async |request: Request<String>| {
        let claims = request.extensions().get::<VerifiedClaims>();
        let subject = claims.expect("the layer inserts them").subject().to_owned();
        Ok::<_, Infallible>(Response::new(subject))
    }));
    let ask = async |headers: &[(&str, &str)]| {
        let mut request = Request::get("/orders?a=b");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(String::new()).expect("a request");
        let answer = service.clone().oneshot(request).await.expect("infallible");
        let challenge = answer.headers().get("www-authenticate");
        let challenge = challenge.map(|value| value.to_str().expect("text").to_owned());
        (answer.status().as_u16(), challenge.unwrap_or_default())
    };
    let algorithms = "algs=\"ES256 EdDSA Ed25519 PS256 RS256 ES384\"";
    let plain = format!("DPoP realm=\"{AUDIENCE}\", {algorithms}, Bearer realm=\"{AUDIENCE}\"");
    assert_eq!(ask(&[]).await, (401, plain));

    let authorization = format!("DPoP {}", bound.token);
    let (status, challenge) = ask(&[("authorization", &authorization)]).await;
    assert_eq!(status, 401);
    let expected = format!(
        "DPoP realm=\"{AUDIENCE}\", error=\"invalid_dpop_proof\", error_description=\"a DPoP proof is needed\", {algorithms}, Bearer realm=\"{AUDIENCE}\""
    );
    assert_eq!(challenge, expected);

    let good = proof(&bound.client, &bound.claims());
    let headers = [("authorization", authorization.as_str()), ("dpop", &good)];
    assert_eq!(ask(&headers).await, (200, String::new()));

    let bearer = format!("Bearer {}", bound.token);
    let (status, challenge) = ask(&[("authorization", &bearer)]).await;
    assert_eq!(status, 401);
    assert!(challenge.contains("Bearer realm=\"https://api.example\", error=\"invalid_token\""));
}
