//! Every algorithm in both custodies, with keys that a KMS over HTTP has made: each token is verified by
//! the verifier crate with what the issuer publishes (RFC 7515 §5.2, RFC 7518 §3, RFC 8037 §3.1).

use std::time::Duration;

use http::{Method, Request};
use tempfile::TempDir;
use tokensmith_aws::kms::CustodyMode;
use tokensmith_issuer::endpoint;
use tokensmith_issuer::keys::{EncryptionContext, KeyUse, PrivateKey};
use tokensmith_issuer::store::records::{FeedAttributes, RevokedToken};
use tokensmith_tests::InProcess;
use tokensmith_tests::TestCustody;
use tokensmith_tests::emulated::EmulatedAws;
use tokensmith_verifier::{Algorithm, FeedDocument, JwkSet, VerificationKeys};
use tokio::runtime::Runtime;

struct Kms {
    aws: EmulatedAws,
    _logs: TempDir,
}

impl Kms {
    fn start() -> Self {
        let logs = TempDir::new().expect("a directory");
        Self {
            aws: EmulatedAws::start(logs.path()),
            _logs: logs,
        }
    }

    /// Runs `scenario` with what is kept there.
    fn with<F: Future<Output = ()>>(mode: CustodyMode, scenario: impl FnOnce(TestCustody) -> F) {
        let kms = Self::start();
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async { scenario(kms.custody(mode).await).await });
    }

    async fn custody(&self, mode: CustodyMode) -> TestCustody {
        let client = self.aws.clients().await.kms;
        TestCustody::kms(client, mode, &self.aws.wrapping_key)
    }
}

async fn published(issuer: &InProcess) -> VerificationKeys {
    let request = Request::builder()
        .method(Method::GET)
        .body(Default::default());
    let request = request.expect("a request");
    let answer = issuer.issuer.handle(&endpoint::JWKS, request).await;
    let keys: JwkSet = serde_json::from_slice(answer.body()).expect("a JWK set");
    VerificationKeys::new(&keys).expect("usable keys")
}

/// The tokens of an issuer whose keys are in `custody`, one for each algorithm, over two generations of
/// keys.
async fn every_token_verifies(custody: TestCustody) {
    let issuer = InProcess::kept_by(custody, |config| config.algorithms = Algorithm::ALL.into());
    let issuer = issuer.await;
    for round in 0..2 {
        for algorithm in Algorithm::ALL {
            let id = format!("{algorithm}-{round}");
            let client = issuer.confidential(&id, |client| client.algorithm = Some(algorithm));
            let client = client.await;
            let answer = issuer.client_credentials(&client).await;
            assert_eq!(answer.status, 200, "{algorithm}: {}", answer.body);
            let token = answer.access_token();
            let keys = published(&issuer).await;
            let claims = keys.signed_claims(&token).expect("it verifies").claims;
            assert_eq!(claims.client_id, id);
            // It is this signature that is verified, and not any.
            let (signed, signature) = token.rsplit_once('.').expect("a signature");
            let last = signature.chars().rev().collect::<String>();
            assert!(keys.signed_claims(&format!("{signed}.{last}")).is_err());
        }
        let rotation = issuer.key_rotation(|_| {});
        let rotated = rotation.rotate_now(&Algorithm::ALL, issuer.now()).await;
        assert_eq!(rotated.expect("it is rotated").created.len(), 4);
        issuer.pass(issuer.config.cache_ttl.as_secs());
    }
}

#[test]
fn tokens_signed_by_kms_verify() {
    Kms::with(CustodyMode::Kms, every_token_verifies);
}

#[test]
fn tokens_signed_with_keys_wrapped_by_kms_verify() {
    Kms::with(CustodyMode::KmsDataKey, every_token_verifies);
}

#[test]
fn a_wrapped_key_opens_in_its_own_context_only() {
    Kms::with(CustodyMode::KmsDataKey, own_context_only);
}

/// The private half comes out of KMS wrapped for this issuer, this use and this key.
async fn own_context_only(custody: TestCustody) {
    let issuer = "https://issuer.example".parse().expect("a URL");
    for algorithm in Algorithm::ALL {
        let context = EncryptionContext::new(&issuer, KeyUse::Signing);
        let made = custody
            .make
            .new_key_pair(algorithm, context)
            .await
            .expect("a key");
        let (public_key, PrivateKey::Wrapped(wrapped)) = made else {
            panic!("{algorithm}: the private key is not wrapped");
        };
        let private_key = PrivateKey::Wrapped(wrapped.clone());
        let signer = custody
            .sign
            .signer(algorithm, &private_key)
            .await
            .expect("a signer");
        assert_eq!(*signer.public_key(), public_key, "{algorithm}");
        let mut relabelled = wrapped;
        relabelled.context.key_use = KeyUse::Hmac;
        assert!(
            custody.open.unwrap(&relabelled).await.is_err(),
            "{algorithm}"
        );
    }
}

/// KMS signs 4 KiB with EdDSA, which many revocations of one second exceed: a key of another algorithm
/// signs the feed then.
#[test]
fn the_feed_is_signed_by_a_key_that_signs_documents_of_any_length() {
    Kms::with(CustodyMode::Kms, |custody| async {
        let issuer = InProcess::kept_by(custody, |config| {
            config.algorithms = vec![Algorithm::EdDSA, Algorithm::ES256];
        });
        let issuer = issuer.await;
        let (now, end) = (issuer.now(), issuer.now().after(Duration::from_secs(3600)));
        for number in 0..100 {
            let record = RevokedToken {
                jti: format!("{number}"),
                expires_at: end,
                feed: FeedAttributes::new(now, end),
            };
            issuer.table().insert(&record).await.expect("an insert");
        }
        let request = Request::builder()
            .method(Method::GET)
            .body(Default::default());
        let request = request.expect("a request");
        let answer = issuer.issuer.handle(&endpoint::REVOCATIONS, request).await;
        let feed = String::from_utf8(answer.body().to_vec()).expect("text");
        let (url, now) = (issuer.config.issuer.as_str(), now.seconds());
        let keys = published(&issuer).await;
        let verified = FeedDocument::verified(&feed, &keys, url, 0, now);
        let (_, document) = verified.expect("a document");
        assert_eq!((document.entries.len(), document.more), (100, false));
    });
}
