//! Invariant 1: no secret and no token in the table, in a log line or in what commands print.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokensmith_tests::{
    HttpRequest, Secrets, TestClient, TestIssuer, all_bytes, contains, eventually, form_encode,
};

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
        let key = api_key(&issuer, &client);
        seen.add(&key);
        use_key_well(&issuer, &client, &key, &mut seen);
        let misuses = [client.secret(), &key].map(|secret| misuses(&client, secret));
        for request in misuses.concat() {
            let answer = issuer.send(&request).body;
            assert!(!seen.are_in(answer.as_bytes()), "{answer}");
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
        printed.push_str(&manage(&issuer, &client, &key, &seen));
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
        assert!(!seen.are_in(bytes), "{name} holds a secret or a token");
    }
    assert!(seen.are_in(seen.tokens()[0].as_bytes()));
    assert!(seen.are_in(demo_secret(issuer.greeting()).as_bytes()));
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

fn api_key(issuer: &TestIssuer, client: &TestClient) -> String {
    let create = ["api-key", "create", "--client", &client.id];
    let created = issuer.manage(&[&create[..], &["--name=job", "--scope=a"]].concat());
    created["api_key"].as_str().expect("a key").to_owned()
}

/// Every right way to use an API key.
fn use_key_well(issuer: &TestIssuer, client: &TestClient, key: &str, seen: &mut Secrets) {
    seen.add_token(&issuer.send(&HttpRequest::exchange(key)).token().text);
    assert_eq!(issuer.introspect(client, key)["active"], true);
}

/// The secret, or an API key, in every place where a confused client may put it.
fn misuses(client: &TestClient, secret: &str) -> Vec<HttpRequest> {
    let id = client.id.as_str();
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    let good = |more: String| form(format!("{GRANT}{more}")).by(client);
    let mut requests: Vec<HttpRequest> = [
        "grant_type",
        "scope",
        "resource",
        "code",
        "refresh_token",
        "client_assertion",
        "subject_token",
        "actor_token",
        "api_key",
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
        "x-api-key",
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
fn manage(issuer: &TestIssuer, client: &TestClient, key: &str, seen: &Secrets) -> String {
    let id = client.id.as_str();
    let token = seen.tokens().last().expect("a token");
    let commands: [&[&str]; 16] = [
        &["client", "list"],
        &["client", "show", id],
        &["client", "update", id, "--scope=b"],
        &["client", "create", "--id", id],
        &["client", "disable", id, "--yes"],
        &["client", "enable", id],
        &["key", "list"],
        &["inspect", token],
        &["inspect", client.secret()],
        &["inspect", key],
        &["api-key", "list"],
        &["api-key", "show", key],
        &["api-key", "revoke", key],
        &["api-key", "revoke", "--leaked", key],
        &["events", "--key", key],
        &["events"],
    ];
    let mut printed = String::new();
    for arguments in commands {
        let output = issuer.try_manage(arguments);
        printed.push_str(&String::from_utf8_lossy(&output.stdout));
        printed.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    printed
}

fn demo_secret(greeting: &str) -> &str {
    let secret = greeting.split("demo:").nth(1);
    secret
        .and_then(|rest| rest.split(' ').next())
        .expect("a secret")
}
