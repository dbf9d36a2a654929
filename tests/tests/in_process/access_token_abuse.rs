//! Invariant 6 and RFC 8725: access tokens with another algorithm, key or type, against
//! introspection, revocation and `Issuer::judge`: rejected, and nothing is written.

use aws_lc_rs::hmac;
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokensmith_issuer::keys::{InProcessSigner, PublicJwk, Signer, generate_private_key};
use tokensmith_tests::InProcess;
use tokensmith_tests::forge::{Forger, base64url};
use tokensmith_verifier::Algorithm;

/// A client of one issuer, once with its key of each algorithm.
async fn forgers() -> Vec<Forger> {
    let issuer = InProcess::configured(|config| config.algorithms = Algorithm::ALL.into()).await;
    let client = issuer.confidential("app", |_| {}).await;
    let forgers = Algorithm::ALL.map(|one| Forger::with_key_of(&issuer, &client, one));
    join_all(forgers).await
}

/// The counter-test of this file: a forged token that is right in every respect is live.
#[tokio::test]
async fn what_is_forged_without_a_flaw_is_live() {
    for forger in forgers().await {
        let algorithm = forger.jwk.alg;
        let token = forger.token(&forger.claims()).await;
        assert!(forger.is_active(&token).await, "{algorithm}");
        forger.issuer.revoke(&forger.client, &token).await;
        assert!(!forger.is_active(&token).await, "{algorithm}");
    }
}

#[tokio::test]
async fn invariant_6_the_algorithm_none_is_rejected() {
    for forger in forgers().await {
        let (algorithm, claims) = (forger.jwk.alg, forger.claims().to_string());
        let payload = base64url(&claims);
        for none in ["none", "None", "NONE", "nOnE", ""] {
            let mut header = forger.header();
            header["alg"] = none.into();
            let signed = format!("{}.{payload}", base64url(header.to_string()));
            for token in [
                signed.clone(),
                format!("{signed}."),
                format!("{signed}.AA"),
                forger.sign(header.to_string(), &claims).await,
            ] {
                forger
                    .assert_rejected(&token, &format!("{algorithm} {none}"))
                    .await;
            }
        }
    }
}

/// What an attacker may take for the secret: the published key in every form.
fn public_key_bytes(jwk: &PublicJwk) -> Vec<Vec<u8>> {
    use base64::Engine;
    let decode = |text: &str| {
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text);
        bytes.expect("base64url")
    };
    let mut forms = vec![serde_json::to_vec(jwk).expect("JSON"), Vec::new()];
    forms.push(jwk.kid.as_str().as_bytes().to_vec());
    let jwk = json!(jwk);
    let members = ["n", "e", "x", "y"].map(|name| jwk[name].as_str());
    for member in members.into_iter().flatten() {
        forms.extend([decode(member), member.as_bytes().to_vec()]);
    }
    if let [_, _, Some(x), Some(y)] = members {
        forms.push([vec![4], decode(x), decode(y)].concat());
    }
    forms
}

#[tokio::test]
async fn invariant_6_an_hmac_with_the_public_key_is_rejected() {
    for forger in forgers().await {
        let (algorithm, claims) = (forger.jwk.alg, forger.claims().to_string());
        let payload = base64url(&claims);
        for secret in public_key_bytes(&forger.jwk) {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
            for claimed in ["HS256", algorithm.as_str()] {
                let mut header = forger.header();
                header["alg"] = claimed.into();
                let signed = format!("{}.{payload}", base64url(header.to_string()));
                let tag = hmac::sign(&key, signed.as_bytes());
                let token = format!("{signed}.{}", base64url(tag));
                forger
                    .assert_rejected(&token, &format!("{algorithm} as {claimed}"))
                    .await;
            }
        }
    }
}

#[tokio::test]
async fn invariant_6_the_algorithm_is_the_keys_and_not_the_headers() {
    for forger in forgers().await {
        let (algorithm, claims) = (forger.jwk.alg, forger.claims().to_string());
        for named in [
            "RS256", "PS256", "ES256", "EdDSA", "RS512", "ES384", "Ed25519", "es256",
        ] {
            if named == algorithm.as_str() {
                continue;
            }
            let mut header = forger.header();
            header["alg"] = named.into();
            let token = forger.sign(header.to_string(), &claims).await;
            forger
                .assert_rejected(&token, &format!("{algorithm} as {named}"))
                .await;
        }
        for other in Algorithm::ALL
            .into_iter()
            .filter(|other| *other != algorithm)
        {
            let another = Forger::with_key_of(&forger.issuer, &forger.client, other).await;
            let mut header = forger.header();
            header["kid"] = another.jwk.kid.as_str().into();
            let case = format!("{algorithm} by the key of {other}");
            let token = forger.sign(header.to_string(), &claims).await;
            forger.assert_rejected(&token, &case).await;
            // And with the other key's algorithm as well: only the signature is wrong.
            let token = forger.sign(another.header().to_string(), &claims).await;
            forger.assert_rejected(&token, &case).await;
        }
    }
}

