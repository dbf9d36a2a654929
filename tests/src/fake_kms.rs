//! A KMS in this process, at the SDK's connector: strict where the emulator is not, and with faults.
//! Its signing keys are Ed25519, the one algorithm that signs the message itself.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokensmith_aws::AwsClients;
use tokensmith_aws::kms::CustodyMode;

use crate::TestCustody;

/// What happens to one attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KmsFault {
    /// It is refused: too many requests.
    Throttled,
    /// It is carried out, and then the answer is lost.
    After,
    /// No answer ever comes: only a time limit ends it.
    Silence,
    /// It is carried out, but the answer is that of another key.
    OtherKey,
    /// It is answered with something that is no signature and no key.
    Junk,
}

/// One attempt as it was sent.
#[derive(Clone, Debug)]
pub struct KmsAttempt {
    /// The operation's name.
    pub operation: String,
    /// The request.
    pub body: Value,
}

/// The KMS.
#[derive(Clone)]
pub struct FakeKms {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    wrapping: RandomizedNonceKey,
    signing: HashMap<String, SigningKey>,
    plan: VecDeque<Option<KmsFault>>,
    outage: Option<KmsFault>,
    attempts: Vec<KmsAttempt>,
}

struct SigningKey {
    pair: Ed25519KeyPair,
    state: &'static str,
}

impl FakeKms {
    /// A KMS that has one symmetric key, [`WRAPPING_KEY`].
    ///
    /// # Panics
    /// When there is no randomness.
    pub fn new() -> Self {
        let wrapping = RandomizedNonceKey::new(&AES_256_GCM, &[7; 32]).expect("a key");
        Self {
            shared: Arc::new(Mutex::new(Shared {
                wrapping,
                signing: HashMap::new(),
                plan: VecDeque::new(),
                outage: None,
                attempts: Vec::new(),
            })),
        }
    }

    /// Custody `kms` in it, with the time limits and retries of production.
    pub fn custody(&self) -> TestCustody {
        self.custody_under(WRAPPING_KEY)
    }

    /// The same with another wrapping key.
    pub fn custody_under(&self, wrapping_key: &str) -> TestCustody {
        let nobody = Credentials::new("fake", "fake", None, None, "fake");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("eu-central-1"))
            .endpoint_url("http://kms.invalid")
            .credentials_provider(SharedCredentialsProvider::new(nobody))
            .http_client(self.clone())
            .build();
        let client = AwsClients::new(&config).kms;
        TestCustody::kms(client, CustodyMode::Kms, wrapping_key)
    }

    /// Plans the next attempts: the first takes the first fault, and so on. Later ones work.
    pub fn plan(&self, faults: impl IntoIterator<Item = Option<KmsFault>>) {
        self.lock().plan = faults.into_iter().collect();
    }

    /// From now on every attempt for which nothing else is planned ends like this.
    pub fn outage(&self, fault: Option<KmsFault>) {
        self.lock().outage = fault;
    }

    /// Every signing key is in this state from now on: `Enabled`, `Disabled` or `PendingDeletion`.
    pub fn set_key_states(&self, state: &'static str) {
        let mut shared = self.lock();
        shared
            .signing
            .values_mut()
            .for_each(|key| key.state = state);
    }

    /// The states of all signing keys.
    pub fn key_states(&self) -> Vec<&'static str> {
        self.lock().signing.values().map(|key| key.state).collect()
    }

    /// The attempts made since this was last asked.
    pub fn take_attempts(&self) -> Vec<KmsAttempt> {
        std::mem::take(&mut self.lock().attempts)
    }

    /// Their names.
    pub fn take_calls(&self) -> Vec<String> {
        let attempts = self.take_attempts().into_iter();
        attempts.map(|attempt| attempt.operation).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no test has panicked here")
    }
}

impl Default for FakeKms {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for FakeKms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FakeKms")
    }
}

impl HttpClient for FakeKms {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for FakeKms {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).expect("JSON");
        let mut shared = self.lock();
        let fault = shared.plan.pop_front().unwrap_or(shared.outage);
        shared.attempts.push(KmsAttempt {
            operation: operation.clone(),
            body: body.clone(),
        });
        let timeout = || ConnectorError::timeout("a planned fault".into());
        let answered = match fault {
            Some(KmsFault::Silence) => return HttpConnectorFuture::new(std::future::pending()),
            Some(KmsFault::Throttled) => Err(("ThrottlingException", "a planned fault")),
            Some(KmsFault::After) => {
                let _ = shared.answer(&operation, &body);
                return HttpConnectorFuture::ready(Err(timeout()));
            }
            Some(KmsFault::OtherKey) => {
                let other = SigningKey::generate();
                Ok(json!({ "PublicKey": other.spki(), "Signature": other.sign(b"something else") }))
            }
            Some(KmsFault::Junk) => {
                let junk = STANDARD.encode("junk");
                Ok(json!({ "PublicKey": junk, "Signature": "", "Plaintext": junk }))
            }
            None => shared.answer(&operation, &body),
        };
        let (status, json) = match answered {
            Ok(json) => (200, json),
            Err((kind, message)) => (400, json!({ "__type": kind, "message": message })),
        };
        let status = StatusCode::try_from(status).expect("a status");
        let mut response = HttpResponse::new(status, SdkBody::from(json.to_string()));
        response
            .headers_mut()
            .insert("x-amzn-requestid", REQUEST_ID);
        HttpConnectorFuture::ready(Ok(response))
    }
}

