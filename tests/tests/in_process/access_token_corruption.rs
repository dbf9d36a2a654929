//! RFC 7515 and RFC 7518 in the manner of Wycheproof: signatures and payloads that are right but for
//! one bit, one encoding or one member, against introspection, revocation and `Issuer::judge`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokensmith_tests::forge::{Forger, base64url};
use tokensmith_verifier::Algorithm;

/// The signed part of a live token, and its signature's bytes.
async fn signed(forger: &Forger) -> (String, Vec<u8>) {
    let token = forger.token(&forger.claims()).await;
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let bytes = URL_SAFE_NO_PAD.decode(signature);
    (signed.to_owned(), bytes.expect("base64url"))
}

#[tokio::test]
async fn rfc7515_5_2_every_flipped_bit_of_a_signature_is_rejected() {
    for algorithm in Algorithm::ALL {
        let forger = Forger::of_new_issuer(algorithm).await;
        let (signed, signature) = signed(&forger).await;
        let token = |bytes: &[u8]| format!("{signed}.{}", base64url(bytes));
        assert!(forger.is_active(&token(&signature)).await);
        for at in 0..signature.len() {
            let mut flipped = signature.clone();
            flipped[at] ^= 1 << (at % 8);
            let case = format!("{algorithm} byte {at}");
            forger.assert_rejected(&token(&flipped), &case).await;
        }
        for length in [0, 1, signature.len() / 2, signature.len() - 1] {
            let case = format!("{algorithm} {length} bytes");
            forger
                .assert_rejected(&token(&signature[..length]), &case)
                .await;
        }
        for (longer, case) in [
            ([&signature[..], &[0]].concat(), "trailing zero"),
            ([&[0], &signature[..]].concat(), "leading zero"),
            ([&signature[..], &signature[..]].concat(), "twice"),
            (vec![0; signature.len()], "zeros"),
            (vec![0xff; signature.len()], "ones"),
        ] {
            forger
                .assert_rejected(&token(&longer), &format!("{algorithm} {case}"))
                .await;
        }
    }
}

#[tokio::test]
async fn rfc7515_2_another_spelling_of_the_same_signature_is_rejected() {
    for algorithm in Algorithm::ALL {
        let forger = Forger::of_new_issuer(algorithm).await;
        let (signed, signature) = signed(&forger).await;
        let right = base64url(&signature);
        let mut spellings = vec![
            format!("{right}="),
            format!("{right}=="),
            format!("{right}\n"),
            format!(" {right}"),
            format!("{right}A"),
            format!("{}-", &right[..right.len() - 1]),
            right.replace('-', "+").replace('_', "/") + "+/",
        ];
        // All lengths of signatures here leave bits to spare in the last character.
        let (start, last) = right.split_at(right.len() - 1);
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let at = alphabet.find(last).expect("a digit");
        spellings.push(format!("{start}{}", &alphabet[at + 1..][..1]));
        for spelling in spellings.iter().filter(|spelling| **spelling != right) {
            let token = format!("{signed}.{spelling}");
            forger
                .assert_rejected(&token, &format!("{algorithm} {spelling}"))
                .await;
        }
    }
}

/// The order of the group of P-256 (SEC 2 §2.4.2).
const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The DER form of r and s (RFC 3279 §2.2.3), which JWS does not use.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(31);
        let mut value = bytes[start..].to_vec();
        if value[0] & 0x80 != 0 {
            value.insert(0, 0);
        }
        [vec![2, value.len() as u8], value].concat()
    };
    let both = [integer(&signature[..32]), integer(&signature[32..])].concat();
    [vec![0x30, both.len() as u8], both].concat()
}

#[tokio::test]
async fn rfc7518_3_4_an_es256_signature_is_r_and_s_within_their_range() {
    let forger = Forger::of_new_issuer(Algorithm::ES256).await;
    let (signed, signature) = signed(&forger).await;
    let (r, s) = signature.split_at(32);
    let zero = [0; 32];
    let mut one = [0; 32];
    one[31] = 1;
    for (bytes, case) in [
        (der(&signature), "DER"),
        ([s, r].concat(), "swapped"),
        ([&zero, s].concat(), "r = 0"),
        ([r, &zero].concat(), "s = 0"),
        ([zero, zero].concat(), "r = s = 0"),
        ([one, one].concat(), "r = s = 1"),
        ([&one[..], s].concat(), "r = 1"),
        ([&P256_ORDER[..], s].concat(), "r = n"),
        ([r, &P256_ORDER[..]].concat(), "s = n"),
        ([P256_ORDER, P256_ORDER].concat(), "r = s = n"),
        ([[0xff; 32], [0xff; 32]].concat(), "r = s = 2^256 - 1"),
        ([r, r].concat(), "s = r"),
        ([&zero[..1], r, &zero[..1], s].concat(), "33 bytes each"),
    ] {
        let token = format!("{signed}.{}", base64url(bytes));
        forger.assert_rejected(&token, case).await;
    }
}

