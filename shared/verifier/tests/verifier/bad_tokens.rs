//! Every kind of bad token (RFC 9068 §4, RFC 8725), each wrong in exactly one respect.

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use tokensmith_verifier::{
    Algorithm, CLOCK_SKEW_SECONDS, InvalidConfiguration, Rejection, Verifier,
};

use crate::support::{AUDIENCE, FakeIssuer, Forger, ISSUER, World};

async fn refused(world: &World, token: &str, expected: Rejection, what: &str) {
    assert_eq!(world.verify(token).await, Err(expected.into()), "{what}");
}

#[tokio::test]
async fn a_good_token_of_every_algorithm_says_what_it_says() {
    for algorithm in Algorithm::ALL {
        let key = Forger::generate(algorithm);
        let world = World::new(&[&key]);
        let verified = world.verifier.verify(&world.token(&key)).await;
        let claims = verified.expect("a good token");
        assert_eq!(claims.issuer(), ISSUER);
        assert_eq!(claims.subject(), "alice");
        assert_eq!(claims.audiences(), [AUDIENCE]);
        assert_eq!(claims.client_id(), "app");
        assert_eq!(claims.token_id(), "token-1");
        assert_eq!(claims.grant_id(), Some("grant-1"));
        assert_eq!(claims.issued_at(), world.now());
        assert_eq!(claims.expires_at(), world.now() + 600);
        let scopes: Vec<_> = claims.scopes().collect();
        assert_eq!(scopes, ["orders:read", "orders:write"]);
    }
}

#[tokio::test]
async fn rfc9068_4_claims_that_do_not_fit_are_named() {
    let key = Forger::generate(Algorithm::ES256);
    let world = World::new(&[&key]);
    let now = world.now();
    for (claim, value, expected) in [
        (
            "iss",
            json!("https://issuer.example/"),
            Rejection::WrongIssuer,
        ),
        (
            "iss",
            json!("https://other.example"),
            Rejection::WrongIssuer,
        ),
        ("iss", json!(null), Rejection::Malformed),
        (
            "aud",
            json!("https://other.example"),
            Rejection::WrongAudience,
        ),
        (
            "aud",
            json!("https://api.example//"),
            Rejection::WrongAudience,
        ),
        ("aud", json!([]), Rejection::WrongAudience),
        ("aud", json!(null), Rejection::Malformed),
        ("exp", json!(now - CLOCK_SKEW_SECONDS), Rejection::Expired),
        ("exp", json!(-1), Rejection::Malformed),
        ("exp", json!("soon"), Rejection::Malformed),
        ("exp", json!(null), Rejection::Malformed),
        (
            "iat",
            json!(now + CLOCK_SKEW_SECONDS + 1),
            Rejection::NotYetValid,
        ),
        ("iat", json!(null), Rejection::Malformed),
        (
            "nbf",
            json!(now + CLOCK_SKEW_SECONDS + 1),
            Rejection::NotYetValid,
        ),
        ("sub", json!(null), Rejection::Malformed),
        ("jti", json!(null), Rejection::Malformed),
        ("client_id", json!(null), Rejection::Malformed),
        ("client_id", json!(["app"]), Rejection::Malformed),
    ] {
        let mut claims = world.claims();
        claims[claim] = value;
        let what = claims.to_string();
        refused(&world, &key.token(&claims), expected, &what).await;
    }
}

#[tokio::test]
async fn clocks_may_be_apart_by_the_skew() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::new(&[&key]);
    let now = world.now();
    for (claim, value) in [
        ("exp", now - CLOCK_SKEW_SECONDS + 1),
        ("iat", now + CLOCK_SKEW_SECONDS),
        ("nbf", now + CLOCK_SKEW_SECONDS),
    ] {
        let mut claims = world.claims();
        claims[claim] = json!(value);
        world.verify(&key.token(&claims)).await.expect(claim);
    }
}

/// Invariant 6: `alg` comes from the key, never from the header.
#[tokio::test]
async fn the_header_chooses_nothing() {
    for algorithm in Algorithm::ALL {
        let key = Forger::generate(algorithm);
        let world = World::new(&[&key]);
        for alg in [
            "none", "None", "HS256", "ES384", "RS512", "", "RS256", "PS256", "ES256", "EdDSA",
        ] {
            if alg == algorithm.as_str() {
                continue;
            }
            let mut header = key.header();
            header["alg"] = json!(alg);
            let token = key.sign(&header, &world.claims());
            refused(&world, &token, Rejection::WrongAlgorithm, alg).await;
        }
        for (member, value, expected) in [
            ("typ", json!("JWT"), Rejection::WrongType),
            ("typ", json!("application/jwt"), Rejection::WrongType),
            ("typ", json!(null), Rejection::WrongType),
            ("kid", json!(null), Rejection::UnknownKey),
            ("kid", json!("../../etc/passwd"), Rejection::UnknownKey),
            ("crit", json!(["exp"]), Rejection::UnsupportedHeader),
            ("jwk", json!(key.jwk), Rejection::UnsupportedHeader),
            ("alg", json!(null), Rejection::Malformed),
            ("alg", json!(["EdDSA"]), Rejection::Malformed),
        ] {
            let mut header = key.header();
            header[member] = value;
            let token = key.sign(&header, &world.claims());
            refused(&world, &token, expected, member).await;
        }
        for typ in ["AT+JWT", "application/at+jwt", "APPLICATION/at+JWT"] {
            let mut header = key.header();
            header["typ"] = json!(typ);
            world
                .verify(&key.sign(&header, &world.claims()))
                .await
                .expect(typ);
        }
    }
}

