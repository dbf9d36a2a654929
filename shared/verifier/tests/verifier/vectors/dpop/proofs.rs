//! What is wrong in a proof itself.

use super::*;

impl Cases<'_> {
    pub(super) fn claims_of_proofs(&mut self) {
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

    pub(super) fn proof_with(&self, member: &str, value: Value) -> String {
        let mut claims = self.proof_claims();
        set(&mut claims, member, value);
        signed(&self.client, &header(&self.client), &claims)
    }

    pub(super) fn headers_of_proofs(&mut self) {
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
}

/// Null removes the member.
fn set(object: &mut Value, member: &str, value: Value) {
    let members = object.as_object_mut().expect("an object");
    match value {
        Value::Null => members.remove(member),
        value => members.insert(member.to_owned(), value),
    };
}
