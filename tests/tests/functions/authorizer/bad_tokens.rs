//! Invariant 6, RFC 8725 and RFC 9068 §4: tokens that are wrong in exactly one respect, through an
//! authorizer whose keys come from the table.

use aws_lc_rs::hmac;
use serde_json::json;
use tokensmith_authorizer::Authorizer;
use tokensmith_issuer::keys::{InProcessSigner, Signer, generate_private_key};
use tokensmith_tests::InProcess;
use tokensmith_tests::forge::base64url;
use tokensmith_verifier::{Algorithm, CLOCK_SKEW_SECONDS};

use super::support::{Gate, Kind, decide, refused};

/// A REST API's authorizer says 401 and not 403: the two are told apart.
const KIND: Kind = Kind::RestRequest;

async fn assert_refused(authorizer: &Authorizer, token: &str, case: &str) {
    let event = KIND.event(&format!("Bearer {token}"));
    let verdict = decide(authorizer, KIND, &event).await;
    assert_eq!(verdict, refused(KIND), "{case}");
}

async fn assert_passes(authorizer: &Authorizer, token: &str, case: &str) {
    let event = KIND.event(&format!("Bearer {token}"));
    let verdict = decide(authorizer, KIND, &event).await;
    assert!(verdict.passes(), "{case}: {verdict:?}");
}

async fn with_every_algorithm() -> (Gate, Authorizer) {
    let issuer = InProcess::configured(|config| config.algorithms = Algorithm::ALL.into()).await;
    let client = issuer.confidential("app", |_| {}).await;
    let gate = Gate { issuer, client };
    let authorizer = gate.authorizer(KIND, |_| {}).await;
    (gate, authorizer)
}

/// The counter-test of this file: without a flaw, every algorithm's token passes.
#[tokio::test]
async fn what_is_forged_without_a_flaw_passes() {
    let (gate, authorizer) = with_every_algorithm().await;
    for algorithm in Algorithm::ALL {
        let forger = gate.forger(algorithm).await;
        let token = forger.token(&forger.claims()).await;
        assert_passes(&authorizer, &token, algorithm.as_str()).await;
    }
}

#[tokio::test]
async fn invariant_6_the_algorithm_is_the_keys_and_not_the_headers() {
    let (gate, authorizer) = with_every_algorithm().await;
    for algorithm in Algorithm::ALL {
        let forger = gate.forger(algorithm).await;
        let claims = forger.claims().to_string();
        for named in [
            "none", "None", "", "HS256", "RS256", "PS256", "ES256", "EdDSA", "ES384",
        ] {
            if named == algorithm.as_str() {
                continue;
            }
            let mut header = forger.header();
            header["alg"] = named.into();
            let case = format!("{algorithm} as {named}");
            let token = forger.sign(header.to_string(), &claims).await;
            assert_refused(&authorizer, &token, &case).await;
            let signed = format!("{}.{}", base64url(header.to_string()), base64url(&claims));
            assert_refused(&authorizer, &format!("{signed}."), &case).await;
            assert_refused(&authorizer, &signed, &case).await;
            // What an attacker may take for the secret: the published key.
            let secret = serde_json::to_vec(&forger.jwk).expect("JSON");
            let tag = hmac::sign(
                &hmac::Key::new(hmac::HMAC_SHA256, &secret),
                signed.as_bytes(),
            );
            assert_refused(&authorizer, &format!("{signed}.{}", base64url(tag)), &case).await;
        }
    }
}

#[tokio::test]
async fn invariant_6_a_key_that_the_token_brings_along_is_not_used() {
    let gate = Gate::new().await;
    let authorizer = gate.authorizer(KIND, |_| {}).await;
    let forger = gate.forger(Algorithm::ES256).await;
    let claims = forger.claims().to_string();
    let own = generate_private_key(Algorithm::ES256).expect("a key");
    let own = InProcessSigner::from_pkcs8(Algorithm::ES256, &own).expect("a key");
    let own_jwk = own.public_key();
    let (own_kid, our_kid) = (own_jwk.kid.as_str(), forger.jwk.kid.as_str());
    for more in [
        json!({ "kid": own_kid }),
        json!({ "kid": our_kid }),
        json!({ "jwk": own_jwk, "kid": own_kid }),
        json!({ "jwk": own_jwk, "kid": our_kid }),
        json!({ "jku": "https://evil.example/jwks.json", "kid": own_kid }),
        json!({ "x5u": "https://evil.example/cert.pem", "kid": our_kid }),
        json!({ "x5c": ["MIIB"], "kid": our_kid }),
    ] {
        let mut header = json!({ "alg": "ES256", "typ": "at+jwt" });
        let members = header.as_object_mut().expect("an object");
        members.extend(more.as_object().expect("an object").clone());
        let signed = format!("{}.{}", base64url(header.to_string()), base64url(&claims));
        let signature = own.sign(signed.as_bytes()).await.expect("a signature");
        let token = format!("{signed}.{}", base64url(signature));
        assert_refused(&authorizer, &token, &more.to_string()).await;
    }
}

