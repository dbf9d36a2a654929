//! Setting limits.

use serde_json::json;
use tokensmith_tests::{TestIssuer, unique};

#[test]
fn a_limit_is_set_shown_changed_and_unset() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("limited", &["--limit=100/60s"]).id;
    let uri = format!("https://limited.example/{}", unique("v"));
    issuer.manage(&["resource", "create", &uri, "--limit=100/60s"]);
    for (kind, name) in [("client", client.as_str()), ("resource", uri.as_str())] {
        let shown = || issuer.manage(&[kind, "show", name])["limit"].clone();
        assert_eq!(shown(), json!("100/1m"), "{kind}");
        issuer.manage(&[kind, "update", name, "--limit=5/12h"]);
        assert_eq!(shown(), json!("5/12h"), "{kind}");
        // What does not name it leaves it.
        let other = match kind {
            "client" => "--access-ttl=2m",
            _ => "--name=Orders",
        };
        issuer.manage(&[kind, "update", name, other]);
        assert_eq!(shown(), json!("5/12h"), "{kind}");
        issuer.manage(&[kind, "update", name, "--unset=limit"]);
        assert_eq!(shown(), json!(null), "{kind}");
    }
}

#[test]
fn what_is_no_limit_is_refused_with_the_reason() {
    let issuer = TestIssuer::shared();
    let client = issuer.register("limited", &[]).id;
    let form = "a limit is a number of requests and a time, such as 100/1m";
    let permits = "a limit allows 1 to 1000000000 requests";
    let window = "the time of a limit is from 1s to 1d, in whole seconds";
    for (text, reason) in [
        ("100", form),
        ("100 per minute", form),
        ("ten/1m", form),
        ("0/1m", permits),
        ("1000000001/1m", permits),
        ("10/500ms", window),
        ("10/2d", window),
    ] {
        let refused = issuer.try_manage(&["client", "update", &client, "--limit", text]);
        assert_eq!(refused.status.code(), Some(2), "{text}");
        let message = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(message.contains(reason), "{text}: {message}");
    }
    assert_eq!(
        issuer.manage(&["client", "show", &client])["limit"],
        json!(null)
    );
}
