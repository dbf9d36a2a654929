//! What the page shows.

use serde_json::Value;
use tempfile::TempDir;
use tokensmith_tests::{HttpRequest, TestIssuer};

use super::{between, page, row, section};

#[test]
fn each_key_is_shown_with_its_state_and_its_life() {
    let issuer = TestIssuer::serve(&["--alg=ES256", "--alg=EdDSA"]);
    issuer.manage(&["key", "rotate"]);
    issuer.manage(&["key", "rotate", "--now", "--alg=ES256", "--yes"]);
    let listed = issuer.manage(&["key", "list"]);
    let listed = listed.as_array().expect("a list");
    let shown = page(&issuer);
    let items = between(section(&shown, "keys"), "<li>", "</li>");
    assert_eq!((listed.len(), items.len()), (5, 5));
    let mut states = Vec::new();
    for key in listed {
        let [kid, alg, state] = ["kid", "alg", "state"].map(|name| text(key, name));
        let item = row(&items, kid);
        assert!(
            item.contains(&format!(">{state}</span>")),
            "{state}: {item}"
        );
        assert!(item.contains(&format!("<strong>{alg}</strong>")), "{item}");
        for moment in ["created_at", "withdrawn_at"].map(|name| key[name].as_str()) {
            let moment = moment.map(|moment| format!("datetime=\"{moment}\""));
            assert!(moment.is_none_or(|moment| item.contains(&moment)), "{item}");
        }
        let signs = item.contains("class=\"signs\"");
        assert_eq!(signs, !item.contains("never signed"), "{item}");
        states.push((alg, state, signs));
    }
    states.sort_unstable();
    assert_eq!(
        states,
        [
            ("ES256", "active", true),
            ("ES256", "retired", false),
            ("ES256", "retired", true),
            ("EdDSA", "active", true),
            ("EdDSA", "pending", true),
        ]
    );
}

#[test]
fn each_client_is_shown_and_a_long_list_ends() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    let confidential = issuer.register("a-service", &["--scope=read", "--auth=client_secret_post"]);
    let public = issuer.register_public("a-device", &["--scope=write"]);
    let disabled = issuer.register("a-disabled", &[]);
    let deleted = issuer.register("a-deleted", &[]);
    issuer.manage(&["client", "disable", &disabled.id, "--yes"]);
    issuer.manage(&["client", "delete", &deleted.id, "--yes"]);
    let shown = page(&issuer);
    let clients = section(&shown, "clients");
    let rows = between(clients, "<tr>", "</tr>");
    for (id, parts) in [
        (
            &confidential.id,
            [
                "enabled",
                "1 secret, in the form",
                "client_credentials",
                "read",
            ],
        ),
        (&public.id, ["enabled", "public", "refresh_token", "write"]),
        (
            &disabled.id,
            ["disabled", "1 secret", "client_credentials", &issuer.url],
        ),
    ] {
        let row = row(&rows, id);
        assert!(parts.iter().all(|part| row.contains(part)), "{row}");
    }
    assert!(!shown.contains(&deleted.id));
    assert!(!clients.contains("And more"), "{clients}");

    let file = issuer.data().join("many.yaml");
    let line =
        |index| format!("  - {{ client_id: z-{index:03}, token_endpoint_auth_method: none }}\n");
    let many: String = (0..120).map(line).collect();
    std::fs::write(&file, format!("clients:\n{many}")).expect("the file is written");
    issuer.manage(&["client", "apply", "--file", &file.to_string_lossy()]);
    let shown = page(&issuer);
    let clients = section(&shown, "clients");
    assert_eq!(
        clients.matches("<tr>").count(),
        101,
        "a head and 100 clients"
    );
    assert!(clients.contains("And more: <code>tokensmith client list</code>"));
}