/// Every header is signed by the right key.
#[tokio::test]
async fn rfc9068_4_a_header_that_is_not_an_access_tokens_is_refused() {
    let gate = Gate::new().await;
    let authorizer = gate.authorizer(KIND, |_| {}).await;
    let forger = gate.forger(Algorithm::ES256).await;
    let claims = forger.claims().to_string();
    let kid = forger.jwk.kid.as_str();
    for (name, value) in [
        ("typ", json!("JWT")),
        ("typ", json!("tokensmith-revocations+jwt")),
        ("typ", json!("dpop+jwt")),
        ("typ", json!(null)),
        ("kid", json!("")),
        ("kid", json!(null)),
        ("kid", json!([kid])),
        ("kid", json!(format!("{kid}\0"))),
        ("kid", json!("../../etc/passwd")),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("jwk", json!(forger.jwk)),
    ] {
        let mut header = forger.header();
        header[name] = value;
        let token = forger.sign(header.to_string(), &claims).await;
        assert_refused(&authorizer, &token, &header.to_string()).await;
    }
}

#[tokio::test]
async fn rfc9068_4_claims_that_do_not_fit_are_refused() {
    let gate = Gate::new().await;
    let authorizer = gate.authorizer(KIND, |_| {}).await;
    let now = gate.issuer.now().seconds();
    for (name, value) in [
        ("iss", json!("https://elsewhere.example")),
        ("iss", json!("https://issuer.example/")),
        ("iss", json!(null)),
        ("aud", json!("https://elsewhere.example/")),
        ("aud", json!([])),
        ("aud", json!(null)),
        ("exp", json!(now - CLOCK_SKEW_SECONDS)),
        ("exp", json!(0)),
        ("exp", json!(null)),
        ("exp", json!("never")),
        ("nbf", json!(now + CLOCK_SKEW_SECONDS + 1)),
        ("iat", json!(now + CLOCK_SKEW_SECONDS + 1)),
        ("sub", json!(null)),
        ("jti", json!(null)),
        ("client_id", json!(null)),
        ("scope", json!(["a"])),
    ] {
        let token = gate.token_with(|claims| claims[name] = value.clone()).await;
        assert_refused(&authorizer, &token, &format!("{name}: {value}")).await;
    }
    // At the edge of what the clocks may be apart.
    for (name, value) in [
        ("exp", now - CLOCK_SKEW_SECONDS + 1),
        ("nbf", now + CLOCK_SKEW_SECONDS),
    ] {
        let token = gate.token_with(|claims| claims[name] = value.into()).await;
        assert_passes(&authorizer, &token, name).await;
    }
}

#[tokio::test]
async fn what_was_changed_after_it_was_signed_is_refused() {
    let gate = Gate::new().await;
    let authorizer = gate.authorizer(KIND, |_| {}).await;
    let token = gate.token().await;
    assert_passes(&authorizer, &token, "as it was").await;
    for at in (0..token.len()).step_by(3) {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert_refused(&authorizer, &changed, &format!("at {at}")).await;
    }
    let parts: Vec<_> = token.split('.').collect();
    let claims = gate.forger(Algorithm::ES256).await.claims().to_string();
    for changed in [
        format!("{}.{}.{}", parts[0], base64url(claims), parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}..{}", parts[0], parts[2]),
        format!("{token}."),
        format!("{token}="),
        format!("{token}.{token}"),
    ] {
        assert_refused(&authorizer, &changed, &changed).await;
    }
}

/// Refresh tokens are for the issuer alone.
#[tokio::test]
async fn a_refresh_token_is_no_access_token() {
    let gate = Gate::new().await;
    let authorizer = gate.authorizer(KIND, |_| {}).await;
    let grant = gate.issuer.grant(&gate.client, |_| {}).await;
    assert_refused(&authorizer, &grant.token, "a refresh token").await;
}

/// However many tokens with made-up keys come, they cause one look at the table.
#[tokio::test]
async fn a_flood_of_unknown_keys_costs_one_query() {
    let gate = Gate::new().await;
    let authorizer = gate.authorizer(KIND, |_| {}).await;
    let good = gate.token().await;
    assert_passes(&authorizer, &good, "a good one").await;
    let forger = gate.forger(Algorithm::ES256).await;
    let claims = forger.claims();
    gate.issuer.dynamo.take_calls();
    for attempt in 0..50 {
        let mut header = forger.header();
        header["kid"] = format!("made-up-{attempt}").into();
        let token = forger.sign(header.to_string(), claims.to_string()).await;
        assert_refused(&authorizer, &token, "an unknown key").await;
    }
    assert_eq!(gate.issuer.dynamo.take_calls(), ["Query"]);
    assert_passes(&authorizer, &good, "a good one").await;
}
