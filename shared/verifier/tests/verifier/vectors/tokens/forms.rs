//! Headers, signatures, and the form of a JWT.

use super::*;

impl Cases<'_> {
    pub(super) fn with_header(&self, key: &Forger, changes: Value) -> String {
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

    pub(super) fn headers_of_tokens(&mut self) {
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

    pub(super) fn signatures(&mut self) {
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
        let other = Forger::fixed(Algorithm::RS256, include_bytes!("../private/ps256.der"));
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

    pub(super) fn forms(&mut self) {
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