/// ECDSA gives everybody a second signature, n - s. It is the same token: revoking one revokes both.
#[tokio::test]
async fn rfc7518_3_4_the_other_signature_of_a_token_is_the_same_token() {
    let forger = Forger::of_new_issuer(Algorithm::ES256).await;
    let (issuer, client) = (&forger.issuer, &forger.client);
    let (signed, signature) = signed(&forger).await;
    let (r, s) = signature.split_at(32);
    let mut other = [0; 32];
    let mut borrow = 0;
    for at in (0..32).rev() {
        let difference = i32::from(P256_ORDER[at]) - i32::from(s[at]) - borrow;
        borrow = i32::from(difference < 0);
        other[at] = difference.rem_euclid(256) as u8;
    }
    let one = format!("{signed}.{}", base64url(&signature));
    let other = format!("{signed}.{}", base64url([r, &other].concat()));
    assert!(issuer.is_active(client, &one).await);
    assert!(issuer.is_active(client, &other).await);
    issuer.revoke(client, &other).await;
    assert!(!issuer.is_active(client, &one).await);
    assert!(!issuer.is_active(client, &other).await);
}

#[tokio::test]
async fn rfc7515_5_2_every_changed_character_of_what_is_signed_is_rejected() {
    let forger = Forger::of_new_issuer(Algorithm::ES256).await;
    let token = forger.token(&forger.claims()).await;
    let signed = token.rfind('.').expect("three parts");
    for at in 0..signed {
        let mut text = token.clone().into_bytes();
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        let text = String::from_utf8(text).expect("text");
        forger
            .assert_rejected(&text, &format!("character {at}"))
            .await;
    }
}

/// Signed by the right key under the right header: only the payload is wrong.
#[tokio::test]
async fn rfc9068_2_2_a_payload_without_the_claims_of_an_access_token_is_rejected() {
    let forger = Forger::of_new_issuer(Algorithm::ES256).await;
    let right = forger.claims();
    let text = right.to_string();
    let mut payloads: Vec<Vec<u8>> = Vec::new();
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        let mut without = right.clone();
        without.as_object_mut().expect("an object").remove(name);
        payloads.push(without.to_string().into());
        for value in [
            Value::Null,
            json!({}),
            json!(true),
            json!([1]),
            json!(-1),
            json!(1.5),
        ] {
            let mut wrong = right.clone();
            wrong[name] = value;
            payloads.push(wrong.to_string().into());
        }
        // Repeated, with the same value and with another.
        for value in [right[name].clone(), json!("x"), json!(u64::MAX)] {
            let member = format!(r#"{{"{name}":{value},"#);
            payloads.push(text.replacen('{', &member, 1).into());
        }
    }
    for (name, value) in [
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("exp", json!(u128::MAX.to_string())),
        ("scope", json!(["a"])),
        ("grant_id", json!(7)),
        ("nbf", json!("0")),
    ] {
        let mut wrong = right.clone();
        wrong[name] = value;
        payloads.push(wrong.to_string().into());
    }
    payloads.extend([
        Vec::new(),
        b"{}".to_vec(),
        b"null".to_vec(),
        b"\"text\"".to_vec(),
        format!("[{text}]").into(),
        format!("{text}{text}").into(),
        format!("{text}x").into(),
        format!("\u{feff}{text}").into(),
        text[..text.len() - 1].into(),
        [text.as_bytes(), &[0]].concat(),
        text.replace("app", "a\u{0}p").into(),
        [&text.as_bytes()[..9], &[0xff], &text.as_bytes()[9..]].concat(),
        "[".repeat(5000).into(),
    ]);
    for payload in payloads {
        let header = forger.header().to_string();
        let token = forger.sign(header, &payload).await;
        forger
            .assert_rejected(&token, &String::from_utf8_lossy(&payload))
            .await;
    }
}

/// Signed and well-formed, but of no use here: dead, whoever asks.
#[tokio::test]
async fn rfc9068_4_claims_that_do_not_fit_make_a_token_inactive() {
    let forger = Forger::of_new_issuer(Algorithm::ES256).await;
    let now = forger.issuer.now().seconds();
    for (name, value) in [
        ("iss", json!("https://other.example")),
        ("iss", json!("https://issuer.example/")),
        ("iss", json!("HTTPS://ISSUER.EXAMPLE")),
        ("exp", json!(now)),
        ("exp", json!(0)),
    ] {
        let mut claims = forger.claims();
        claims[name] = value;
        let token = forger.token(&claims).await;
        forger.assert_invalid(&token, &claims.to_string()).await;
    }
    for (name, value) in [
        ("iat", json!(now + 1)),
        ("nbf", json!(now + 1)),
        ("client_id", json!("nobody")),
        ("client_id", json!("not an id")),
        ("client_id", json!("")),
        ("grant_id", json!("not a grant id")),
        ("grant_id", json!(base64url([0; 32]))),
    ] {
        let mut claims = forger.claims();
        claims[name] = value;
        let token = forger.token(&claims).await;
        let asked = forger.issuer.introspect(&forger.client, &token).await;
        assert_eq!(asked.body, r#"{"active":false}"#, "{claims}");
    }
}
