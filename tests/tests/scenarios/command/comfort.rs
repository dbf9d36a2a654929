//! What makes the command pleasant in a shell: tokens to try, single members, differences, completion and manual
//! pages.

use serde_json::{Value, json};
use tempfile::TempDir;
use tokensmith_tests::{TestClient, TestIssuer, World, command, unique};

use super::{assert_refused, text};

#[test]
fn token_prints_what_the_client_would_get() {
    let issuer = TestIssuer::shared();
    let audiences = [
        "--audience=https://a.example/",
        "--audience=https://b.example/",
    ];
    let scopes = ["--scope=a", "--scope=b", "--default-scope=a"];
    let client = issuer.register("shell", &[&audiences[..], &scopes].concat());
    let token = |more: &[&str]| {
        let token = ["token", "--client", client.id.as_str()];
        let output = issuer.try_manage(&[&token[..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout).trim_end().to_owned()
    };
    for (more, form) in [
        (&[][..], ""),
        (&["--scope=b"][..], "&scope=b"),
        (
            &["--audience=https://b.example"][..],
            "&resource=https://b.example/",
        ),
    ] {
        let own = issuer.manage(&["inspect", "--field=claims", &token(more)]);
        let usual = issuer.token(&client, form).token().claims;
        for name in ["iss", "sub", "client_id", "aud", "scope"] {
            assert_eq!(own[name], usual[name], "{more:?}: {name}");
        }
    }
    assert_eq!(token(&["--field=scope"]), "a");
    let ended = token(&[]);
    assert_eq!(issuer.manage(&["inspect", &ended])["active"], true);
    issuer.manage(&["client", "disable", &client.id, "--yes"]);
    assert_eq!(issuer.manage(&["inspect", &ended])["active"], false);
}

#[test]
fn token_is_signed_by_a_key_that_the_data_have() {
    let issuer = TestIssuer::serve(&["--alg=EdDSA"]);
    let token = ["token", "--client=demo", "--field=access_token"];
    let output = issuer.try_manage(&token);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let token = text(&output.stdout).trim_end().to_owned();
    assert_eq!(issuer.manage(&["inspect", &token])["active"], true);
}

#[test]
fn invariant_5_token_prints_nothing_that_the_client_would_not_get() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("limited", &["--scope=a"]);
    let device = issuer.register_public("device", &["--scope=a"]);
    let disabled = issuer.register("off", &["--scope=a"]);
    issuer.manage(&["client", "disable", &disabled.id, "--yes"]);
    for arguments in [
        vec!["token", "--client", "nobody"],
        vec!["token", "--client", &client.id, "--scope=b"],
        vec![
            "token",
            "--client",
            &client.id,
            "--audience=https://b.example/",
        ],
        vec!["token", "--client", &device.id],
        vec!["token", "--client", &disabled.id],
    ] {
        assert_refused(&arguments, &issuer.try_manage(&arguments), 1);
    }
}

#[test]
fn field_prints_one_member_as_text() {
    let issuer = TestIssuer::shared();
    let id = unique("field");
    let print = |arguments: &[&str]| {
        let output = issuer.try_manage(arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            text(&output.stderr)
        );
        text(&output.stdout).to_owned()
    };
    let create = [
        "client",
        "create",
        "--id",
        &id,
        "--scope=a",
        "--field=client_secret",
    ];
    let secret = print(&create);
    assert_eq!(
        issuer
            .token(&TestClient::new(&id, secret.trim_end()), "")
            .status,
        200
    );
    assert_eq!(
        print(&["client", "show", &id, "--field=scopes"]),
        "[\"a\"]\n"
    );
    assert_eq!(print(&["client", "show", &id, "--field=scopes.0"]), "a\n");
    let list = ["client", "list", "--prefix", &id, "--field=client_id"];
    assert_eq!(print(&list), format!("{id}\n"));

    // A member that is not there: nobody has seen the secret, so the client is not there either.
    let typo = [
        "client",
        "create",
        "--id",
        &unique("typo"),
        "--field=secret",
    ];
    let refused = issuer.try_manage(&typo);
    assert_refused(&typo, &refused, 1);
    assert!(
        text(&refused.stderr).contains("client_secret"),
        "{refused:?}"
    );
    assert_eq!(
        issuer
            .try_manage(&["client", "show", typo[3]])
            .status
            .code(),
        Some(1)
    );
}

#[test]
fn scopes_are_added_and_removed_and_options_unset() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("differs", &["--scope=a", "--scope=b", "--default-scope=b"]);
    let id = client.id.as_str();
    let update = |options: &[&str]| issuer.manage(&[&["client", "update", id], options].concat());
    let changed = update(&["--add-scope=c", "--add-scope=a", "--remove-scope=b"]);
    assert_eq!(changed["scopes"], json!(["a", "c"]));
    assert_eq!(changed["default_scopes"], json!([]));

    let new = issuer.manage(&["client", "show", id]);
    update(&[
        "--access-ttl=1m",
        "--refresh-ttl=1d",
        "--alg=ES256",
        "--auth=client_secret_post",
    ]);
    update(&[
        "--refresh-grace=0",
        "--refresh-rotation=false",
        "--audience=https://a.example/",
    ]);
    update(&[
        "--grant=refresh_token",
        "--grant-ttl=2d",
        "--default-scope=a",
    ]);
    let unset = [
        "access-ttl",
        "refresh-ttl",
        "alg",
        "auth",
        "refresh-grace",
        "refresh-rotation",
        "audience",
        "grant",
        "grant-ttl",
        "default-scope",
    ];
    let unset: Vec<String> = unset
        .iter()
        .map(|option| format!("--unset={option}"))
        .collect();
    update(&unset.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(issuer.manage(&["client", "show", id]), new);
    assert_eq!(update(&["--unset=scope"])["scopes"], json!([]));

    for (options, code) in [
        (["--remove-scope=z"], 1),
        (["--unset=secret"], 2),
        (["--add-scope=a,b"], 2),
    ] {
        let arguments = [&["client", "update", id], &options[..]].concat();
        assert_refused(&arguments, &issuer.try_manage(&arguments), code);
    }
}

#[test]
fn inspect_check_exits_with_1_for_a_token_that_is_not_active() {
    let world = World::new(TestIssuer::shared());
    let token = world.own_token();
    let check = |token: &str| world.issuer.try_manage(&["inspect", "--check", token]);
    assert_eq!(check(&token).status.code(), Some(0));
    world.issuer.manage(&["revoke", "--token", &token]);
    for dead in [token.as_str(), "garbage"] {
        let checked = check(dead);
        assert_eq!(checked.status.code(), Some(1));
        let answer: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
        assert_eq!(answer["active"], false);
        assert!(text(&checked.stderr).contains("not active"), "{checked:?}");
    }
}

#[test]
fn shells_and_man_know_the_command() {
    for shell in ["bash", "zsh", "fish"] {
        let script = command()
            .args(["completion", shell])
            .output()
            .expect("it runs");
        assert!(script.status.success());
        assert!(text(&script.stdout).contains("rotate-secret"), "{shell}");
    }
    let folder = TempDir::new().expect("a folder");
    let pages = folder.path().join("man1");
    let written = command()
        .args(["man", "--to"])
        .arg(&pages)
        .status()
        .expect("it runs");
    assert!(written.success());
    for (page, content) in [
        ("tokensmith.1", "serve"),
        ("tokensmith-client-rotate-secret.1", "overlap"),
        ("tokensmith-restore.1", "in\\-use"),
    ] {
        let page = std::fs::read_to_string(pages.join(page)).expect("the page");
        assert!(page.contains(content), "{page}");
    }
}

/// Every subcommand explains itself, and none of its options is without a word.
#[test]
fn every_help_names_what_each_option_does() {
    let folder = TempDir::new().expect("a folder");
    let written = command()
        .args(["man", "--to"])
        .arg(folder.path())
        .status()
        .expect("it runs");
    assert!(written.success());
    for page in std::fs::read_dir(folder.path()).expect("the pages") {
        let page = page.expect("a page").path();
        let name = page
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        let arguments: Vec<&str> = name
            .split_once('-')
            .map_or(Vec::new(), |(_, rest)| vec![rest]);
        let words = subcommand_of(arguments.first().copied().unwrap_or_default());
        let help = command()
            .args(&words)
            .arg("--help")
            .output()
            .expect("it runs");
        let help = text(&help.stdout).to_owned();
        assert!(help.contains("Usage: tokensmith"), "{words:?}: {help}");
        let lines: Vec<&str> = help.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let text = line.trim_start();
            // `- json: …` is a value of the option above.
            let is_option = text.starts_with('-') && !text.starts_with("- ");
            let described = line.trim().contains("  ")
                || lines
                    .get(number + 1)
                    .is_some_and(|next| !next.trim().is_empty());
            assert!(!is_option || described, "{words:?}: {line}");
        }
    }
}

/// `client-rotate-secret` is `client rotate-secret`.
fn subcommand_of(name: &str) -> Vec<&str> {
    match name.split_once('-') {
        Some(("federation", rest)) if rest.starts_with("source-") => {
            vec!["federation", "source", &rest["source-".len()..]]
        }
        Some(("api", "key")) => vec!["api-key"],
        Some(("api", rest)) => vec!["api-key", &rest["key-".len()..]],
        Some((
            group @ ("client" | "federation" | "key" | "grant" | "resource" | "upstream" | "user"),
            rest,
        )) => {
            vec![group, rest]
        }
        _ if name.is_empty() => Vec::new(),
        _ => vec![name],
    }
}
