//! The data directory: nobody else may use it, one `serve` does, and its issuer stays.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use tokensmith_tests::{HttpRequest, TestIssuer, command};

#[test]
fn the_data_directory_is_0700_and_its_files_0600() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    issuer.register("mode", &[]);
    assert_eq!(mode(issuer.data()), 0o700);
    let files: Vec<PathBuf> = fs::read_dir(issuer.data())
        .expect("it can be listed")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    for name in [
        "table.sqlite",
        "table.sqlite-wal",
        "table.sqlite-shm",
        "wrapping-key",
        "changes",
    ] {
        assert!(files.contains(&issuer.data().join(name)), "{name}");
    }
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn what_others_may_use_is_refused_with_the_path_and_the_mend() {
    let mut issuer = stopped();
    for (name, wrong, right) in [
        ("", 0o777, "700"),
        ("", 0o750, "700"),
        ("table.sqlite", 0o644, "600"),
        ("wrapping-key", 0o666, "600"),
        ("changes", 0o602, "600"),
    ] {
        let path = match name {
            "" => issuer.data().to_owned(),
            name => issuer.data().join(name),
        };
        set_mode(&path, wrong);
        let mend = format!("chmod {right} {}", path.display());
        for output in [serve(issuer.data(), &[]), list(issuer.data())] {
            assert_refused(&output, &[&format!("`{mend}`"), &format!("{wrong:04o}")]);
        }
        let mended = Command::new("sh").args(["-c", &mend]).status();
        assert!(mended.expect("a shell").success());
        assert!(list(issuer.data()).status.success());
    }
    issuer.restart();
}

#[test]
fn every_fault_of_a_directory_is_named_at_once() {
    let issuer = stopped();
    set_mode(issuer.data(), 0o755);
    let table = issuer.data().join("table.sqlite");
    set_mode(&table, 0o644);
    let mends = [issuer.data(), &table].map(|path| path.display().to_string());
    let output = serve(issuer.data(), &[]);
    assert_refused(
        &output,
        &[
            &format!("`chmod 700 {}`", mends[0]),
            &format!("`chmod 600 {}`", mends[1]),
        ],
    );
}

#[test]
fn another_users_file_is_refused() {
    let mut issuer = stopped();
    for name in ["wrapping-key", "table.sqlite", ""] {
        let path = match name {
            "" => issuer.data().to_owned(),
            name => issuer.data().join(name),
        };
        let Some(own) = give_away(&path) else {
            return;
        };
        for output in [serve(issuer.data(), &[]), list(issuer.data())] {
            let mend = format!("`chown {own} {}`", path.display());
            assert_refused(&output, &[&mend, &format!("user {NOBODY}")]);
        }
        chown(&path, Some(own), None).expect("it is ours again");
    }
    issuer.restart();
}

#[test]
fn a_planted_wrapping_key_is_refused_on_a_first_start() {
    let directory = TempDir::new().expect("a directory");
    let data = directory.path().join("data");
    fs::create_dir(&data).expect("a new directory");
    set_mode(&data, 0o700);
    let planted = data.join("wrapping-key");
    fs::write(&planted, [7; 32]).expect("it can be written");
    set_mode(&planted, 0o666);
    let path = planted.display().to_string();
    assert_refused(&serve(&data, &[]), &[&path]);
    set_mode(&planted, 0o600);
    if give_away(&planted).is_some() {
        assert_refused(&serve(&data, &[]), &[&path]);
    }
    assert!(!data.join("table.sqlite").exists());
}

#[test]
fn no_link_in_the_data_directory_is_followed() {
    let mut issuer = stopped();
    let elsewhere = TempDir::new().expect("a directory");
    for name in ["wrapping-key", "changes", "table.sqlite"] {
        let (link, target) = (issuer.data().join(name), elsewhere.path().join(name));
        fs::rename(&link, &target).expect("it can be moved");
        symlink(&target, &link).expect("a link");
        for output in [serve(issuer.data(), &[]), list(issuer.data())] {
            assert_refused(&output, &[&link.display().to_string(), "link"]);
        }
        fs::remove_file(&link).expect("the link goes");
        fs::rename(&target, &link).expect("it can be moved back");
    }
    // One that leads nowhere yet is not followed either.
    let (link, target) = (issuer.data().join("changes"), elsewhere.path().join("made"));
    fs::remove_file(&link).expect("it can be removed");
    symlink(&target, &link).expect("a link");
    assert_refused(&list(issuer.data()), &["link"]);
    assert!(!target.exists());
    fs::remove_file(&link).expect("the link goes");
    issuer.restart();
}

