//! Lists of clients and grants: they say what is true, and they can be read in parts.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use tokensmith_local::{EmbeddedDynamo, dynamodb_client};
use tokensmith_tests::terminal::on_terminal;
use tokensmith_tests::{TestIssuer, World, unique};

use super::{assert_refused, text};

fn ids(list: &Value) -> Vec<String> {
    let clients = list.as_array().expect("a list").iter();
    let ids = clients.filter_map(|one| one["client_id"].as_str());
    ids.map(str::to_owned).collect()
}

#[test]
fn a_list_of_clients_can_be_read_in_parts() {
    let issuer = TestIssuer::shared();
    let prefix = unique("parts");
    let mut all: Vec<String> = (0..5).map(|_| issuer.register(&prefix, &[]).id).collect();
    all.sort();
    let list = |more: &[&str]| {
        let list = ["client", "list", "--prefix", prefix.as_str(), "--limit=2"];
        ids(&issuer.manage(&[&list[..], more].concat()))
    };
    assert_eq!(list(&[]), all[..2]);
    assert_eq!(list(&["--after", &all[1]]), all[2..4]);
    assert_eq!(list(&["--after", &all[3]]), all[4..]);
    assert_eq!(list(&["--after", &all[4]]), [""; 0]);
    let elsewhere = ["client", "list", "--prefix", "a", "--after", "b"];
    assert_refused(&elsewhere, &issuer.try_manage(&elsewhere), 2);
}

#[test]
fn a_list_of_clients_can_be_filtered() {
    let issuer = TestIssuer::shared();
    let prefix = unique("filters");
    let plain = issuer
        .register(&prefix, &["--scope=a", "--audience=https://a.example/"])
        .id;
    let disabled = issuer.register(&prefix, &["--scope=b"]).id;
    issuer.manage(&["client", "disable", &disabled, "--yes"]);
    let public = issuer.register_public(&prefix, &["--scope=b"]).id;
    for (filter, expected) in [
        ("--disabled=true", vec![&disabled]),
        ("--disabled=false", vec![&plain, &public]),
        ("--public=true", vec![&public]),
        ("--grant=client_credentials", vec![&plain, &disabled]),
        ("--scope=b", vec![&disabled, &public]),
        ("--audience=https://a.example", vec![&plain]),
    ] {
        let mut expected: Vec<_> = expected.into_iter().cloned().collect();
        expected.sort();
        let list = ["client", "list", "--prefix", &prefix, filter];
        assert_eq!(ids(&issuer.manage(&list)), expected, "{filter}");
    }
}

#[test]
fn a_list_is_a_table_on_a_terminal_and_json_elsewhere() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("shown-as", &["--scope=a"]);
    let list = ["client", "list", "--prefix", client.id.as_str()];
    let table = on_terminal(issuer.command(&list).env_remove("NO_COLOR"), "");
    assert_eq!(table.code, Some(0), "{}", table.shown);
    let bold = "\u{1b}[1m";
    assert!(
        table.shown.contains("CLIENT") && table.shown.contains(bold),
        "{}",
        table.shown
    );
    assert!(
        table.shown.contains(&client.id) && !table.shown.contains('{'),
        "{}",
        table.shown
    );
    let plain = on_terminal(issuer.command(&list).env("NO_COLOR", "1"), "");
    assert!(
        plain.shown.contains("CLIENT") && !plain.shown.contains('\u{1b}'),
        "{}",
        plain.shown
    );

    let lines = issuer.try_manage(&[&list[..], &["--output=jsonl"]].concat());
    let lines: Vec<Value> = text(&lines.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(json!(lines), issuer.manage(&list));
    let nothing = ["client", "list", "--prefix", &unique("nobody")];
    assert_eq!(issuer.manage(&nothing), json!([]));
}

#[test]
fn grant_list_says_whether_a_grant_is_active_and_why_not() {
    let endings: [(&[&str], &str); 5] = [
        (&["revoke", "--grant", "GRANT"], "grant revoked"),
        (
            &["revoke", "--subject", "SUBJECT", "--yes"],
            "subject revoked",
        ),
        (&["revoke", "--client", "CLIENT", "--yes"], "client revoked"),
        (&["client", "disable", "CLIENT", "--yes"], "client disabled"),
        (&["client", "delete", "CLIENT", "--yes"], "client disabled"),
    ];
    for (ending, reason) in endings {
        let world = World::new(TestIssuer::shared());
        let (issuer, client, subject) = (&world.issuer, &world.client, unique("subject"));
        let grant = issuer.grant(client, &subject, &["--scope=read"]);
        let lists = [
            ["grant", "list", "--client", client.id.as_str()],
            ["grant", "list", "--subject", subject.as_str()],
        ];
        for list in lists {
            let listed = issuer.manage(&list);
            assert_eq!(
                (&listed[0]["active"], &listed[0]["reason"]),
                (&json!(true), &Value::Null)
            );
        }
        let id = grant.id.to_string();
        let ending: Vec<&str> = ending
            .iter()
            .map(|word| match *word {
                "GRANT" => id.as_str(),
                "SUBJECT" => subject.as_str(),
                "CLIENT" => client.id.as_str(),
                word => word,
            })
            .collect();
        issuer.manage(&ending);
        let inspected = world.inspect(&grant.token);
        assert_eq!(
            (&inspected["active"], &inspected["reason"]),
            (&json!(false), &json!(reason))
        );
        for list in lists {
            let listed = issuer.manage(&list);
            assert_eq!(
                (&listed[0]["active"], &listed[0]["reason"]),
                (&json!(false), &json!(reason))
            );
            let active = issuer.manage(&[&list[..], &["--active=true"]].concat());
            assert_eq!(active, json!([]));
        }
    }
}

#[test]
fn a_client_or_subject_that_nobody_knows_is_an_error() {
    let issuer = TestIssuer::shared();
    for arguments in [
        ["grant", "list", "--client", "typo"],
        ["grant", "list", "--subject", "typo"],
    ] {
        assert_refused(&arguments, &issuer.try_manage(&arguments), 1);
    }
}

#[test]
fn one_record_that_cannot_be_read_does_not_hide_the_others() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let (good, bad) = (issuer.register("good", &[]), issuer.register("bad", &[]));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let database = EmbeddedDynamo::open(&issuer.data().join("table.sqlite"));
        let text = |text: String| AttributeValue::S(text);
        let updated = dynamodb_client(database.expect("a database"))
            .update_item()
            .table_name("tokensmith")
            .key("pk", text(format!("CLIENT#{}", bad.id)))
            .key("sk", text("-".to_owned()))
            .update_expression("SET #schema = :later")
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":later", AttributeValue::N("99".to_owned()))
            .send()
            .await;
        updated.expect("an update");
    });
    let listed = issuer.try_manage(&["client", "list"]);
    assert_eq!(listed.status.code(), Some(1));
    let shown: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    assert!(
        ids(&shown).contains(&good.id) && !ids(&shown).contains(&bad.id),
        "{shown}"
    );
    assert!(text(&listed.stderr).contains(&bad.id), "{listed:?}");
}