type Answered = Result<Value, (&'static str, &'static str)>;

impl Shared {
    fn answer(&mut self, operation: &str, body: &Value) -> Answered {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let bytes = |name: &str| STANDARD.decode(text(name)).expect("base64");
        match operation {
            "CreateKey" => {
                assert_eq!(text("KeySpec"), "ECC_NIST_EDWARDS25519");
                let arn = format!(
                    "arn:aws:kms:eu-central-1:111122223333:key/{}",
                    self.signing.len()
                );
                self.signing.insert(arn.clone(), SigningKey::generate());
                Ok(json!({ "KeyMetadata": { "KeyId": arn, "Arn": arn } }))
            }
            "GenerateDataKeyWithoutPlaintext" => {
                wraps(text("KeyId"))?;
                let mut sealed = vec![9; 32];
                let nonce = self
                    .wrapping
                    .seal_in_place_append_tag(bound_to(body), &mut sealed);
                sealed.extend_from_slice(nonce.expect("sealed").as_ref());
                Ok(json!({ "CiphertextBlob": STANDARD.encode(sealed) }))
            }
            "Decrypt" => {
                wraps(text("KeyId"))?;
                let mut sealed = bytes("CiphertextBlob");
                let invalid = ("InvalidCiphertextException", "");
                let at = sealed.len().checked_sub(NONCE_LEN).ok_or(invalid)?;
                let nonce = sealed.split_off(at);
                let nonce = Nonce::try_assume_unique_for_key(&nonce).map_err(|_| invalid)?;
                let opened = self
                    .wrapping
                    .open_in_place(nonce, bound_to(body), &mut sealed);
                let plaintext = opened.map_err(|_| invalid)?;
                Ok(json!({ "Plaintext": STANDARD.encode(plaintext) }))
            }
            _ => {
                let key = self.signing.get_mut(text("KeyId"));
                key.ok_or(("NotFoundException", "no such key"))?
                    .answer(operation, body)
            }
        }
    }
}

impl SigningKey {
    fn generate() -> Self {
        Self {
            pair: Ed25519KeyPair::generate().expect("a key"),
            state: "Enabled",
        }
    }

    fn spki(&self) -> String {
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(self.pair.public_key());
        STANDARD.encode(der.expect("DER").as_ref())
    }

    fn sign(&self, message: &[u8]) -> String {
        STANDARD.encode(self.pair.sign(message).as_ref())
    }

    fn answer(&mut self, operation: &str, body: &Value) -> Answered {
        match operation {
            "DescribeKey" => {
                Ok(json!({ "KeyMetadata": { "KeyId": "key", "KeyState": self.state } }))
            }
            "ScheduleKeyDeletion" if self.state == "PendingDeletion" => {
                Err(("KMSInvalidStateException", "the key is pending deletion"))
            }
            "ScheduleKeyDeletion" => {
                self.state = "PendingDeletion";
                Ok(json!({}))
            }
            _ if self.state == "Disabled" => Err(("DisabledException", "the key is disabled")),
            _ if self.state != "Enabled" => {
                Err(("KMSInvalidStateException", "the key is pending deletion"))
            }
            "GetPublicKey" => Ok(json!({ "PublicKey": self.spki() })),
            "Sign" => {
                assert_eq!(body["MessageType"], "RAW");
                assert_eq!(body["SigningAlgorithm"], "ED25519_SHA_512");
                let message = STANDARD.decode(body["Message"].as_str().expect("a message"));
                let message = message.expect("base64");
                if message.len() > 4096 {
                    return Err((
                        "ValidationException",
                        "the message is longer than 4096 bytes",
                    ));
                }
                Ok(json!({ "Signature": self.sign(&message) }))
            }
            other => panic!("{other} is not faked"),
        }
    }
}

fn wraps(key_id: &str) -> Result<(), (&'static str, &'static str)> {
    match key_id {
        WRAPPING_KEY => Ok(()),
        _ => Err(("IncorrectKeyException", "another key has wrapped it")),
    }
}

fn bound_to(body: &Value) -> Aad<Vec<u8>> {
    let context: BTreeMap<String, String> =
        serde_json::from_value(body["EncryptionContext"].clone()).unwrap_or_default();
    Aad::from(format!("{context:?}").into_bytes())
}

/// The only key that wraps.
pub const WRAPPING_KEY: &str = "alias/tokensmith";

/// The id of every answer.
pub const REQUEST_ID: &str = "c0ffee00-0000-4000-8000-000000000001";
