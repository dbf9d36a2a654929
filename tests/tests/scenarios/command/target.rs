//! Which data a command acts on, and that its answer says so.

use std::os::unix::fs::symlink;
use std::process::{Command, Output};

use tempfile::TempDir;
use tokensmith_tests::{TestIssuer, command};

use super::{assert_refused, text};

/// `tokensmith` in an empty folder, with none of the variables that name data or say whose they are.
fn in_folder(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = command();
    command
        .current_dir(folder)
        .env_remove("TOKENSMITH_TABLE")
        .env_remove("TOKENSMITH_DATA")
        .env_remove("TOKENSMITH_ISSUER")
        .args(arguments);
    command
}

fn run(command: &mut Command) -> Output {
    command.output().expect("it runs")
}

#[test]
fn invariant_14_a_table_and_a_folder_that_could_both_be_meant_are_refused() {
    let (issuer, folder) = (
        TestIssuer::serve(&["--alg=ES256"]),
        TempDir::new().expect("a folder"),
    );
    let client = issuer.register("ambiguous", &[]);
    symlink(issuer.data(), folder.path().join(".tokensmith")).expect("a link");
    let revoke = ["revoke", "--yes", "--client", client.id.as_str()];
    let before = issuer.manage(&["client", "show", &client.id]);
    let both = run(in_folder(&folder, &revoke).env("TOKENSMITH_TABLE", "prod"));
    assert_refused(&revoke, &both, 2);
    for named in ["prod", ".tokensmith", "--table", "--data"] {
        assert!(text(&both.stderr).contains(named), "{named}: {both:?}");
    }
    let variables = run(in_folder(&folder, &revoke)
        .env("TOKENSMITH_TABLE", "prod")
        .env("TOKENSMITH_DATA", "elsewhere"));
    assert_refused(&revoke, &variables, 2);
    assert!(
        text(&variables.stderr).contains("elsewhere"),
        "{variables:?}"
    );
    assert_eq!(issuer.manage(&["client", "show", &client.id]), before);

    // An option decides.
    let decided = [&revoke[..], &["--data", ".tokensmith"]].concat();
    let revoked = run(in_folder(&folder, &decided).env("TOKENSMITH_TABLE", "prod"));
    assert!(revoked.status.success(), "{revoked:?}");
}

#[test]
fn tokensmith_data_and_tokensmith_table_name_the_data() {
    let (issuer, folder) = (
        TestIssuer::serve(&["--alg=ES256"]),
        TempDir::new().expect("a folder"),
    );
    let create = ["client", "create", "--id=elsewhere"];
    let mut with_data = in_folder(&folder, &create);
    let created = run(with_data
        .env("TOKENSMITH_DATA", issuer.data())
        .env("TOKENSMITH_TABLE", ""));
    assert!(created.status.success(), "{created:?}");
    assert_eq!(
        issuer.manage(&["client", "show", "elsewhere"])["client_id"],
        "elsewhere"
    );
    let answer: serde_json::Value = serde_json::from_slice(&created.stdout).expect("JSON");
    issuer.assert_named(&answer["target"]);

    // With a table, the variables of its functions are missed, and not a folder.
    let table = run(in_folder(&folder, &["client", "list"]).env("TOKENSMITH_TABLE", "prod"));
    assert_refused(&["client", "list"], &table, 1);
    assert!(
        text(&table.stderr).contains("TOKENSMITH_ISSUER"),
        "{table:?}"
    );
    // With neither, it is the folder of `serve`.
    let nothing = run(&mut in_folder(&folder, &["client", "list"]));
    assert!(text(&nothing.stderr).contains(".tokensmith"), "{nothing:?}");
}
