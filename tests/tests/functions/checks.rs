//! Invariant 14: a version of a function says whether it can work before it gets requests.

use serde_json::{Value, json};
use tokensmith_issuer::store::records::{SIGNING_KEYS, SigningKey};
use tokensmith_issuer::store::{Change, Update};
use tokensmith_tests::functions::{
    AUTHORIZE, AUTHORIZER, INTROSPECT, ISSUE, JWKS, REFRESH, REVOCATIONS, REVOKE, ROTATE_KEYS,
    SERVING, invocation,
};
use tokensmith_tests::{Answer, Functions, HttpRequest, Setup};
use tokio::runtime::Runtime;

const ALL: [&str; 9] = [
    ISSUE,
    REFRESH,
    REVOKE,
    INTROSPECT,
    REVOCATIONS,
    JWKS,
    ROTATE_KEYS,
    AUTHORIZE,
    AUTHORIZER,
];

/// Starts it in place of the one that runs, as it is deployed, but for these variables.
fn deploy(functions: &mut Functions, function: &'static str, more: &[(&str, &str)]) {
    let own = [
        ("TOKENSMITH_REVISION", "r1"),
        ("TOKENSMITH_AUDIENCE", "https://api.example"),
    ];
    functions.start_with(function, &[&own, more].concat());
}

/// Why a check has failed.
fn failure(answer: &Answer) -> String {
    assert!(answer.status >= 400, "{}", answer.body);
    let message = answer.json()["errorMessage"].as_str().map(str::to_owned);
    let message = message.unwrap_or_else(|| panic!("{}", answer.body));
    for secret in ["a secret of the body", "__type", "\n"] {
        assert!(!message.contains(secret), "{message}");
    }
    message
}

/// It can be checked while it serves, as often as one likes.
#[test]
fn invariant_14_a_version_that_works_says_so_and_changes_nothing() {
    for custody in ["kms-data-key", "kms"] {
        let setup = Setup::new(custody).with("TOKENSMITH_CACHE_TTL", "5m");
        let mut functions = Functions::start(&setup);
        let before = functions.table_items();
        for function in ALL {
            deploy(&mut functions, function, &[]);
            // The first comes after the function has started, which makes calls as well.
            let mut answer = functions.check(function);
            for _ in 0..2 {
                assert_eq!(answer.status, 200, "{function}: {}", answer.body);
                functions.aws.take_calls();
                answer = functions.check(function);
                assert_eq!(answer.status, 200, "{function}: {}", answer.body);
                let checked = json!({ "tokensmith": "checked", "revision": "r1" });
                assert_eq!(answer.json(), checked, "{function}");
                let calls = functions.aws.take_calls();
                assert_eq!(calls, expected_calls(function, custody), "{function}");
            }
        }
        assert_eq!(functions.table_items(), before);
        functions.start_function(ISSUE);
        let unnamed = functions.check(ISSUE);
        assert_eq!(unnamed.json(), json!({ "tokensmith": "checked" }));
    }
}

/// What a check reads and opens, each time anew.
fn expected_calls(function: &str, custody: &str) -> Vec<String> {
    let keys: &[&str] = &["Query"];
    // Each of the four keys is opened and signs; `kms` is asked for both.
    let signing: Vec<&str> = match custody {
        "kms" => [["GetPublicKey", "Sign"]; 4].concat(),
        _ => vec!["Decrypt"; 4],
    };
    let (hmac, feed): (&[&str], &[&str]) = (&["Query", "Decrypt"], &["Query", "Query"]);
    // A client and the federation; a resource, an API key, what can have ended a token, what a device has asked for.
    let (clients, one): (&[&str], &[&str]) = (&["GetItem", "Query"], &["GetItem"]);
    let (lease, token): (&[&str], &[&str]) = (&["UpdateItem"], &["BatchGetItem"]);
    let calls = match function {
        // A lease that is always refused comes after the keys.
        ISSUE => {
            let own = [keys, keys, &signing, hmac, lease].concat();
            [&own, clients, one, one, token, one].concat()
        }
        REFRESH => [keys, keys, &signing, hmac, lease, clients, one].concat(),
        REVOKE => [keys, keys, hmac, clients, one].concat(),
        // A user as well.
        INTROSPECT => [keys, keys, hmac, clients, one, one, one].concat(),
        REVOCATIONS => [keys, feed, keys, &signing].concat(),
        JWKS => [keys, keys].concat(),
        AUTHORIZE => {
            // All that people have in one read, a resource, and where else they can sign in.
            let people: &[&str] = &["BatchGetItem", "GetItem", "Query"];
            let pushed = [clients, one].concat();
            let device = [clients, one, one, lease].concat();
            // What somebody has agreed to, their grants and their sessions.
            let account: &[&str] = &["Query", "Query", "Query"];
            let pages = [people, people, people, people, people, account, people].concat();
            [keys, keys, hmac, people, &pushed, &device, &pages].concat()
        }
        ROTATE_KEYS => [keys, &["Query", "GenerateDataKeyWithoutPlaintext"]].concat(),
        _ => [keys, feed].concat(),
    };
    calls.into_iter().map(str::to_owned).collect()
}

