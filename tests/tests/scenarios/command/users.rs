//! `tokensmith user`: what operators do with people.

use serde_json::{Value, json};
use tokensmith_tests::terminal::on_terminal;
use tokensmith_tests::{TestIssuer, unique};

use super::{assert_refused, text};

const PASSWORD: &str = "correct horse battery";

fn create(issuer: &TestIssuer, name: &str, more: &[&str]) -> Value {
    let create = ["user", "create", name, "--password-stdin"];
    let output = issuer.try_manage_with(&[&create, more].concat(), PASSWORD);
    assert!(output.status.success(), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn a_user_is_made_shown_listed_changed_and_deleted() {
    let issuer = TestIssuer::shared();
    let name = unique("Ada");
    let claims = [
        "--email=ada@example.com",
        "--email-verified",
        "--full-name=Ada Lovelace",
        "--claim=locale=\"en-GB\"",
    ];
    let made = create(&issuer, &name, &claims);
    let subject = made["subject"].as_str().expect("a subject");
    let known = json!({
        "email": "ada@example.com", "email_verified": true, "name": "Ada Lovelace", "locale": "en-GB",
    });
    assert_eq!(
        (&made["user_name"], &made["claims"]),
        (&json!(name), &known)
    );
    for who in [name.as_str(), &name.to_uppercase(), subject] {
        let shown = issuer.manage(&["user", "show", who]);
        assert_eq!(shown["subject"], subject, "{who}");
    }
    let listed = issuer.manage(&["user", "list"]);
    let listed = listed.as_array().expect("a list").iter();
    assert_eq!(listed.filter(|user| user["subject"] == subject).count(), 1);

    let update = ["user", "update", &name, "--email=ada@example.org"];
    let changed = issuer.change(&[&update[..], &["--remove-claim=locale"]].concat());
    let known = json!({ "email": "ada@example.org", "name": "Ada Lovelace" });
    assert_eq!(changed["claims"], known, "nobody has verified the new one");

    let disabled = issuer.change(&["user", "disable", &name, "--yes"]);
    assert_eq!(disabled["disabled"], true);
    let enabled = issuer.change(&["user", "enable", &name]);
    assert_eq!(enabled["disabled"], false);
    let deleted = issuer.change(&["user", "delete", &name, "--yes"]);
    assert_eq!(deleted, json!({ "deleted": subject }));
    let gone = ["user", "show", name.as_str()];
    assert_refused(&gone, &issuer.try_manage(&gone), 1);
    let again = create(&issuer, &name, &[]);
    assert_ne!(again["subject"], subject, "a subject is never used again");
}

#[test]
fn nist_sp_800_63b_3_1_1_2_a_password_that_is_tried_first_is_refused() {
    let issuer = TestIssuer::shared();
    let name = unique("user-with-a-long-name");
    for (password, reason) in [
        ("short", "8 characters"),
        ("", "8 characters"),
        ("password123", "most common"),
        (name.as_str(), "user name"),
    ] {
        let create = ["user", "create", &name, "--password-stdin"];
        let refused = issuer.try_manage_with(&create, password);
        assert_refused(&create, &refused, 1);
        assert!(text(&refused.stderr).contains(reason), "{password}");
        assert!(password.is_empty() || !text(&refused.stderr).contains(password));
    }
    let nobody = ["user", "show", name.as_str()];
    assert_refused(&nobody, &issuer.try_manage(&nobody), 1);
}

#[test]
fn without_a_terminal_a_password_is_read_only_where_that_is_said() {
    let issuer = TestIssuer::shared();
    let name = unique("nobody");
    let create = ["user", "create", name.as_str()];
    let refused = issuer.try_manage_with(&create, PASSWORD);
    assert_refused(&create, &refused, 2);
    assert!(text(&refused.stderr).contains("--password-stdin"));
    let made = issuer.change(&["user", "create", &name, "--no-password"]);
    assert_eq!(made["user_name"], json!(name));
    let set = ["user", "set-password", &name, "--password-stdin"];
    let output = issuer.try_manage_with(&set, "another good one\r\n");
    assert!(output.status.success(), "{}", text(&output.stderr));
}

#[test]
fn on_a_terminal_a_password_is_asked_for_twice() {
    let issuer = TestIssuer::shared();
    let name = unique("typist");
    let create = ["user", "create", name.as_str()];
    let typed = format!("{PASSWORD}\n{PASSWORD}x\n");
    let refused = on_terminal(&mut issuer.command(&create), &typed);
    assert_eq!(refused.code, Some(1), "{}", refused.shown);
    assert!(refused.shown.contains("two different passwords"));
    let typed = format!("{PASSWORD}\n{PASSWORD}\n");
    let made = on_terminal(&mut issuer.command(&create), &typed);
    assert_eq!(made.code, Some(0), "{}", made.shown);
    assert!(made.shown.contains(&format!("New password for {name}:")));
    let shown = issuer.manage(&["user", "show", &name]);
    assert_eq!(shown["user_name"], json!(name));
}

#[test]
fn invariant_14_what_ends_something_of_a_user_asks_first_and_a_dry_run_changes_nothing() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    create(&issuer, "ada", &[]);
    let before = issuer.table_items();
    for change in [
        &["user", "disable", "ada"][..],
        &["user", "delete", "ada"],
        &["user", "sessions", "ada", "--end-all"],
    ] {
        assert_refused(change, &issuer.try_manage(change), 2);
        let told = issuer.manage(&[change, &["--dry-run"]].concat());
        assert_eq!(told["ends"]["grants"], 0, "{told}");
    }
    assert_eq!(issuer.table_items(), before);
    assert_eq!(issuer.manage(&["user", "sessions", "ada"]), json!([]));
    let unknown = ["user", "sessions", "ada", "--end", "none"];
    assert_refused(&unknown, &issuer.try_manage(&unknown), 1);
    let nobody = ["user", "disable", "nobody", "--dry-run"];
    assert_refused(&nobody, &issuer.try_manage(&nobody), 1);
}

#[test]
fn oidc_core_5_1_a_claim_that_no_client_knows_is_refused() {
    let issuer = TestIssuer::shared();
    for (claim, code, reason) in [
        ("--claim=role=\"admin\"", 1, "no standard claim"),
        ("--claim=email_verified=\"yes\"", 1, "true or false"),
        ("--claim=locale=de", 2, "text stands in quotes"),
        ("--claim=updated_at=1", 1, "set by tokensmith"),
    ] {
        let name = unique("claimant");
        let create = ["user", "create", &name, "--no-password", claim];
        let refused = issuer.try_manage(&create);
        assert_refused(&create, &refused, code);
        assert!(text(&refused.stderr).contains(reason), "{claim}");
    }
}
