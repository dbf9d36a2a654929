//! `dpop.json`: requests with bound tokens and proofs, good and wrong in one respect each.

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
    let client = Forger::fixed(Algorithm::ES256, include_bytes!("private/client-es256.der"));
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

    fn claims_of_proofs(&mut self) {
        for (name, member, value) in [
            ("60 s old", "iat", json!(START - 60)),
            ("60 s ahead", "iat", json!(START + 60)),
            ("iat has a fraction", "iat", json!(START as f64 + 0.5)),
            ("jti of 512 bytes", "jti", json!("j".repeat(512))),
            ("a nonce that nobody asked for", "nonce", json!("n")),
        ] {
            let request = self.request(self.proof_with(member, value), self.accepted());
            self.case(&format!("a proof: {name}"), vec![request]);
        }
        for (name, member, value, reason) in [
            ("61 s old", "iat", json!(START - 61), "proof_too_old"),
            (
                "61 s ahead",
                "iat",
                json!(START + 61),
                "proof_from_the_future",
            ),
            (
                "another method",
                "htm",
                json!("POST"),
                "proof_for_another_method",
            ),
            (
                "the method in lower case",
                "htm",
                json!("get"),
                "proof_for_another_method",
            ),
            (
                "the hash of another token",
                "ath",
                json!(token_hash("x")),
                "proof_for_another_token",
            ),
            ("no ath", "ath", Value::Null, "proof_for_another_token"),
            ("no jti", "jti", Value::Null, "malformed_proof"),
            ("an empty jti", "jti", json!(""), "malformed_proof"),
            (
                "jti of 513 bytes",
                "jti",
                json!("j".repeat(513)),
                "malformed_proof",
            ),
            ("no htm", "htm", Value::Null, "malformed_proof"),
            ("no htu", "htu", Value::Null, "malformed_proof"),
            ("no iat", "iat", Value::Null, "malformed_proof"),
            ("iat is text", "iat", json!("1800000000"), "malformed_proof"),
            ("iat is negative", "iat", json!(-1), "malformed_proof"),
        ] {
            let proof = self.proof_with(member, value);
            self.bad(&format!("a proof: {name}"), proof, reason);
        }
    }

    fn proof_with(&self, member: &str, value: Value) -> String {
        let mut claims = self.proof_claims();
        set(&mut claims, member, value);
        signed(&self.client, &header(&self.client), &claims)
    }

    fn headers_of_proofs(&mut self) {
        let stranger = json!(self.keys.stranger.jwk);
        let mut private = json!(self.client.jwk);
        private["d"] = json!("AA");
        let mut encrypts = json!(self.client.jwk);
        encrypts["use"] = json!("enc");
        let mut off_curve = json!(self.client.jwk);
        off_curve["y"] = off_curve["x"].clone();
        for (name, member, value, reason) in [
            ("typ JWT", "typ", json!("JWT"), "wrong_proof_type"),
            ("typ of a token", "typ", json!("at+jwt"), "wrong_proof_type"),
            ("no typ", "typ", Value::Null, "wrong_proof_type"),
            ("alg none", "alg", json!("none"), "wrong_proof_algorithm"),
            ("alg HS256", "alg", json!("HS256"), "wrong_proof_algorithm"),
            (
                "alg of another type of key",
                "alg",
                json!("EdDSA"),
                "wrong_proof_algorithm",
            ),
            ("no alg", "alg", Value::Null, "malformed_proof"),
            ("crit", "crit", json!(["b64"]), "malformed_proof"),
            ("no key", "jwk", Value::Null, "proof_with_unusable_key"),
            (
                "a symmetric key",
                "jwk",
                json!({ "kty": "oct", "k": "AA" }),
                "proof_with_unusable_key",
            ),
            ("a private key", "jwk", private, "proof_with_unusable_key"),
            (
                "a key for encryption",
                "jwk",
                encrypts,
                "proof_with_unusable_key",
            ),
            (
                "half a key",
                "jwk",
                json!({ "kty": "EC", "crv": "P-256", "x": "AA" }),
                "proof_with_unusable_key",
            ),
            (
                "a point that is not on its curve",
                "jwk",
                off_curve,
                "proof_with_unusable_key",
            ),
            (
                "the key of somebody else",
                "jwk",
                stranger,
                "wrong_proof_algorithm",
            ),
            (
                "another key of the same type",
                "jwk",
                json!(self.keys.es256.jwk),
                "bad_proof_signature",
            ),
        ] {
            let mut header = header(&self.client);
            set(&mut header, member, value);
            let proof = signed(&self.client, &header, &self.proof_claims());
            self.bad(&format!("a proof: {name}"), proof, reason);
        }
        let good = self.good_proof();
        let (unsigned, _) = good.rsplit_once('.').expect("three parts");
        let (own_header, claims) = (sorted(&header(&self.client)), self.proof_claims());
        for (name, proof, reason) in [
            (
                "without a signature",
                format!("{unsigned}."),
                "bad_proof_signature",
            ),
            ("two parts", unsigned.to_owned(), "malformed_proof"),
            ("empty", String::new(), "malformed_proof"),
            ("not base64url", "a.b.c".to_owned(), "malformed_proof"),
            (
                "the claims are not JSON",
                self.client.sign_bytes(own_header.as_bytes(), b"x"),
                "malformed_proof",
            ),
            (
                "by another key than the token's",
                signed(&self.keys.stranger, &header(&self.keys.stranger), &claims),
                "proof_by_another_key",
            ),
        ] {
            self.bad(&format!("a proof: {name}"), proof, reason);
        }
        let mut claims = self.proof_claims();
        claims["padding"] = json!("x".repeat(8192));
        let proof = signed(&self.client, &header(&self.client), &claims);
        self.bad("a proof: over 8,192 bytes", proof, "malformed_proof");
    }

    fn sent_otherwise(&mut self) {
        let good = self.good_proof();
        let dpop = Schemes::DpopAndBearer;
        let plain_claims = claims();
        let plain = signed(&self.keys.eddsa, &self.keys.eddsa.header(), &plain_claims);
        let (bound, bearer) = (
            format!("DPoP {}", self.token),
            format!("Bearer {}", self.token),
        );
        let mut sent = |name: &str,
                        authorization: Vec<String>,
                        proofs: Vec<String>,
                        schemes: Schemes,
                        expected: Outcome| {
            let mut request = self.request(String::new(), expected);
            (request.authorization, request.dpop) = (authorization, proofs);
            self.case(name, vec![request]).schemes = schemes;
        };
        let of = |reason| refused(reason, dpop);
        sent(
            "no proof",
            vec![bound.clone()],
            vec![],
            dpop,
            of("missing_proof"),
        );
        sent(
            "two proofs",
            vec![bound.clone()],
            vec![good.clone(), good.clone()],
            dpop,
            of("repeated_proof"),
        );
        let joined = format!("{good}, {good}");
        sent(
            "two proofs that a gateway has joined",
            vec![bound.clone()],
            vec![joined],
            dpop,
            of("repeated_proof"),
        );
        sent(
            "a bound token as a bearer token",
            vec![bearer.clone()],
            vec![],
            dpop,
            of("bound_to_key"),
        );
        sent(
            "the same with a good proof",
            vec![bearer.clone()],
            vec![good.clone()],
            dpop,
            of("bound_to_key"),
        );
        sent(
            "no Authorization, but a proof",
            vec![],
            vec![good.clone()],
            dpop,
            of("no_token"),
        );
        sent(
            "a repeated Authorization",
            vec![bound.clone(), bearer.clone()],
            vec![good.clone()],
            dpop,
            of("repeated_header"),
        );
        sent(
            "no b64token",
            vec!["DPoP a b".to_owned()],
            vec![good.clone()],
            dpop,
            of("malformed_header"),
        );
        let plain_bearer = vec![format!("Bearer {plain}")];
        let accepted = || Outcome::Accept {
            claims: plain_claims.clone(),
        };
        sent(
            "a token that is not bound, as a bearer token",
            plain_bearer.clone(),
            vec![],
            dpop,
            accepted(),
        );
        sent(
            "the same, and a proof that is not looked at",
            plain_bearer.clone(),
            vec!["x".to_owned()],
            dpop,
            accepted(),
        );
        let refused_there = refused("no_token", Schemes::Dpop);
        sent(
            "a bearer token where only bound ones are taken",
            plain_bearer,
            vec![],
            Schemes::Dpop,
            refused_there,
        );
        let refused_there = refused("no_token", Schemes::Bearer);
        sent(
            "a bound token where proofs are not checked",
            vec![bound],
            vec![good],
            Schemes::Bearer,
            refused_there,
        );
        let refused_there = refused("bound_to_key", Schemes::Bearer);
        sent(
            "the same as a bearer token",
            vec![bearer],
            vec![],
            Schemes::Bearer,
            refused_there,
        );
    }

    fn tokens(&mut self) {
        let keys = self.keys;
        let jkt = json!({ "jkt": self.client.kid });
        for (name, key, changes, reason) in [
            (
                "expired",
                &keys.eddsa,
                json!({ "cnf": jkt, "exp": START - 60 }),
                "expired",
            ),
            (
                "for another audience",
                &keys.eddsa,
                json!({ "cnf": jkt, "aud": "https://other.example" }),
                "wrong_audience",
            ),
            (
                "by a stranger",
                &keys.stranger,
                json!({ "cnf": jkt }),
                "unknown_key",
            ),
            ("not bound", &keys.eddsa, json!({}), "not_bound"),
        ] {
            let token = signed(key, &key.header(), &claims_with(changes));
            let proof = self.proof_with("ath", json!(token_hash(&token)));
            let mut request = self.request(proof, refused(reason, Schemes::DpopAndBearer));
            request.authorization = vec![format!("DPoP {token}")];
            self.case(
                &format!("a good proof with a token that is {name}"),
                vec![request],
            );
        }
        // The proof is judged first.
        let token = signed(
            &keys.eddsa,
            &keys.eddsa.header(),
            &claims_with(json!({ "exp": START - 60 })),
        );
        let mut claims = self.proof_claims();
        (claims["ath"], claims["htm"]) = (json!(token_hash(&token)), json!("POST"));
        let proof = signed(&self.client, &header(&self.client), &claims);
        let mut request = self.request(
            proof,
            refused("proof_for_another_method", Schemes::DpopAndBearer),
        );
        request.authorization = vec![format!("DPoP {token}")];
        self.case("both the proof and the token are wrong", vec![request]);
    }

    fn replays(&mut self) {
        let replayed = || refused("proof_replayed", Schemes::DpopAndBearer);
        let proof = self.good_proof();
        let again = self.request(proof.clone(), replayed());
        let later = Request {
            now: START + 60,
            ..self.request(proof.clone(), replayed())
        };
        let first = self.request(proof.clone(), self.accepted());
        self.case(
            "a proof that is sent twice, and once more a minute later",
            vec![first, again, later],
        );
        let first = self.request(proof.clone(), self.accepted());
        let second = self.request(self.proof_with("jti", json!("proof-2")), self.accepted());
        self.case("another jti is another proof", vec![first, second]);
        let ahead = self.proof_with("iat", json!(START + 60));
        let first = self.request(ahead.clone(), self.accepted());
        let last = Request {
            now: START + 120,
            ..self.request(ahead.clone(), replayed())
        };
        let old = refused("proof_too_old", Schemes::DpopAndBearer);
        let over = Request {
            now: START + 121,
            ..self.request(ahead, old)
        };
        self.case(
            "a proof from 60 s ahead is remembered for as long as it could be sent",
            vec![first, last, over],
        );
        let mut wrong = self.request(
            proof.clone(),
            refused("proof_for_another_method", Schemes::DpopAndBearer),
        );
        wrong.method = "POST".to_owned();
        let right = self.request(proof, self.accepted());
        self.case("what is refused uses up nothing", vec![wrong, right]);
        let lacks = || lacks_scope("admin", Schemes::DpopAndBearer);
        let first = self.request(self.good_proof(), lacks());
        let again = self.request(self.good_proof(), replayed());
        self.case(
            "a proof is used up by a request that lacks a scope",
            vec![first, again],
        )
        .required = "admin".to_owned();
    }
}

fn header(key: &Forger) -> Value {
    json!({ "typ": "dpop+jwt", "alg": key.algorithm, "jwk": key.jwk })
}

/// Null removes the member.
fn set(object: &mut Value, member: &str, value: Value) {
    let members = object.as_object_mut().expect("an object");
    match value {
        Value::Null => members.remove(member),
        value => members.insert(member.to_owned(), value),
    };
}

/// A client's key for the algorithm that tokensmith never signs with.
struct Es384 {
    pair: EcdsaKeyPair,
    jwk: Jwk,
    kid: KeyId,
}

impl Es384 {
    fn fixed() -> Self {
        let private = include_bytes!("private/client-es384.der");
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
