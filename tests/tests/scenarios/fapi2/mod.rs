//! The FAPI 2.0 Security Profile: clients that are registered with `--profile fapi2`. Where a module of the OpenID conformance suite's
//! plan `fapi2-security-profile-final-test-plan` (unsigned requests, `private_key_jwt`, DPoP) asks the same, the scenario has
//! its name.

mod client_credentials;
mod codes;
mod registration;
mod request_objects;

use serde_json::Value;
use tokensmith_tests::assertion::{OwnKey, assertion_claims};
use tokensmith_tests::{Answer, Form, HttpRequest, TestClient, TestIssuer, unique};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

/// A client of the profile, its key, the key of its proofs, and a resource whose verifiers check these.
struct Fapi {
    issuer: TestIssuer,
    server: TestClient,
    resource: String,
    client: TestClient,
    key: OwnKey,
    proofs: OwnKey,
}

impl Fapi {
    fn new(more: &[&str]) -> Self {
        Self::with(SignatureAlgorithm::ES256, more)
    }

    fn with(algorithm: SignatureAlgorithm, more: &[&str]) -> Self {
        let issuer = TestIssuer::shared();
        let server = issuer.register("server", &[]);
        let resource = format!("https://api.example/{}", unique("fapi"));
        let settings = ["--owner", &server.id, "--dpop=required"];
        issuer.register_resource(&resource, &["read", "write"], &settings);
        let key = OwnKey::new(algorithm);
        let client = register(&issuer, &resource, &key, more);
        Self {
            issuer,
            server,
            resource,
            client,
            key,
            proofs: OwnKey::new(SignatureAlgorithm::ES256),
        }
    }

    fn claims(&self) -> Value {
        assertion_claims(&self.client, &self.issuer.url)
    }

    fn assertion(&self) -> String {
        self.key.jwt(&self.claims())
    }

    /// A request that keeps to the profile.
    fn request(&self, path: &str, form: Form<'_>) -> HttpRequest {
        let request = HttpRequest::asserted(path, form, &self.assertion());
        request.proving(&self.proofs, &self.issuer.url)
    }

    fn token_with(&self, assertion: &str, proofs: Option<&OwnKey>) -> Answer {
        let request = HttpRequest::asserted(paths::TOKEN, &OWN, assertion);
        self.issuer.send(&match proofs {
            Some(key) => request.proving(key, &self.issuer.url),
            None => request,
        })
    }
}

fn register(issuer: &TestIssuer, resource: &str, key: &OwnKey, more: &[&str]) -> TestClient {
    let allow = format!("{resource}=read,write");
    let profile = ["--profile=fapi2", "--alg=ES256", "--allow", &allow];
    issuer.register_keys("fapi", &[key], &[&profile, more].concat())
}

const OWN: [(&str, &str); 1] = [("grant_type", "client_credentials")];
