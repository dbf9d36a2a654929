//! A KMS in this process, at the SDK's connector: strict where the emulator is not, and with faults.
//! Its signing keys are Ed25519, the one algorithm that signs the message itself.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
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
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokensmith_aws::AwsClients;
use tokensmith_aws::kms::CustodyMode;

use tokensmith_tests::TestCustody;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::faults::{Attempt, Faults, answer, cut_off, refusal};

/// The KMS.
#[derive(Clone)]
pub struct FakeKms {
    keys: Arc<Mutex<Keys>>,
    faults: Faults,
}

struct Keys {
    wrapping: RandomizedNonceKey,
    signing: HashMap<String, KmsKey>,
}

struct KmsKey {
    pair: Ed25519KeyPair,
    state: &'static str,
}

impl FakeKms {
    /// A KMS that has one symmetric key, [`WRAPPING_KEY`].
    pub fn new() -> Self {
        let wrapping = RandomizedNonceKey::new(&AES_256_GCM, &[7; 32]).expect("a key");
        Self {
            keys: Arc::new(Mutex::new(Keys {
                wrapping,
                signing: HashMap::new(),
            })),
            faults: Faults::default(),
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

    /// Every signing key is in this state from now on: `Enabled`, `Disabled` or `PendingDeletion`.
    pub fn set_key_states(&self, state: &'static str) {
        let mut keys = self.lock();
        keys.signing.values_mut().for_each(|key| key.state = state);
    }

    /// The states of all signing keys.
    pub fn key_states(&self) -> Vec<&'static str> {
        self.lock().signing.values().map(|key| key.state).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().expect("no test has panicked here")
    }
}

impl Deref for FakeKms {
    type Target = Faults;

    fn deref(&self) -> &Faults {
        &self.faults
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
        let attempt = Attempt::of(&request);
        let (operation, body) = (attempt.operation.clone(), attempt.json());
        let fault = self.next(attempt);
        let mut keys = self.lock();
        let timeout = || ConnectorError::timeout("a planned fault".into());
        let answered = match fault {
            Some(Fault::Silence) => return HttpConnectorFuture::new(std::future::pending()),
            Some(Fault::Throttled) => Err(("ThrottlingException", "a planned fault")),
            Some(Fault::After) => {
                let _ = keys.answer(&operation, &body);
                return HttpConnectorFuture::ready(Err(timeout()));
            }
            Some(Fault::OtherKey) => {
                let other = KmsKey::generate();
                Ok(json!({ "PublicKey": other.spki(), "Signature": other.sign(b"something else") }))
            }
            Some(Fault::Junk) => {
                let junk = STANDARD.encode("junk");
                Ok(json!({ "PublicKey": junk, "Signature": "", "Plaintext": junk }))
            }
            Some(Fault::CutOff) => {
                let whole = keys
                    .answer(&operation, &body)
                    .expect("an answer")
                    .to_string();
                return HttpConnectorFuture::ready(Ok(cut_off(whole.as_bytes())));
            }
            Some(Fault::Before | Fault::Unprocessed | Fault::Undated | Fault::IndexAsOf(_)) => {
                panic!("{fault:?} is not faked")
            }
            None => keys.answer(&operation, &body),
        };
        let mut response = match answered {
            Ok(json) => answer(200, &json),
            Err((kind, message)) => refusal(kind, message),
        };
        let headers = response.headers_mut();
        headers.insert("x-amzn-requestid", REQUEST_ID);
        HttpConnectorFuture::ready(Ok(response))
    }
}

type Answered = Result<Value, (&'static str, &'static str)>;

impl Keys {
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
                self.signing.insert(arn.clone(), KmsKey::generate());
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

impl KmsKey {
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