#[test]
fn the_data_directory_itself_may_be_reached_through_a_link() {
    let issuer = stopped();
    let elsewhere = TempDir::new().expect("a directory");
    let link = elsewhere.path().join("data");
    symlink(issuer.data(), &link).expect("a link");
    assert!(list(&link).status.success());
    TestIssuer::serve_in(elsewhere.path(), &["--alg=ES256"]);
}

#[test]
fn no_wrapping_key_is_made_beside_a_table() {
    let mut issuer = stopped();
    let key = issuer.data().join("wrapping-key");
    let saved = fs::read(&key).expect("a wrapping key");
    fs::remove_file(&key).expect("it can be removed");
    let (named, table) = (key.display(), issuer.data().join("table.sqlite"));
    for output in [serve(issuer.data(), &[]), list(issuer.data())] {
        let table = table.display().to_string();
        assert_refused(&output, &[&named.to_string(), &table, "back"]);
        assert!(!key.exists());
    }
    fs::write(&key, saved).expect("it can be written");
    set_mode(&key, 0o600);
    issuer.restart();
}

#[test]
fn a_second_serve_on_a_directory_is_refused() {
    let directory = TempDir::new().expect("a directory");
    let mut issuer = TestIssuer::serve_in(directory.path(), &["--alg=ES256"]);
    let client = issuer.register("only", &[]);
    let token = issuer.token(&client, "").token();
    for arguments in [&[][..], &["--issuer=https://other.example"]] {
        let path = issuer.data().display().to_string();
        assert_refused(&serve(issuer.data(), arguments), &["another", &path]);
    }
    // The first one is not harmed, and the command works beside it.
    assert_eq!(issuer.manage(&["inspect", &token.text])["active"], true);
    assert_eq!(issuer.token(&client, "").status, 200);
    // The lock goes with the process, however that ends.
    issuer.kill();
    let next = TestIssuer::serve_in(directory.path(), &["--alg=ES256"]);
    assert_eq!(next.token(&client, "").status, 200);
}

#[test]
fn three_first_starts_at_once_print_one_secret_which_works() {
    for _ in 0..5 {
        let directory = TempDir::new().expect("a directory");
        let start = || TestIssuer::serve_in(directory.path(), &["--alg=ES256"]);
        let outcomes = std::thread::scope(|scope| {
            let starting = [(); 3].map(|()| scope.spawn(start));
            starting.map(std::thread::ScopedJoinHandle::join)
        });
        let (mut started, mut refused) = (Vec::new(), 0);
        for outcome in outcomes {
            match outcome {
                Ok(issuer) => started.push(issuer),
                Err(panic) => {
                    let said = panic.downcast::<String>().expect("a message");
                    assert!(!said.contains("tksmc_"), "{said}");
                    refused += 1;
                }
            }
        }
        assert_eq!((started.len(), refused), (1, 2));
        let pasted = started[0].greeting().lines();
        let curl = pasted.clone().find(|line| line.starts_with("curl "));
        let output = Command::new("sh")
            .args(["-c", curl.expect("a command")])
            .output();
        let answer = output.expect("a shell").stdout;
        assert!(String::from_utf8_lossy(&answer).contains("access_token"));
    }
}

#[test]
fn the_issuer_of_data_changes_only_when_another_is_named() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256", "--issuer=https://old.example"]);
    let default = issuer.register("default", &[]);
    let named = issuer.register("named", &["--audience=https://api.example"]);
    let both = [
        "--audience=https://api.example",
        "--audience=https://old.example",
    ];
    let both = issuer.register("both", &both);
    issuer.terminate();
    issuer.restart_with(&["--alg=ES256"]);
    let claims = issuer.token(&default, "").token().claims;
    assert_eq!(claims["iss"], "https://old.example");
    assert!(!issuer.log().contains("issuer_changed"));

    issuer.terminate();
    issuer.restart_with(&["--alg=ES256", "--issuer=https://new.example"]);
    assert!(issuer.log().contains("issuer_changed"));
    // The audience of a client that has none of its own is the issuer, so it follows.
    for (client, audience) in [
        (&default, "https://new.example"),
        (&named, "https://api.example"),
    ] {
        let claims = issuer.token(client, "").token().claims;
        assert_eq!(claims["iss"], "https://new.example");
        assert_eq!(claims["aud"], audience);
    }
    let both = issuer
        .token(&both, "&resource=https%3A%2F%2Fnew.example")
        .token();
    assert_eq!(both.claims["aud"], "https://new.example");
}

