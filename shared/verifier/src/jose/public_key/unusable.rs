//! JWKs that cannot be used, each wrong in exactly one respect.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::*;
use crate::{Algorithm, VerificationKeys};

/// Whether a key of ours is usable, in a key set.
fn is_usable(key: &Value) -> bool {
    let mut named = key.clone();
    named["kid"] = json!("k");
    let document = json!({ "keys": [named] }).to_string();
    VerificationKeys::usable_in(document.as_bytes()).is_ok()
}

/// Whether a key of somebody else is usable.
fn is_usable_of_others(key: &Value) -> bool {
    let jwk = serde_json::from_value::<Jwk>(key.clone());
    jwk.is_ok_and(|jwk| PublicKey::parse(&jwk).is_some())
}

/// A modulus of so many bits, in base64url.
fn modulus(bits: usize) -> String {
    let mut number = vec![0xff; bits.div_ceil(8)];
    number[0] >>= number.len() * 8 - bits;
    URL_SAFE_NO_PAD.encode(number)
}

fn rsa() -> Value {
    json!({ "kty": "RSA", "n": modulus(2048), "e": "AQAB", "use": "sig", "alg": "RS256" })
}

/// RFC 7515 appendix A.3.1.
fn ec() -> Value {
    json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        "use": "sig",
        "alg": "ES256",
    })
}

/// RFC 6979 appendix A.2.6.
fn p384() -> Value {
    let coordinate = |hex: &str| {
        let digits: Vec<_> = hex.as_bytes().chunks(2).collect();
        let byte = |pair: &&[u8]| {
            let text = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(text, 16).expect("hexadecimal")
        };
        URL_SAFE_NO_PAD.encode(digits.iter().map(byte).collect::<Vec<u8>>())
    };
    json!({
        "kty": "EC",
        "crv": "P-384",
        "x": coordinate("ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64def8f0ea9055866064a254515480bc13"),
        "y": coordinate("8015d9b72d7d57244ea8ef9ac0c621896708a59367f9dfb9f54ca84b3f1c9db1288b231c3ae0d4fe7344fd2533264720"),
        "use": "sig",
        "alg": "ES384",
    })
}

/// RFC 8037 appendix A.2.
fn ed25519() -> Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        "use": "sig",
        "alg": "EdDSA",
    })
}

#[test]
fn a_key_without_its_use_or_with_another_algorithm_is_refused() {
    for good in [rsa(), ec(), ed25519()] {
        assert!(is_usable(&good), "{good}");
        for (member, value) in [
            ("use", json!("enc")),
            ("use", json!("SIG")),
            ("use", json!(null)),
            ("alg", json!(null)),
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("RSA-OAEP")),
            ("alg", json!("ES384")),
            ("alg", json!("RS512")),
            ("kty", json!("oct")),
            ("kty", json!("rsa")),
        ] {
            let mut bad = good.clone();
            bad[member] = value;
            assert!(!is_usable(&bad), "{bad}");
        }
        for algorithm in Algorithm::ALL {
            let mut other = good.clone();
            other["alg"] = json!(algorithm);
            let fits = good["alg"] == other["alg"]
                || (good["kty"] == "RSA" && algorithm == Algorithm::PS256);
            assert_eq!(is_usable(&other), fits, "{other}");
        }
    }
}

/// Others may leave out what a key is for, and sign with ES384 too.
#[test]
fn a_key_of_others_verifies_what_its_type_and_its_own_algorithm_allow() {
    for good in [rsa(), ec(), p384(), ed25519()] {
        for member in ["use", "alg"] {
            let mut shorter = good.clone();
            shorter.as_object_mut().expect("a key").remove(member);
            assert!(is_usable_of_others(&shorter), "{shorter}");
        }
        for (member, value) in [
            ("use", "enc"),
            ("alg", "none"),
            ("alg", "HS256"),
            ("alg", "RS512"),
            ("alg", "RSA-OAEP"),
        ] {
            let mut bad = good.clone();
            bad[member] = json!(value);
            assert!(!is_usable_of_others(&bad), "{bad}");
        }
    }
    let parsed = |key: Value| PublicKey::parse(&serde_json::from_value(key).expect("a JWK"));
    for (key, expected) in [
        (rsa(), vec!["RS256", "PS256"]),
        (ec(), vec!["ES256"]),
        (p384(), vec!["ES384"]),
        (ed25519(), vec!["EdDSA"]),
    ] {
        let bound = parsed(key.clone()).expect("a key");
        let mut free = key;
        free.as_object_mut().expect("a key").remove("alg");
        let free = parsed(free).expect("a key");
        for name in [
            "RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256", "none", "ES512",
        ] {
            let allowed = free.algorithm(name).is_some();
            assert_eq!(allowed, expected.contains(&name), "{name}");
            let allowed = bound.algorithm(name).is_some();
            assert_eq!(allowed, name == expected[0], "{name}");
        }
    }
}

/// A shared secret verifies nothing, even if a key set publishes one.
#[test]
fn a_symmetric_key_is_refused() {
    for algorithm in ["HS256", "RS256", "ES256", "EdDSA"] {
        let key = json!({ "kty": "oct", "k": "c2VjcmV0", "use": "sig", "alg": algorithm });
        assert!(!is_usable(&key), "{algorithm}");
    }
}

/// RFC 7518 §3.3: 2048 bits or more.
#[test]
fn the_size_of_an_rsa_key_is_bounded() {
    for (bits, expected) in [
        (1024, false),
        (2040, false),
        (2047, false),
        (2048, true),
        (3072, true),
        (8192, true),
        (8193, false),
        (16384, false),
    ] {
        let mut key = rsa();
        key["n"] = json!(modulus(bits));
        assert_eq!(is_usable(&key), expected, "{bits}");
    }
}

/// RFC 7518 §6.2.1, §6.3.1; RFC 8037 §2.
#[test]
fn members_that_are_no_key_are_refused() {
    let bytes = |length: usize| URL_SAFE_NO_PAD.encode(vec![1; length]);
    for (good, member, value) in [
        (rsa(), "n", String::new()),
        (rsa(), "n", format!("AA{}", modulus(2048))),
        (rsa(), "n", "not base64url!".to_owned()),
        (rsa(), "e", String::new()),
        (rsa(), "e", "AAEAAQ".to_owned()),
        (ec(), "crv", "P-384".to_owned()),
        (ec(), "crv", "Ed25519".to_owned()),
        (ec(), "x", "AA".to_owned()),
        (ec(), "x", bytes(33)),
        // Not on the curve.
        (ec(), "x", bytes(32)),
        (ec(), "y", bytes(32)),
        (ed25519(), "crv", "P-256".to_owned()),
        (ed25519(), "x", "AA".to_owned()),
        (ed25519(), "x", bytes(33)),
        (
            ed25519(),
            "x",
            "not base64url, of the right length, at all!".to_owned(),
        ),
    ] {
        let mut bad = good;
        bad[member] = json!(value);
        assert!(!is_usable(&bad), "{bad}");
    }
}
