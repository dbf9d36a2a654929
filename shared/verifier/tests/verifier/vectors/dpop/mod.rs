//! `dpop.json`: requests with bound tokens and proofs, good and wrong in one respect each.

mod proofs;
mod sent;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tokensmith_verifier::dpop::token_hash;
use tokensmith_verifier::{Algorithm, Jwk, KeyId};

use super::format::{Dpop, DpopCase, Outcome, Request, Requests, Schemes};
use super::keys::{Keys, signed, sorted};
use super::refusals::{lacks_scope, refused};
use super::tokens::{claims, claims_with};
use crate::support::{AUDIENCE, Forger, ISSUER, START, base64url};

const URL: &str = "https://api.example/orders";

pub fn made(keys: &Keys) -> Dpop {
    let client = Forger::fixed(
        Algorithm::ES256,
        include_bytes!("../private/client-es256.der"),
    );
    let claims = claims_with(json!({ "cnf": { "jkt": client.kid } }));
    let token = signed(&keys.eddsa, &keys.eddsa.header(), &claims);
    let mut cases = Cases {
        keys,
        client,
        claims,
        token,
        made: Vec::new(),
    };
    cases.good();
    cases.other_algorithms();
    cases.urls();
    cases.claims_of_proofs();
    cases.headers_of_proofs();
    cases.sent_otherwise();
    cases.tokens();
    cases.replays();
    Dpop { cases: cases.made }
}

struct Cases<'a> {
    keys: &'a Keys,
    client: Forger,
    claims: Value,
    token: String,
    made: Vec<DpopCase>,
}