#[test]
fn another_port_on_the_data_of_a_loopback_issuer_is_refused() {
    let mut issuer = stopped();
    let (url, free) = (issuer.url.clone(), free_port());
    let output = serve(issuer.data(), &[&format!("--listen={free}")]);
    let mend = format!("--issuer http://{free}");
    assert_refused(&output, &[&url, &mend]);
    issuer.restart_with(&[]);
    assert_eq!(issuer.url, url);
}

#[test]
fn an_http_issuer_beyond_loopback_needs_insecure_http() {
    let directory = TempDir::new().expect("a directory");
    let named = "--issuer=http://tokensmith:8080";
    let output = serve(&directory.path().join("data"), &[named]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--insecure-http"));

    let allowed = ["--alg=ES256", "--insecure-http"];
    let mut issuer = TestIssuer::serve_in(directory.path(), &[&allowed[..], &[named]].concat());
    let client = issuer.register("container", &[]);
    issuer.terminate();
    issuer.restart_with(&allowed);
    let said = issuer.log().matches("insecure_http").count();
    assert_eq!(said, 2, "every start says it");
    let token = issuer.token(&client, "").token();
    assert_eq!(token.claims["iss"], "http://tokensmith:8080");
    assert_eq!(issuer.manage(&["inspect", &token.text])["active"], true);

    issuer.terminate();
    let refused = serve(issuer.data(), &[]);
    assert_refused(&refused, &["http://tokensmith:8080", "--insecure-http"]);
}

#[test]
fn every_start_that_reaches_private_addresses_says_so() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256", "--fetch-private"]);
    issuer.terminate();
    issuer.restart_with(&["--alg=ES256", "--fetch-private"]);
    assert_eq!(issuer.log().matches("fetch_private").count(), 2);
    issuer.terminate();
    issuer.restart_with(&["--alg=ES256"]);
    assert_eq!(issuer.log().matches("fetch_private").count(), 2);
}

#[test]
fn listen_takes_localhost() {
    let directory = TempDir::new().expect("a directory");
    let issuer = TestIssuer::serve_at("localhost:0", directory.path(), &["--alg=ES256"]);
    let metadata = issuer.send(&HttpRequest::get("/.well-known/oauth-authorization-server"));
    let port = issuer.url.rsplit_once(':').expect("a port").1;
    let url = format!("http://localhost:{port}");
    assert_eq!(metadata.json()["issuer"], url);
    let elsewhere = serve(&directory.path().join("x"), &["--listen=no.such.invalid:0"]);
    assert_refused(&elsewhere, &["no.such.invalid"]);
}

/// An issuer whose data are complete and which does not run.
fn stopped() -> TestIssuer {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    issuer.register("any", &[]);
    assert_eq!(issuer.terminate(), Some(0));
    issuer
}

/// A `serve` that should not start.
fn serve(data: &Path, arguments: &[&str]) -> Output {
    let mut serve = command();
    serve.args(["serve", "--alg=ES256"]).args(arguments);
    if !arguments.iter().any(|one| one.starts_with("--listen")) {
        serve.arg("--listen=127.0.0.1:0");
    }
    // One that starts all the same ends the test with a wrong exit code, and does not hang it.
    let mut bounded = Command::new("timeout");
    bounded.arg("60").arg(serve.get_program());
    bounded.args(serve.get_args()).arg("--data").arg(data);
    bounded.output().expect("it runs")
}

fn list(data: &Path) -> Output {
    let mut list = command();
    list.args(["client", "list", "--data"]).arg(data);
    list.output().expect("it runs")
}

fn assert_refused(output: &Output, saying: &[&str]) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert_eq!(text(&output.stdout), "");
    for part in saying {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

/// Makes `path` another user's, and says whose it was. Only root can; for others there is nothing
/// to show.
fn give_away(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let own = fs::metadata(path).expect("it is there").uid();
    match chown(path, Some(NOBODY), None) {
        Ok(()) => Some(own),
        Err(_) => {
            eprintln!("not shown: only root can give a file to another user");
            None
        }
    }
}

fn mode(path: &Path) -> u32 {
    let metadata = fs::symlink_metadata(path).expect("it is there");
    metadata.permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("its owner may");
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const NOBODY: u32 = 65534;