/// A function that has served before the table was lost has everything in its memory.
#[test]
fn a_check_believes_nothing_that_was_read_before_it() {
    let mut functions =
        Functions::start(&Setup::new("kms-data-key").with("TOKENSMITH_CACHE_TTL", "5m"));
    assert_eq!(functions.check(ISSUE).status, 200);
    functions.aws.deny(Some("Query"));
    let message = failure(&functions.check(ISSUE));
    assert!(message.contains("Query failed: AccessDenied"), "{message}");
    functions.aws.deny(None);
    functions.aws.deny(Some("Decrypt"));
    let message = failure(&functions.check(ISSUE));
    assert!(
        message.contains("Decrypt failed: AccessDenied"),
        "{message}"
    );
    functions.aws.deny(None);
    assert_eq!(functions.check(ISSUE).status, 200);
}

#[test]
fn invariant_14_an_empty_table_is_for_new_stacks_only() {
    let mut functions = Functions::new_stack(&Setup::new("kms-data-key"));
    for function in ALL {
        deploy(&mut functions, function, &[]);
        let message = failure(&functions.check(function));
        assert!(
            message.contains("the table tokensmith has no signing keys"),
            "{function}: {message}"
        );
        let answer = functions.check_new(function);
        assert_eq!(answer.status, 200, "{function}: {}", answer.body);
    }
    // A stack that is made again beside its table is as good as one that was there.
    functions.rotate_keys();
    for function in ALL {
        let answer = functions.check_new(function);
        assert_eq!(answer.status, 200, "{function}: {}", answer.body);
    }
}

/// Each of these was live before anybody noticed, and broke it.
#[test]
fn invariant_14_a_version_that_cannot_work_says_why() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let other_key = format!("{}0", functions.aws.wrapping_key);
    let cases: [(&str, &str, &str, &[&str]); 4] = [
        (
            "TOKENSMITH_TABLE",
            "tokensmith-typo",
            "there is no table tokensmith-typo in this account and Region",
            &ALL,
        ),
        (
            "TOKENSMITH_ISSUER",
            "https://other.example",
            "the table belongs to the issuer",
            &ALL,
        ),
        (
            "TOKENSMITH_KMS_KEY",
            &other_key,
            "the table belongs to the issuer",
            // The authorizer opens no key.
            &ALL[..8],
        ),
        (
            "AWS_ENDPOINT_URL_KMS",
            "http://127.0.0.1:9",
            "failed: the connection failed",
            &[
                ISSUE,
                REFRESH,
                REVOKE,
                INTROSPECT,
                REVOCATIONS,
                ROTATE_KEYS,
                AUTHORIZE,
            ],
        ),
    ];
    for (name, value, expected, those) in cases {
        for function in those {
            deploy(&mut functions, function, &[(name, value)]);
            let answer = functions.check(function);
            let message = failure(&answer);
            assert!(message.contains(expected), "{function} {name}: {message}");
        }
        for (function, path) in SERVING {
            // The same version answers requests as the contract says.
            if those.contains(&function) && function != JWKS {
                let request = HttpRequest::client_credentials(&nobody());
                let answer = match function {
                    ISSUE => functions.ask(function, &request),
                    REVOCATIONS => functions.ask(function, &HttpRequest::get(path)),
                    _ => continue,
                };
                let unavailable = matches!((answer.status, name), (503, _))
                    // A client that does not exist needs no key in KMS.
                    || (answer.status == 401 && name == "AWS_ENDPOINT_URL_KMS");
                assert!(unavailable, "{function} {name}: {}", answer.body);
            }
            functions.start_function(function);
        }
        functions.start_function(ROTATE_KEYS);
    }
}

