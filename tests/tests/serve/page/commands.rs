//! The commands on the page work as they stand.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokensmith_issuer::endpoint;
use tokensmith_tests::TestIssuer;

use super::{between, page, section};

#[test]
fn every_command_on_the_page_works_when_it_is_pasted() {
    let parent = TempDir::new().expect("a directory");
    let directory = parent.path().join("it's a $HOME & \"more\"");
    std::fs::create_dir(&directory).expect("a directory");
    let mut issuer = TestIssuer::serve_in(&directory, &["--alg=ES256"]);
    let secret = between(issuer.greeting(), "-u demo:", " ")[0].to_owned();
    // Nobody has refresh tokens yet, so that this makes a client that does.
    let created = paste(&issuer, "/oauth2/refresh", "");
    assert!(created.contains("client_id"), "{created}");
    for endpoint in endpoint::ALL {
        let printed = paste(&issuer, endpoint.path, &secret);
        let failed = printed.contains("\"error\"") || printed.contains("\"active\":false");
        assert!(
            !failed && !printed.is_empty(),
            "{}: {printed}",
            endpoint.path
        );
    }
    let succeeded: BTreeSet<String> = issuer.log().lines().filter_map(successful_event).collect();
    let every = endpoint::ALL
        .iter()
        .map(|endpoint| endpoint.name.to_owned());
    // Nobody has signed in, so that userinfo has nobody to tell about.
    let every: BTreeSet<String> = every.filter(|name| name != "userinfo").collect();
    assert_eq!(succeeded, every);
}

#[test]
fn an_issuer_without_clients_shows_how_to_make_one() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    issuer.manage(&["client", "delete", "demo", "--yes"]);
    assert!(section(&page(&issuer), "clients").contains("None."));
    let created = paste(&issuer, "/oauth2/token", "");
    let created: Value = serde_json::from_str(&created).expect("JSON");
    let secret = created["client_secret"].as_str().expect("a secret");
    let token = paste(&issuer, "/oauth2/token", secret);
    assert!(token.contains("access_token"), "{token}");
}

#[test]
fn no_command_has_a_client_that_could_not_use_it() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    issuer.manage(&["client", "disable", "demo", "--yes"]);
    issuer.register_public("p", &["--scope=a"]);
    issuer.register("f", &["--auth=client_secret_post"]);
    let able = issuer.register("the-one-with-the-longest-name", &[]);
    let shown = page(&issuer);
    let token = command_of(&shown, "/oauth2/token");
    assert!(token.contains(&format!("-u {} ", able.id)), "{token}");
}

/// What an endpoint's command prints in a shell in which the page's first one was pasted. `curl` reads a secret
/// from the terminal; here there is none, and it reads its standard input.
fn paste(issuer: &TestIssuer, path: &str, secret: &str) -> String {
    let shown = page(issuer);
    let setup = unescaped(between(&shown, "<pre><code>", "</code></pre>")[0]);
    let script = format!("{setup}\n{}", command_of(&shown, path));
    let mut shell = Command::new("setsid")
        .args(["--wait", "bash", "-euc", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a shell");
    let mut stdin = shell.stdin.take().expect("a pipe");
    // A command that asks for nothing may have ended.
    let _ = stdin.write_all(format!("{secret}\n").as_bytes());
    drop(stdin);
    let output = shell.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{script}");
    String::from_utf8(output.stdout).expect("text")
}

/// The command that stands below an endpoint.
fn command_of(page: &str, path: &str) -> String {
    let endpoints = section(page, "endpoints");
    let below = format!("<code>{path}</code>");
    let (_, below) = endpoints.split_once(&below).expect("the endpoint");
    unescaped(between(below, "<pre><code>", "</code></pre>")[0])
}

/// What a browser makes of text.
fn unescaped(html: &str) -> String {
    let html = html.replace("&lt;", "<").replace("&gt;", ">");
    html.replace("&quot;", "\"").replace("&amp;", "&")
}

/// The event of a log line that says that a request was carried out.
fn successful_event(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).expect("JSON");
    (line["status"] == 200).then(|| line["endpoint"].as_str().expect("its name").to_owned())
}
