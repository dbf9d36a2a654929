use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tokensmith_issuer::credential::random_id;
use tokensmith_tests::{CodeFlow, TestClient, TestIssuer};

/// A provider that people sign in at, with one client.
pub struct Provider {
    pub name: &'static str,
    pub url: String,
    /// Whether it hashes the passwords.
    pub hashes: bool,
    pub users: Vec<String>,
    client: TestClient,
    process: Process,
}

enum Process {
    Ours(Box<TestIssuer>),
    /// With what it prints: the library prints warnings, and ends where nobody could read them.
    Other {
        child: Child,
        _output: BufReader<ChildStdout>,
    },
}

impl Provider {
    /// `tokensmith serve` with somebody who has a password.
    pub fn ours() -> Self {
        let issuer = TestIssuer::serve(&["--alg=ES256"]);
        for name in users() {
            let create = ["user", "create", &name, "--password-stdin"];
            let created = issuer.try_manage_with(
                &[&create[..], &["--email=ada@example.com"]].concat(),
                PASSWORD,
            );
            assert!(created.status.success(), "a user is made");
        }
        let callback = format!("--redirect-uri={CALLBACK}");
        let scopes = [
            "--grant=authorization_code",
            "--scope=openid",
            "--scope=email",
            "--scope=read",
        ];
        let client = issuer.register("shop", &[&scopes[..], &[&callback]].concat());
        Self {
            name: "tokensmith",
            url: issuer.url.clone(),
            hashes: true,
            users: users(),
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
        let (mut url, mut stdout) = (String::new(), BufReader::new(stdout));
        let read = stdout.read_line(&mut url);
        read.expect("it says where it listens");
        Self {
            name: "node-oidc-provider",
            url: url.trim().to_owned(),
            hashes: false,
            users: users(),
            client,
            process: Process::Other {
                child,
                _output: stdout,
            },
        }
    }

    pub fn process_id(&mut self) -> u32 {
        match &mut self.process {
            Process::Ours(issuer) => issuer.process_id(),
            Process::Other { child, .. } => child.id(),
        }
    }

    /// A new request of the client, whose people are always asked.
    pub fn flow(&self) -> CodeFlow {
        CodeFlow::new(&self.client, CALLBACK, "openid email read").with("prompt", "consent")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::Other { child, .. } = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn users() -> Vec<String> {
    (0..USERS).map(|index| format!("ada-{index}")).collect()
}

/// As many as sign in at once.
pub const USERS: usize = 32;
pub const PASSWORD: &str = "a long walk by the river";
const CALLBACK: &str = "https://shop.example/callback";
