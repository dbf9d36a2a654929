//! Tokens that are bound to a key (RFC 9449).

mod bad_proofs;
mod binding;
mod codes;

use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::{Answer, HttpRequest, TestClient, TestIssuer, TestProof, unique};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

/// An issuer, a resource whose verifiers check proofs, a client that may have tokens for it, and a key.
struct Bound {
    issuer: TestIssuer,
    /// Owns the resource.
    server: TestClient,
    resource: String,
    client: TestClient,
    key: OwnKey,
}

impl Bound {
    fn new() -> Self {
        Self::with(
            "optional",
            SignatureAlgorithm::ES256,
            |issuer, arguments| issuer.register("bound", arguments),
        )
    }

    fn of_public_client() -> Self {
        Self::with(
            "optional",
            SignatureAlgorithm::ES256,
            |issuer, arguments| {
                let own: Vec<_> = arguments
                    .iter()
                    .filter(|one| **one != "--grant=client_credentials")
                    .copied()
                    .collect();
                issuer.register_public("bound", &own)
            },
        )
    }

    fn with(
        dpop: &str,
        algorithm: SignatureAlgorithm,
        register: impl FnOnce(&TestIssuer, &[&str]) -> TestClient,
    ) -> Self {
        let issuer = TestIssuer::shared();
        let server = issuer.register("server", &[]);
        let resource = format!("https://api.example/{}", unique("bound"));
        let settings = ["--owner", &server.id, "--dpop", dpop];
        issuer.register_resource(&resource, &["read"], &settings);
        let allow = format!("{resource}=read");
        let arguments = [
            "--grant=client_credentials",
            "--grant=refresh_token",
            "--allow",
            &allow,
        ];
        let client = register(&issuer, &arguments);
        Self {
            issuer,
            server,
            resource,
            client,
            key: OwnKey::new(algorithm),
        }
    }

    /// A good proof for the token endpoint, which may be changed.
    fn proof(&self) -> TestProof {
        let url = format!("{}{}", self.issuer.url, paths::TOKEN);
        TestProof::new(&self.key, "POST", &url)
    }

    /// The client asks for a token of its own with this proof.
    fn ask(&self, proof: &str) -> Answer {
        let request = HttpRequest::client_credentials(&self.client);
        self.issuer.send(&request.header("dpop", proof))
    }

    fn refresh(&self, token: &str, key: Option<&OwnKey>) -> Answer {
        let request = HttpRequest::refresh(&self.client, token);
        self.issuer.send(&match key {
            Some(key) => request.proving(key, &self.issuer.url),
            None => request,
        })
    }

    /// A grant of somebody to the client.
    fn granted(&self) -> String {
        let grant = self
            .issuer
            .grant(&self.client, &unique("ada"), &["--scope=read"]);
        grant.token
    }
}