impl Cases<'_> {
    fn case(&mut self, name: &str, requests: Vec<Request>) -> &mut Requests {
        self.made.push(DpopCase::Requests(Requests {
            name: name.to_owned(),
            issuer: ISSUER.to_owned(),
            audiences: vec![AUDIENCE.to_owned()],
            schemes: Schemes::DpopAndBearer,
            required: String::new(),
            requests,
        }));
        match self.made.last_mut() {
            Some(DpopCase::Requests(made)) => made,
            None => unreachable!("it was just made"),
        }
    }

    /// A good request, but for this proof.
    fn request(&self, proof: String, expected: Outcome) -> Request {
        Request {
            now: START,
            method: "GET".to_owned(),
            url: URL.to_owned(),
            authorization: vec![format!("DPoP {}", self.token)],
            dpop: vec![proof],
            expected,
        }
    }

    fn proof_claims(&self) -> Value {
        json!({ "jti": "proof-1", "htm": "GET", "htu": URL, "iat": START, "ath": token_hash(&self.token) })
    }

    fn good_proof(&self) -> String {
        signed(&self.client, &header(&self.client), &self.proof_claims())
    }

    fn accepted(&self) -> Outcome {
        Outcome::Accept {
            claims: self.claims.clone(),
        }
    }

    fn good(&mut self) {
        let request = self.request(self.good_proof(), self.accepted());
        self.case("a bound token with its proof", vec![request]);
        let mut request = self.request(self.good_proof(), self.accepted());
        request.authorization = vec![format!("dpop  {}", self.token)];
        request.dpop = vec![format!(" {} ", self.good_proof())];
        self.case(
            "the scheme ignores case, and spaces around the proof do not matter",
            vec![request],
        );
        let mut request = self.request(self.good_proof(), self.accepted());
        request.url = format!("{URL}?a=b#c");
        self.case(
            "query and fragment of the request do not matter",
            vec![request],
        );
        let request = self.request(self.good_proof(), self.accepted());
        self.case("a server that takes bound tokens only", vec![request])
            .schemes = Schemes::Dpop;
        let lacks = lacks_scope("admin", Schemes::DpopAndBearer);
        let request = self.request(self.good_proof(), lacks);
        self.case("a scope is missing", vec![request]).required = "admin".to_owned();
    }

    fn other_algorithms(&mut self) {
        let ed25519 = Forger::fixed(Algorithm::EdDSA, &[9; 32]);
        let keys = self.keys;
        for key in [&ed25519, &keys.rs256, &keys.ps256] {
            self.bound_to(&key.kid, key.algorithm.as_str(), |claims| {
                signed(key, &header(key), claims)
            });
        }
        let mut newer = header(&ed25519);
        newer["alg"] = json!("Ed25519");
        newer["jwk"]["alg"] = json!("Ed25519");
        self.bound_to(&ed25519.kid, "Ed25519", |claims| {
            signed(&ed25519, &newer, claims)
        });
        let es384 = Es384::fixed();
        self.bound_to(&es384.kid, "ES384", |claims| es384.signed(claims));
    }

    fn bound_to(&mut self, kid: &KeyId, algorithm: &str, proof: impl Fn(&Value) -> String) {
        let claims = claims_with(json!({ "cnf": { "jkt": kid } }));
        let token = signed(&self.keys.eddsa, &self.keys.eddsa.header(), &claims);
        let mut made = self.proof_claims();
        made["ath"] = json!(token_hash(&token));
        let mut request = self.request(proof(&made), Outcome::Accept { claims });
        request.authorization = vec![format!("DPoP {token}")];
        self.case(&format!("a proof by {algorithm}"), vec![request]);
    }

    fn urls(&mut self) {
        for (htu, url) in [
            ("https://api.example", "https://api.example/"),
            ("HTTPS://API.Example/a", "https://api.example/a"),
            ("https://api.example:443/a", "https://api.example/a"),
            ("https://api.example:/a", "https://api.example/a"),
            ("http://127.0.0.1:80/a", "http://127.0.0.1/a"),
            ("https://api.example/a?b=c#d", "https://api.example/a"),
            ("https://api.example/%7ea%2f", "https://api.example/~a%2F"),
            ("https://api.example/x/../a/./b", "https://api.example/a/b"),
            ("https://api.example/a/.", "https://api.example/a/"),
            ("https://api.example/../a", "https://api.example/a"),
        ] {
            self.url("is the same as", htu, url, self.accepted());
        }
        for (htu, url) in [
            ("https://api.example/a", "https://api.example/A"),
            ("https://api.example/a", "http://api.example/a"),
            ("https://api.example/a", "https://api.example/a/"),
            ("https://api.example/a", "https://api.example:8443/a"),
            ("https://api.example/a", "https://evil.example/a"),
            ("https://api.example/a%2Fb", "https://api.example/a/b"),
            ("https://user@api.example/a", "https://api.example/a"),
            ("https://api.example/%zz", "https://api.example/%ZZ"),
            ("/orders", "https://api.example/orders"),
            ("", "https://api.example/"),
        ] {
            self.url(
                "is another than",
                htu,
                url,
                refused("proof_for_another_url", Schemes::DpopAndBearer),
            );
        }
    }

    fn url(&mut self, compared: &str, htu: &str, url: &str, expected: Outcome) {
        let mut claims = self.proof_claims();
        claims["htu"] = json!(htu);
        let mut request = self.request(
            signed(&self.client, &header(&self.client), &claims),
            expected,
        );
        request.url = url.to_owned();
        self.case(&format!("`{htu}` {compared} `{url}`"), vec![request]);
    }

    fn bad(&mut self, name: &str, proof: String, reason: &str) {
        let request = self.request(proof, refused(reason, Schemes::DpopAndBearer));
        self.case(name, vec![request]);
    }
}

fn header(key: &Forger) -> Value {
    json!({ "typ": "dpop+jwt", "alg": key.algorithm, "jwk": key.jwk })
}

/// A client's key for the algorithm that tokensmith never signs with.
struct Es384 {
    pair: EcdsaKeyPair,
    jwk: Jwk,
    kid: KeyId,
}

impl Es384 {
    fn fixed() -> Self {
        let private = include_bytes!("../private/client-es384.der");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, private);
        let pair = pair.expect("a key");
        // RFC 5480 §2.2: a byte that says uncompressed, x, y.
        let (x, y) = pair.public_key().as_ref()[1..].split_at(48);
        let jwk = json!({ "kty": "EC", "crv": "P-384", "x": base64url(x), "y": base64url(y) });
        let jwk: Jwk = serde_json::from_value(jwk).expect("a JWK");
        let kid = KeyId::thumbprint_of(&jwk).expect("a thumbprint");
        Self { pair, jwk, kid }
    }

    fn signed(&self, claims: &Value) -> String {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES384", "jwk": self.jwk });
        let unsigned = format!(
            "{}.{}",
            base64url(sorted(&header).as_bytes()),
            base64url(sorted(claims).as_bytes())
        );
        let signature = self.pair.sign(&SystemRandom::new(), unsigned.as_bytes());
        format!(
            "{unsigned}.{}",
            base64url(signature.expect("a signature").as_ref())
        )
    }
}