#[tokio::test]
async fn invariant_6_a_key_that_the_token_brings_along_is_not_used() {
    for forger in forgers().await {
        let (algorithm, claims) = (forger.jwk.alg, forger.claims().to_string());
        let own = generate_private_key(algorithm).expect("a key");
        let own = InProcessSigner::from_pkcs8(algorithm, &own).expect("a key");
        let own_jwk = own.public_key();
        let base = json!({ "alg": algorithm, "typ": "at+jwt" });
        let own_kid = own_jwk.kid.as_str();
        let our_kid = forger.jwk.kid.as_str();
        for more in [
            json!({ "jwk": own_jwk }),
            json!({ "jwk": own_jwk, "kid": own_kid }),
            json!({ "jwk": own_jwk, "kid": our_kid }),
            json!({ "jku": "https://evil.example/jwks.json", "kid": own_kid }),
            json!({ "jku": "https://evil.example/jwks.json", "kid": our_kid }),
            json!({ "x5u": "https://evil.example/cert.pem", "kid": our_kid }),
            json!({ "x5c": ["MIIB"], "kid": our_kid }),
        ] {
            let mut header = base.clone();
            let members = header.as_object_mut().expect("an object");
            members.extend(more.as_object().expect("an object").clone());
            let signed = format!("{}.{}", base64url(header.to_string()), base64url(&claims));
            let signature = own.sign(signed.as_bytes()).await.expect("a signature");
            let token = format!("{signed}.{}", base64url(signature));
            forger
                .assert_rejected(&token, &format!("{algorithm} {more}"))
                .await;
        }
        // Even our own key is not to be named like that.
        let mut header = forger.header();
        header["jwk"] = json!(forger.jwk);
        let token = forger.sign(header.to_string(), &claims).await;
        forger.assert_rejected(&token, "our own jwk").await;
    }
}

/// Every header is signed by the right key, and wrong in one respect.
#[tokio::test]
async fn rfc9068_4_a_header_that_is_not_an_access_tokens_is_refused() {
    let forger = Forger::of_new_issuer(Algorithm::ES256).await;
    let claims = forger.claims().to_string();
    let right = forger.header();
    let with = |name: &str, value: Value| {
        let mut header = right.clone();
        header[name] = value;
        header.to_string()
    };
    let without = |name: &str| {
        let mut header = right.clone();
        header.as_object_mut().expect("an object").remove(name);
        header.to_string()
    };
    let kid = forger.jwk.kid.as_str();
    let headers = [
        with("typ", "JWT".into()),
        with("typ", "at+JWT2".into()),
        with("typ", "application/jwt".into()),
        with("typ", "dpop+jwt".into()),
        with("typ", "logout+jwt".into()),
        with("typ", "".into()),
        with("typ", " at+jwt".into()),
        with("typ", json!(["at+jwt"])),
        with("typ", Value::Null),
        without("typ"),
        without("alg"),
        without("kid"),
        with("kid", "".into()),
        with("kid", Value::Null),
        with("kid", json!([kid])),
        with("kid", format!("{kid}\0").into()),
        with("kid", format!(" {kid}").into()),
        with("kid", "../../etc/passwd".into()),
        with("kid", "' OR 1=1 --".into()),
        with("alg", json!(["ES256"])),
        with("alg", json!(256)),
        with("crit", json!(["exp"])),
        with("crit", json!([])),
        with("crit", json!(["b64"])),
        with("crit", json!("x")),
        // RFC 8259: what a reader does with repeated names is undefined, so there are none.
        format!(r#"{{"alg":"ES256","alg":"ES256","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"none","typ":"at+jwt","kid":"{kid}","alg":"ES256"}}"#),
        format!(r#"{{"alg":"ES256","typ":"JWT","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"ES256","typ":"at+jwt","kid":"x","kid":"{kid}"}}"#),
        format!("{right} x"),
        format!("[{right}]"),
        format!("\u{feff}{right}"),
        "null".to_owned(),
        "{}".to_owned(),
        String::new(),
    ];
    for header in headers {
        let token = forger.sign(&header, &claims).await;
        forger.assert_rejected(&token, &header).await;
    }
    let not_utf8 = [header_bytes(&right), vec![0xff]].concat();
    let token = forger.sign(not_utf8, &claims).await;
    forger.assert_rejected(&token, "not UTF-8").await;
}

fn header_bytes(header: &Value) -> Vec<u8> {
    header.to_string().into_bytes()
}

/// RFC 9068 §4 and RFC 2045: with the prefix, and in any case; and unknown members are ignored.
#[tokio::test]
async fn rfc9068_4_the_type_has_its_long_form_and_no_case() {
    let forger = Forger::of_new_issuer(Algorithm::ES256).await;
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/At+Jwt",
    ] {
        let mut header = forger.header();
        header["typ"] = typ.into();
        header["unknown"] = json!({ "a": 1 });
        let claims = forger.claims().to_string();
        let token = forger.sign(header.to_string(), claims).await;
        assert!(forger.is_active(&token).await, "{typ}");
    }
}

#[tokio::test]
async fn what_has_not_three_parts_is_rejected() {
    let forger = Forger::of_new_issuer(Algorithm::ES256).await;
    let token = forger.token(&forger.claims()).await;
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("three parts");
    };
    for text in [
        format!("{header}.{payload}"),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{header}.{payload}."),
        format!("{token}."),
        format!(".{token}"),
        format!("{header}.{payload}.{payload}.{signature}"),
        format!("{header}.{header}.{payload}.{signature}.{signature}"),
        format!("{header},{payload},{signature}"),
        format!("{header} .{payload}.{signature}"),
        format!("Bearer {token}"),
        format!("{token}\n"),
        format!("{token}~"),
        format!("{token}.{}", "x".repeat(9000)),
        ".".to_owned(),
        "..".to_owned(),
        "....".to_owned(),
        json!({ "payload": payload, "protected": header, "signature": signature }).to_string(),
    ] {
        forger.assert_rejected(&text, &text).await;
    }
}
