use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokensmith_issuer::credential::random_id;
use tokensmith_tests::{CodeFlow, TestClient, TestIssuer};

/// A provider that people sign in at, with one client.
pub struct Provider {
    pub name: &'static str,
    pub url: String,
    /// Whether it hashes the passwords.
    pub hashes: bool,
    client: TestClient,
    process: Process,
}

enum Process {
    Ours(Box<TestIssuer>),
    Other(Child),
}

impl Provider {
    /// `tokensmith serve` with somebody who has a password.
    pub fn ours() -> Self {
        let issuer = TestIssuer::serve(&["--alg=ES256"]);
        let [(_, name), _] = ENTERED;
        let create = [
            "user",
            "create",
            name,
            "--password-stdin",
            "--email=ada@example.com",
        ];
        let created = issuer.try_manage_with(&create, PASSWORD);
        assert!(created.status.success(), "a user is made");
        let callback = format!("--redirect-uri={CALLBACK}");
        let scopes = ["--scope=openid", "--scope=email", "--scope=read"];
        let client = issuer.register("shop", &[&scopes[..], &[&callback]].concat());
        Self {
            name: "tokensmith",
            url: issuer.url.clone(),
            hashes: true,
            client,
            process: Process::Ours(Box::new(issuer)),
        }
    }

    /// node-oidc-provider, which `tests/install` has installed.
    pub fn other() -> Self {
        let client = TestClient::new("shop", &random_id());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/measured-provider.mjs");
        let mut command = Command::new("node");
        command
            .arg(script)
            .args([&client.id, client.secret(), CALLBACK]);
        // It ends with its standard input: whatever becomes of this process.
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.expect("node is there");
        let stdout = child.stdout.take().expect("a pipe");
        let mut url = String::new();
        let read = BufReader::new(stdout).read_line(&mut url);
        read.expect("it says where it listens");
        Self {
            name: "node-oidc-provider",
            url: url.trim().to_owned(),
            hashes: false,
            client,
            process: Process::Other(child),
        }
    }

    pub fn process_id(&mut self) -> u32 {
        match &mut self.process {
            Process::Ours(issuer) => issuer.process_id(),
            Process::Other(child) => child.id(),
        }
    }

    /// A new request of the client, whose people are always asked.
    pub fn flow(&self) -> CodeFlow {
        CodeFlow::new(&self.client, CALLBACK, "openid email read").with("prompt", "consent")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::Other(child) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What people enter to sign in.
pub const ENTERED: [(&str, &str); 2] = [("user_name", "ada"), ("password", PASSWORD)];
pub const PASSWORD: &str = "a long walk by the river";
const CALLBACK: &str = "https://shop.example/callback";
