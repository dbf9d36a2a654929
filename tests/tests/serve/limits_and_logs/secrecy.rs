//! Invariant 1: no secret and no token in the table, in a log line or in what commands print.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokensmith_tests::{HttpRequest, TestClient, TestIssuer, all_bytes, eventually, form_encode};

use super::{GRANT, JWKS, TOKEN, form};

#[test]
fn invariant_1_no_secret_and_no_token_is_at_rest_or_in_a_log() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256", "--alg=RS256"]);
    let mut seen = Secrets::default();
    seen.add(demo_secret(issuer.greeting()));
    let mut printed = String::new();
    for algorithm in ["ES256", "RS256"] {
        let options = [
            "--scope=a",
            "--audience=https://api.example/",
            "--alg",
            algorithm,
        ];
        let mut client = issuer.register("secret", &options);
        seen.add_client(&client);
        use_well(&issuer, &client, &mut seen);
        for request in misuses(&client) {
            let answer = issuer.send(&request).body;
            assert!(!seen.is_in(answer.as_bytes()), "{answer}");
        }
        let rotated = issuer.manage(&["client", "rotate-secret", &client.id]);
        let secret = rotated["client_secret"].as_str().expect("a secret");
        client = TestClient::new(&client.id, secret);
        seen.add_client(&client);
        // The record is read again for the new secret, but not twice in one second.
        eventually("the new secret works", || {
            (issuer.token(&client, "").status == 200).then_some(())
        });
        use_well(&issuer, &client, &mut seen);
        printed.push_str(&manage(&issuer, &client, &seen));
    }
    // The search finds what is there.
    let everything = [
        ("the log", issuer.log().into_bytes()),
        ("what commands printed", printed.into_bytes()),
        ("the page", issuer.send(&HttpRequest::get("/")).body.into()),
        ("the data of the running issuer", all_bytes(issuer.data())),
        ("the data at rest", {
            issuer.terminate();
            all_bytes(issuer.data())
        }),
    ];
    for (name, bytes) in &everything {
        assert!(contains(bytes, b"secret-"), "{name} holds no client id");
        assert!(!seen.is_in(bytes), "{name} holds a secret or a token");
    }
    assert!(seen.is_in(seen.tokens[0].as_bytes()));
}

/// Every right way to use a secret.
fn use_well(issuer: &TestIssuer, client: &TestClient, seen: &mut Secrets) {
    let (id, secret) = (&client.id, client.secret());
    for request in [
        form(GRANT).basic(id, secret),
        form(GRANT).basic(id, &form_encode(secret)),
        form(format!("{GRANT}&client_id={id}&client_secret={secret}")),
        form(format!(
            "{GRANT}&scope=a&client_id={id}&client_secret={secret}"
        )),
    ] {
        seen.add_token(&issuer.send(&request).token().text);
    }
}

/// The secret in every place where a confused client may put it.
fn misuses(client: &TestClient) -> Vec<HttpRequest> {
    let (id, secret) = (client.id.as_str(), client.secret());
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let good = |more: String| form(format!("{GRANT}{more}")).basic(id, secret);
    let mut requests: Vec<HttpRequest> = [
        "grant_type",
        "scope",
        "resource",
        "code",
        "refresh_token",
        "client_assertion",
        "password",
        "token",
        "unknown",
        "client_secret",
        "client_id",
    ]
    .iter()
    .flat_map(|name| {
        [
            good(format!("&{name}={secret}")),
            good(format!("&{name}={secret}&{name}={secret}")),
            good(format!("&{secret}={name}")),
            HttpRequest::post(&format!("{TOKEN}?{name}={secret}"), GRANT),
            HttpRequest::get(&format!("{TOKEN}?{GRANT}&client_id={id}&{name}={secret}")),
        ]
    })
    .collect();
    for name in [
        "authorization",
        "cookie",
        "user-agent",
        "x-request-id",
        "referer",
        "dpop",
    ] {
        for value in [
            secret,
            &basic,
            &format!("Bearer {secret}"),
            &basic[..basic.len() - 3],
        ] {
            requests.push(form(GRANT).header(name, value));
        }
    }
    requests.extend([
        // Swapped, cut off, with something around it, not encoded, in the wrong place.
        form(GRANT).basic(secret, id),
        form(GRANT).basic(id, &secret[..40]),
        form(GRANT).basic(id, &format!("{secret}%")),
        form(GRANT).basic(id, &format!(" {secret} ")),
        form(GRANT).basic("", &format!("{id}:{secret}")),
        form(GRANT).basic(&format!("{id}/"), secret),
        form(GRANT).header("authorization", format!("Basic {id}:{secret}")),
        form(format!("{GRANT}&client_id={secret}&client_secret={id}")),
        form(format!("{GRANT}&client_id=nobody&client_secret={secret}")),
        form(format!("grant_type={secret}")),
        form(format!("{GRANT}&x={secret}%")),
        form(secret),
        good(String::new()).header("content-type", secret),
        HttpRequest::post(&format!("{TOKEN}/{secret}"), GRANT),
        HttpRequest::post(
            &format!("http://{id}:{secret}@issuer.example{TOKEN}"),
            GRANT,
        ),
        HttpRequest::get(&format!("{JWKS}?client_secret={secret}")),
        HttpRequest::get(JWKS).header("if-none-match", secret),
    ]);
    requests
}

/// Every command that must show no secret, and what it printed.
fn manage(issuer: &TestIssuer, client: &TestClient, seen: &Secrets) -> String {
    let id = client.id.as_str();
    let token = seen.tokens.last().expect("a token");
    let commands: [&[&str]; 9] = [
        &["client", "list"],
        &["client", "show", id],
        &["client", "update", id, "--scope=b"],
        &["client", "create", "--id", id],
        &["client", "disable", id, "--yes"],
        &["client", "enable", id],
        &["key", "list"],
        &["inspect", token],
        &["inspect", client.secret()],
    ];
    let mut printed = String::new();
    for arguments in commands {
        let output = issuer.try_manage(arguments);
        printed.push_str(&String::from_utf8_lossy(&output.stdout));
        printed.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    printed
}

/// What must not be found again. Of each a part is searched for, so that what was cut off or has
/// something around it is found too.
#[derive(Default)]
struct Secrets {
    needles: Vec<String>,
    tokens: Vec<String>,
}

impl Secrets {
    fn add(&mut self, secret: &str) {
        self.needles.push(secret[4..20].to_owned());
    }

    fn add_client(&mut self, client: &TestClient) {
        self.add(client.secret());
        let basic = STANDARD.encode(format!("{}:{}", client.id, client.secret()));
        // From the first whole group of the secret on.
        let from = (client.id.len() + 1 + 4).div_ceil(3) * 4;
        self.needles.push(basic[from..from + 16].to_owned());
    }

    fn add_token(&mut self, token: &str) {
        let signature = token.rsplit('.').next().expect("a signature");
        self.needles.push(signature[..20].to_owned());
        self.tokens.push(token.to_owned());
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let mut needles = self.needles.iter();
        needles.any(|needle| contains(bytes, needle.as_bytes()))
    }
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

fn demo_secret(greeting: &str) -> &str {
    let secret = greeting.split("demo:").nth(1);
    secret
        .and_then(|rest| rest.split(' ').next())
        .expect("a secret")
}