fn nobody() -> tokensmith_tests::TestClient {
    use secrecy::ExposeSecret;
    let secret = tokensmith_issuer::credential::ClientSecret::generate();
    tokensmith_tests::TestClient::new("nobody", secret.expose_secret())
}

/// A role that may read a key and not open it, and one that may find a key in KMS and not sign with it.
#[test]
fn invariant_14_a_role_that_lacks_a_call_is_found() {
    for (custody, denied, those) in [
        (
            "kms-data-key",
            "Decrypt",
            &[ISSUE, REFRESH, REVOKE, INTROSPECT, REVOCATIONS, AUTHORIZE][..],
        ),
        ("kms", "Sign", &[ISSUE, REFRESH, REVOCATIONS][..]),
        ("kms", "GetPublicKey", &[ISSUE, REFRESH, REVOCATIONS][..]),
        (
            "kms-data-key",
            "GenerateDataKeyWithoutPlaintext",
            &[ROTATE_KEYS][..],
        ),
        ("kms-data-key", "Query", &ALL[..]),
        // Records of clients, resources, API keys and users.
        (
            "kms-data-key",
            "GetItem",
            &[ISSUE, REFRESH, REVOKE, INTROSPECT, AUTHORIZE][..],
        ),
        // Of people, and of what can have ended a token.
        ("kms-data-key", "BatchGetItem", &[ISSUE, AUTHORIZE][..]),
    ] {
        let mut functions = Functions::start(&Setup::new(custody));
        functions.aws.deny(Some(denied));
        for function in those {
            deploy(&mut functions, function, &[]);
            let message = failure(&functions.check(function));
            let expected = format!("{denied} failed: AccessDeniedException");
            assert!(message.contains(&expected), "{function}: {message}");
            assert!(message.contains("role of the function"), "{message}");
        }
    }
}

/// The public key that verifiers have is not that of the private key that signs.
#[test]
fn invariant_14_a_published_key_that_does_not_match_is_found() {
    let mut functions =
        Functions::start(&Setup::new("kms-data-key").with("TOKENSMITH_ALGS", "ES256"));
    functions.issuer().change(&["key", "rotate"]);
    Runtime::new().expect("a runtime").block_on(async {
        let table = functions.table().await;
        let keys = table.query_all::<SigningKey>(SIGNING_KEYS).await;
        let keys = keys.expect("keys");
        let [signing, pending] = &keys[..] else {
            panic!("{keys:?}");
        };
        let change = Change::of_existing().set("private_key", &pending.private_key);
        let at = SigningKey::key_of(signing.jwk.alg, signing.sequence);
        let changed = table.update(&at, change.expect("a change")).await;
        assert!(matches!(changed, Ok(Update::Applied(_))), "{changed:?}");
    });
    for function in [ISSUE, REFRESH, REVOCATIONS] {
        let message = failure(&functions.check(function));
        assert!(
            message.contains("is not the published one: replace it with `tokensmith key rotate"),
            "{function}: {message}"
        );
    }
    assert_eq!(functions.check(JWKS).status, 200);
}

/// The default algorithm has no key yet: every token without another one would be 503.
#[test]
fn invariant_14_an_algorithm_without_a_key_is_found() {
    let setup = Setup::new("kms-data-key").with("TOKENSMITH_ALGS", "ES256");
    let mut functions = Functions::start(&setup);
    deploy(&mut functions, ISSUE, &[("TOKENSMITH_ALGS", "EdDSA,ES256")]);
    let message = failure(&functions.check(ISSUE));
    assert!(
        message
            .starts_with("no EdDSA key signs: make one with `tokensmith key rotate --alg EdDSA`"),
        "{message}"
    );
}

/// Nobody gets a check through an API, and nothing else is taken for one.
#[test]
fn only_an_invocation_is_a_check() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let request = HttpRequest::post(
        "/oauth2/token?tokensmith=check",
        r#"{"tokensmith":"check"}"#,
    )
    .header("tokensmith", "check");
    let answer = functions.ask(ISSUE, &request);
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(answer.json()["error"], "invalid_request");
    let before = functions.table_items();
    for word in ["chek", "rotate"] {
        let event = json!({ "tokensmith": word }).to_string();
        for function in [ISSUE, ROTATE_KEYS] {
            let answer = functions.ask(function, &invocation(function, &event));
            assert!(answer.status >= 400, "{function}: {}", answer.body);
        }
    }
    assert_eq!(functions.table_items(), before);
    let keys: Value = functions.rotate_keys();
    assert_eq!(keys["created"], json!([]));
}