/// Invariant 6, RFC 8725 §2.1: an HMAC with the public key as its secret, and no signature at all.
#[tokio::test]
async fn forged_signatures_are_refused() {
    for algorithm in Algorithm::ALL {
        let (key, forger) = (Forger::generate(algorithm), Forger::generate(algorithm));
        let world = World::new(&[&key]);
        let good = world.token(&key);
        let (signed, signature) = good.rsplit_once('.').expect("three parts");
        refused(
            &world,
            &format!("{signed}."),
            Rejection::BadSignature,
            "no signature",
        )
        .await;

        let forged = forger.sign(&key.header(), &world.claims());
        refused(&world, &forged, Rejection::BadSignature, "another key").await;

        for secret in key.public_bytes() {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
            let tag = hmac::sign(&secret, signed.as_bytes());
            let forged = format!("{signed}.{}", crate::support::base64url(tag.as_ref()));
            refused(&world, &forged, Rejection::BadSignature, "an HMAC").await;
        }

        let mut claims = world.claims();
        claims["scope"] = json!("admin");
        let other = key.token(&claims);
        let (other_signed, _) = other.rsplit_once('.').expect("three parts");
        let swapped = format!("{other_signed}.{signature}");
        refused(&world, &swapped, Rejection::BadSignature, "another payload").await;
    }
}

#[tokio::test]
async fn what_is_no_token_is_malformed() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::new(&[&key]);
    let good = world.token(&key);
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let repeated = format!(
        r#"{{"alg":"EdDSA","alg":"EdDSA","typ":"at+jwt","kid":"{}"}}"#,
        key.kid
    );
    let mut twice_exp = world.claims().to_string();
    twice_exp.insert_str(1, r#""exp":9999999999,"#);
    for bad in [
        String::new(),
        "token".to_owned(),
        "..".to_owned(),
        "a.b".to_owned(),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{good}="),
        format!(" {good}"),
        format!("{good}\n"),
        format!("{signed}.{signature}+/"),
        good.replace('.', ".."),
        key.sign_bytes(b"[]", world.claims().to_string().as_bytes()),
        key.sign_bytes(b"\"EdDSA\"", b"{}"),
        key.sign_bytes(key.header().to_string().as_bytes(), b"not JSON"),
        key.sign_bytes(key.header().to_string().as_bytes(), b"\xff\xfe"),
        key.sign_bytes(repeated.as_bytes(), world.claims().to_string().as_bytes()),
        key.sign_bytes(key.header().to_string().as_bytes(), twice_exp.as_bytes()),
        key.sign(&key.header(), &json!([])),
    ] {
        refused(&world, &bad, Rejection::Malformed, &bad).await;
    }
    let padding = Value::from("x".repeat(8192));
    let mut claims = world.claims();
    claims["padding"] = padding;
    refused(&world, &key.token(&claims), Rejection::TooLong, "8 KiB").await;
}

#[tokio::test]
async fn every_flipped_bit_is_seen() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::new(&[&key]);
    let good = world.token(&key);
    for position in 0..good.len() {
        for bit in [1, 2, 4, 8, 16, 32] {
            let mut bytes = good.clone().into_bytes();
            bytes[position] ^= bit;
            let Ok(bad) = String::from_utf8(bytes) else {
                continue;
            };
            assert!(world.verify(&bad).await.is_err(), "{bad}");
        }
    }
}

#[tokio::test]
async fn a_verifier_accepts_each_of_its_audiences_and_no_other() {
    let key = Forger::generate(Algorithm::EdDSA);
    let world = World::configured(&[&key], |builder| {
        builder.audience("https://second.example")
    });
    for (aud, expected) in [
        (json!("https://second.example"), Ok(())),
        (
            json!(["https://other.example", "https://second.example"]),
            Ok(()),
        ),
        (json!([AUDIENCE, "https://second.example"]), Ok(())),
        (
            json!(["https://other.example"]),
            Err(Rejection::WrongAudience.into()),
        ),
    ] {
        let mut claims = world.claims();
        claims["aud"] = aud;
        assert_eq!(
            world.verify(&key.token(&claims)).await,
            expected,
            "{claims}"
        );
    }
}

#[test]
fn a_verifier_needs_an_issuer_and_an_audience() {
    let fetch = || std::sync::Arc::new(FakeIssuer::default());
    for (issuer, audience, expected) in [
        (
            "http://issuer.example",
            Some(AUDIENCE),
            InvalidConfiguration::Issuer,
        ),
        (
            "https://issuer.example/path",
            Some(AUDIENCE),
            InvalidConfiguration::Issuer,
        ),
        ("", Some(AUDIENCE), InvalidConfiguration::Issuer),
        (ISSUER, None, InvalidConfiguration::NoAudience),
        (ISSUER, Some(""), InvalidConfiguration::Audience),
        (ISSUER, Some("a\"b"), InvalidConfiguration::Audience),
    ] {
        let mut builder = Verifier::builder(issuer).fetch(fetch());
        if let Some(audience) = audience {
            builder = builder.audience(audience);
        }
        assert_eq!(
            builder.build().map(drop),
            Err(expected),
            "{issuer} {audience:?}"
        );
    }
    let slash = Verifier::builder(format!("{ISSUER}/")).audience(AUDIENCE);
    assert!(slash.fetch(fetch()).build().is_ok());
    let plain = Verifier::builder(ISSUER).audience(AUDIENCE).fetch(fetch());
    let plain = plain.jwks_url("http://keys.example/");
    assert_eq!(plain.build().map(drop), Err(InvalidConfiguration::JwksUrl));
}