#[test]
fn each_request_is_shown_with_what_its_log_line_says() {
    let mut issuer = TestIssuer::serve(&["--alg=ES256"]);
    assert!(section(&page(&issuer), "requests").contains("None since this process started."));
    let client = issuer.register("asks", &["--scope=read"]);
    let answers = [
        issuer.token(&client, ""),
        issuer.token(&client, "&scope=write"),
        issuer.token(&client.with_wrong_secret(), ""),
        issuer.send(&HttpRequest::get("/.well-known/jwks.json")),
    ];
    issuer.send(&HttpRequest::get("/oauth/token?client_secret=whispered"));
    issuer.send_to("evil.example", &HttpRequest::get("/"));
    let (_, shown) = (page(&issuer), page(&issuer));
    let rows = between(section(&shown, "requests"), "<tr>", "</tr>");
    assert_eq!(
        rows.len(),
        7,
        "a head and six requests, none of which is the page"
    );
    let log = issuer.log();
    for (answer, expected) in answers.iter().zip([
        ["POST token", ">ok<", ""],
        ["POST token", ">denied<", "scope_not_allowed"],
        ["POST token", ">denied<", "wrong_client_secret"],
        ["GET jwks", ">ok<", ""],
    ]) {
        let id = answer.header("x-request-id").expect("a request id");
        let row = row(&rows, id);
        assert!(expected.iter().all(|part| row.contains(part)), "{row}");
        assert!(row.contains(&format!(">{}<", answer.status)), "{row}");
        let line = log.lines().find(|line| line.contains(id)).expect("a line");
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(
            row.contains(&client.id),
            line["client"] == client.id.as_str()
        );
    }
    let newest_first = [
        "<code>/</code>",
        "/oauth/token",
        "GET jwks",
        "wrong_client_secret",
    ];
    for (row, part) in rows[1..].iter().zip(newest_first) {
        assert!(row.contains(part), "{row}");
    }
    assert!(!shown.contains("whispered"));
}

#[test]
fn only_the_last_100_requests_are_kept() {
    let issuer = TestIssuer::serve(&["--alg=ES256"]);
    for index in 0..105 {
        issuer.send(&HttpRequest::get(&format!("/number-{index}.")));
    }
    let shown = page(&issuer);
    let rows = between(section(&shown, "requests"), "<tr>", "</tr>");
    assert_eq!(rows.len(), 101, "a head and 100 requests");
    assert!(rows[1].contains("/number-104.") && rows[100].contains("/number-5."));
}

#[test]
fn what_others_have_named_is_text_on_the_page() {
    let parent = TempDir::new().expect("a directory");
    let directory = parent.path().join("<i>it's & \"more\"");
    std::fs::create_dir(&directory).expect("a directory");
    let issuer = TestIssuer::serve_in(&directory, &["--alg=ES256"]);
    let markup = "<script>alert(1)</script>";
    let client = issuer.register(
        "marked",
        &[
            "--scope",
            markup,
            "--audience",
            &format!("https://api.example/?a&{markup}'"),
        ],
    );
    let requests = [
        HttpRequest::get("/").header("user-agent", markup),
        HttpRequest::get("/%3Cscript%3E"),
        HttpRequest::get("/<script>"),
        HttpRequest::get("/nothing/'&quot;"),
        HttpRequest::new("&lt'M", "/oauth2/token"),
        HttpRequest::client_credentials(&client).header("user-agent", markup),
        HttpRequest::client_credentials(&client.called(markup)),
        HttpRequest::post(
            "/oauth2/token",
            format!("client_id={markup}&grant_type={markup}"),
        ),
        HttpRequest::post("/oauth2/token", "client_id=a~._-Z"),
    ];
    for request in &requests {
        issuer.send(request);
    }
    let shown = page(&issuer);
    assert_eq!(
        shown
            .matches("&lt;script&gt;alert(1)&lt;/script&gt;")
            .count(),
        2,
        "{shown}"
    );
    assert!(shown.contains("&lt;i&gt;it") && shown.contains("a~._-Z"));
    for tag in ["<script", "<i>", "&lt'M"] {
        assert!(!shown.contains(tag), "{tag}: {shown}");
    }
}

fn text<'a>(json: &'a Value, name: &str) -> &'a str {
    json[name].as_str().expect("text")
}
