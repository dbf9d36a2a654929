//! Prints what verifying an ES256 token costs beside the raw signature verification, with 100,000
//! live revocations in the view. Run it with `--release` on a quiet machine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    ParsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tokensmith_verifier::{
    CacheHeaders, Clock, Fetch, FetchError, FetchRequest, Fetched, Revocation, RevocationSource,
    RevocationStatus, RevocationView, SignedClaims, SourceUnavailable, Verifier,
};

type Error = Box<dyn std::error::Error>;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://api.example";
const KEY: &str = "key-1";
const BATCHES: usize = 1000;
const BATCH: u32 = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
    let token = token(&pair)?;
    let now = Clock::System.now().seconds();
    let view = RevocationView::new();
    let other = (0..100_000).map(|n| Revocation::of_token(&format!("other-{n}"), now + 600));
    view.apply(other, now);
    let verifier = Verifier::builder(ISSUER)
        .audience(AUDIENCE)
        .fetch(Arc::new(OneKey(key_set(&pair))))
        .revocations(Arc::new(View(view)))
        .build()?;

    let (message, signature) = token.rsplit_once('.').ok_or("a token has three parts")?;
    let signature = URL_SAFE_NO_PAD.decode(signature)?;
    let public_key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key())?;
    verifier.verify(&token).await?;
    for round in 1..=3 {
        let (mut raw, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..BATCHES {
            let started = Instant::now();
            for _ in 0..BATCH {
                public_key.verify_sig(message.as_bytes(), &signature)?;
            }
            raw.push(started.elapsed());
            let started = Instant::now();
            for _ in 0..BATCH {
                verifier.verify(&token).await?;
            }
            whole.push(started.elapsed());
        }
        let (raw, whole) = (median_us(raw), median_us(whole));
        println!(
            "{round}: signature {raw:.2} µs, verify {whole:.2} µs, ratio {:.3}",
            whole / raw
        );
    }
    Ok(())
}

/// The time of one in the batch in the middle: batches are short, and what other programs take away from one
/// of them does not count.
fn median_us(mut batches: Vec<Duration>) -> f64 {
    batches.sort();
    batches[batches.len() / 2].as_secs_f64() / f64::from(BATCH) * 1e6
}

fn key_set(pair: &EcdsaKeyPair) -> Value {
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    json!({ "keys": [{
        "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256", "kid": KEY,
    }] })
}

fn token(pair: &EcdsaKeyPair) -> Result<String, Error> {
    let now = Clock::System.now().seconds();
    let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": KEY });
    let claims = json!({
        "iss": ISSUER, "sub": "alice", "aud": AUDIENCE, "exp": now + 600, "iat": now,
        "jti": "token-1", "client_id": "app", "scope": "orders:read", "grant_id": "grant-1",
    });
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes())?;
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

#[derive(Debug)]
struct OneKey(Value);

#[async_trait]
impl Fetch for OneKey {
    async fn fetch(&self, _: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let document = self.0.to_string().into_bytes();
        Ok(Fetched::Document(document, CacheHeaders::default()))
    }
}

/// A view that is filled once and stays as it is.
#[derive(Debug)]
struct View(RevocationView);

#[async_trait]
impl RevocationSource for View {
    async fn status_of(
        &self,
        token: &SignedClaims,
        now: u64,
    ) -> Result<RevocationStatus, SourceUnavailable> {
        Ok(self.0.status_of(token, now))
    }
}
