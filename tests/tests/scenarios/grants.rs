//! `tokensmith` makes, lists and inspects grants while the issuer is running, and clients refresh them
//! (RFC 6749 §6).

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use serde_json::{Value, json};
use tokensmith_issuer::credential::GrantCredential;
use tokensmith_tests::{
    Answer, HttpRequest, TestClient, TestIssuer, Tokens, World, eventually, unique,
};

#[test]
fn grant_create_makes_a_grant_and_grant_list_shows_it() {
    let world = World::new(TestIssuer::shared());
    let subject = unique("user");
    let (grant, other) = (world.grant_by(&subject), world.grant());
    let successor = world.refresh(&grant.token).refresh;
    let ids = |listed: &Value| -> Vec<Value> {
        let listed = listed.as_array().expect("a list");
        listed.iter().map(|one| one["grant_id"].clone()).collect()
    };
    let of_subject = ["grant", "list", "--subject", &subject];
    let listed = world.issuer.manage(&of_subject);
    assert_eq!(ids(&listed), [json!(grant.id)]);
    assert_eq!(listed[0]["client_id"], world.client.id.as_str());
    assert_eq!(listed[0]["subject"], subject.as_str());
    assert_eq!(listed[0]["scopes"], json!(["read", "write"]));
    assert_eq!(listed[0]["audiences"], json!([world.resource]));
    assert_eq!(listed[0]["generation"], 2);
    assert_eq!(listed[0]["revoked_at"], Value::Null);
    for secret in [&grant.token, &successor] {
        assert!(!listed.to_string().contains(&secret[20..]));
    }
    let of_client = world
        .issuer
        .manage(&["grant", "list", "--client", &world.client.id]);
    let (mut found, mut made) = (ids(&of_client), vec![json!(grant.id), json!(other.id)]);
    found.sort_by_key(Value::to_string);
    made.sort_by_key(Value::to_string);
    assert_eq!(found, made);
    world
        .issuer
        .manage(&["revoke", "--grant", &grant.id.to_string()]);
    assert_ne!(
        world.issuer.manage(&of_subject)[0]["revoked_at"],
        Value::Null
    );
}

#[test]
fn invariant_5_grant_create_grants_nothing_beyond_its_client() {
    let world = World::new(TestIssuer::shared());
    let (client, server, user) = (&world.client.id, &world.server.id, unique("user"));
    for (arguments, code) in [
        (vec!["--client", "nobody", "--subject", &user], 1),
        (
            vec!["--client", client, "--subject", &user, "--scope=delete"],
            1,
        ),
        (
            vec![
                "--client",
                client,
                "--subject",
                &user,
                "--audience=https://b.example/",
            ],
            1,
        ),
        // It has no --grant refresh_token.
        (vec!["--client", server, "--subject", &user], 1),
        // RFC 9700 §4.15: a subject is never the id of a client.
        (vec!["--client", client, "--subject", server], 1),
        (vec!["--client", client, "--subject", ""], 2),
        (vec!["--client", client], 2),
    ] {
        let refused = world
            .issuer
            .try_manage(&[&["grant", "create"], &arguments[..]].concat());
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}");
        assert!(refused.stdout.is_empty(), "{arguments:?}");
    }
    assert_eq!(
        world.issuer.manage(&["grant", "list", "--client", client]),
        json!([])
    );
}

#[test]
fn a_client_says_how_its_refresh_tokens_rotate() {
    let issuer = TestIssuer::shared();
    let register = |more: &str| {
        let client = ["--grant=refresh_token", "--scope=read", more];
        issuer.register("rotation", &client)
    };
    let grant = |client: &TestClient| {
        let granted = issuer.grant(client, &unique("user"), &["--scope=read"]);
        granted.token
    };
    let ask = |client: &TestClient, token: &str| issuer.send(&HttpRequest::refresh(client, token));
    let refresh = |client: &TestClient, token: &str| ask(client, token).tokens().refresh;

    let keeps = register("--refresh-rotation=false");
    let token = grant(&keeps);
    for _ in 0..3 {
        assert_eq!(refresh(&keeps, &token), token);
    }
    issuer.manage(&["client", "update", &keeps.id, "--refresh-rotation=true"]);
    assert_ne!(refresh(&keeps, &token), token);

    for grace in ["--refresh-grace=until-used", "--refresh-grace=60s"] {
        let retries = register(grace);
        let token = grant(&retries);
        let successor = refresh(&retries, &token);
        assert_eq!(refresh(&retries, &token), successor, "{grace}");
    }
    let never = register("--refresh-grace=0");
    let token = grant(&never);
    let successor = refresh(&never, &token);
    for dead in [&token, &successor] {
        ask(&never, dead).assert_refused(400, "invalid_grant");
    }

    let id = unique("refused");
    for (arguments, code) in [
        // RFC 9700 §2.2.2.
        (["--public", "--refresh-rotation=false"], 1),
        (["--public", "--refresh-grace=soon"], 2),
        (["--public", "--refresh-grace=-1s"], 2),
    ] {
        let create = ["client", "create", "--id", &id, "--grant=refresh_token"];
        let refused = issuer.try_manage(&[&create[..], &arguments].concat());
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn the_refresh_endpoint_serves_refresh_tokens_only() {
    let world = World::new(TestIssuer::shared());
    let ask = |form: &str| {
        let request = HttpRequest::post("/oauth2/refresh", form.to_owned()).by(&world.client);
        world.issuer.send(&request)
    };
    for grant_type in ["client_credentials", "password", "authorization_code"] {
        let answer = ask(&format!("grant_type={grant_type}&scope=read"));
        answer.assert_refused(400, "unsupported_grant_type");
    }
    ask("scope=read").assert_refused(400, "invalid_request");
    let first = world.grant().token;
    let tokens = ask(&format!("grant_type=refresh_token&refresh_token={first}")).tokens();
    assert!(world.is_active(&tokens.access));
    // It is the same grant at the other URL.
    assert_eq!(world.refresh(&first).refresh, tokens.refresh);
    world.refresh(&tokens.refresh);
}

#[test]
fn invariant_3_a_hundred_parallel_refreshes_have_one_successor() {
    let world = World::new(TestIssuer::shared());
    let subject = unique("user");
    let first = world.grant_by(&subject).token;
    let start = Barrier::new(100);
    let answers: Vec<Answer> = thread::scope(|scope| {
        let ask = |number: usize| {
            let path = ["/oauth2/token", "/oauth2/refresh"][number % 2];
            let form = format!("grant_type=refresh_token&refresh_token={first}");
            let request = HttpRequest::post(path, form).by(&world.client);
            start.wait();
            world.issuer.send(&request)
        };
        let asking: Vec<_> = (0..100)
            .map(|number| scope.spawn(move || ask(number)))
            .collect();
        asking
            .into_iter()
            .map(|one| one.join().expect("an answer"))
            .collect()
    });
    // "Or an error": on a machine that is too slow, a request may run into its time limit.
    let (good, late): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.status == 200);
    assert!(late.iter().all(|one| one.status == 503), "{late:?}");
    let tokens: Vec<Tokens> = good.into_iter().map(Answer::tokens).collect();
    let successor = &tokens.first().expect("one was answered").refresh;
    assert!(tokens.iter().all(|one| one.refresh == *successor));
    assert!(tokens.iter().all(|one| world.is_active(&one.access)));
    let listed = world
        .issuer
        .manage(&["grant", "list", "--subject", &subject]);
    assert_eq!(listed[0]["generation"], 2);
    world.refresh(successor);
}

#[test]
fn refresh_tokens_stay_valid_while_their_key_rotates() {
    let mut world = World::new(TestIssuer::serve(&["--alg=ES256"]));
    let version = |token: &str| GrantCredential::parse(token).expect("a token").hmac_version;
    let unused = world.grant().token;
    let first: Vec<String> = (0..3).map(|_| world.grant().token).collect();
    let (rotated, (progress, refreshed)) = (AtomicBool::new(false), mpsc::channel());
    let last: Vec<(String, String)> = thread::scope(|scope| {
        let refresh_on = |mut token: String, progress: mpsc::Sender<()>| {
            let world = &world;
            let rotated = &rotated;
            scope.spawn(move || {
                for _ in 0..10_000 {
                    let next = world.refresh(&token).refresh;
                    progress.send(()).expect("the test is waiting");
                    if rotated.load(Ordering::SeqCst) {
                        return (token, next);
                    }
                    token = next;
                }
                panic!("the keys have not rotated");
            })
        };
        let chains: Vec<_> = first
            .iter()
            .map(|one| refresh_on(one.clone(), progress.clone()))
            .collect();
        for expected in 2..=6 {
            // Refreshes lie between any two rotations, however fast the one and the other are.
            refreshed.try_iter().for_each(drop);
            refreshed.iter().take(20).for_each(drop);
            let rotation = world.issuer.change(&["key", "rotate", "--hmac"]);
            assert_eq!(rotation, json!({ "hmac_key_version": expected }));
        }
        rotated.store(true, Ordering::SeqCst);
        chains
            .into_iter()
            .map(|chain| chain.join().expect("a chain"))
            .collect()
    });
    // A new version is in use when every process can have read it.
    let made_after = eventually("the newest version makes refresh tokens", || {
        let token = world.grant().token;
        (version(&token) == 6).then_some(token)
    });
    world.issuer.kill_and_restart();
    for (used, current) in &last {
        // The successor was made by the key of its time, and is the same after the rotation.
        assert_eq!(world.refresh(used).refresh, *current);
    }
    let current = last.into_iter().map(|(_, current)| current);
    for token in current.chain([unused, made_after]) {
        let next = world.refresh(&token).refresh;
        assert_eq!(version(&next), 6);
        world.refresh(&next);
    }
}

#[test]
fn inspect_says_whether_a_refresh_token_is_valid_and_why_not() {
    let world = World::new(TestIssuer::shared());
    let subject = unique("user");
    let grant = world.grant_by(&subject);
    let second = world.refresh(&grant.token).refresh;
    let live = world.inspect(&second);
    assert_eq!(
        (&live["active"], &live["reason"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(live["grant"]["grant_id"], grant.id.to_string());
    assert_eq!(live["grant"]["client_id"], world.client.id.as_str());
    assert_eq!(live["grant"]["subject"], subject.as_str());
    assert_eq!(live["grant"]["generation"], 2);
    assert!(!live.to_string().contains(&second[20..]));
    // The predecessor is honoured until its successor is used.
    assert_eq!(world.inspect(&grant.token)["active"], true);
    let third = world.refresh(&second).refresh;
    let reason = |token: &str| {
        let told = world.inspect(token);
        assert_eq!(told["active"], false, "{told}");
        told["reason"].as_str().expect("a reason").to_owned()
    };
    assert_eq!(reason(&grant.token), "refresh token reused");
    // To look at a token is not to use it: neither here nor over HTTP has the grant ended.
    let told = world.issuer.introspect(&world.client, &grant.token);
    assert_eq!(told, json!({ "active": false }));
    assert_eq!(world.inspect(&third)["active"], true);
    world
        .try_refresh(&grant.token)
        .assert_refused(400, "invalid_grant");
    for token in [&grant.token, &second, &third] {
        assert_eq!(reason(token), "grant revoked");
    }
    assert_ne!(world.inspect(&third)["grant"]["revoked_at"], Value::Null);
    let foreign = World::new(TestIssuer::serve(&[])).grant().token;
    assert_eq!(reason(&foreign), "forged refresh token");
    for garbage in [
        "tksmr_",
        &third[..third.len() - 1],
        &third.replace("tksmr_", "tksma_"),
    ] {
        assert_eq!(reason(garbage), "malformed refresh token");
        assert_eq!(world.inspect(garbage)["grant"], Value::Null);
    }
    assert_eq!(reason("nonsense"), "the token is malformed");
}

#[test]
fn browsers_may_refresh_and_revoke_and_never_introspect() {
    let world = World::new(TestIssuer::shared());
    let grant = world.grant();
    let from_page = |request: HttpRequest| {
        let origin = request.header("origin", "https://app.example");
        world.issuer.send(&origin)
    };
    let preflight = |path: &str| {
        let asked =
            HttpRequest::new("OPTIONS", path).header("access-control-request-method", "POST");
        from_page(asked)
    };
    for path in ["/oauth2/token", "/oauth2/refresh", "/oauth2/revoke"] {
        let form = format!(
            "grant_type=refresh_token&refresh_token={token}&token={token}",
            token = grant.token
        );
        let good = from_page(HttpRequest::post(path, form).by(&world.client));
        assert_eq!(good.status, 200, "{path}: {}", good.body);
        let bad = from_page(HttpRequest::post(path, "grant_type=x".to_owned()).by(&world.client));
        assert_eq!(bad.status, 400, "{path}");
        let allowed = preflight(path);
        assert_eq!((allowed.status, allowed.body.len()), (204, 0), "{path}");
        assert_eq!(
            allowed.header("access-control-allow-methods"),
            Some("POST, OPTIONS")
        );
        for answer in [good, bad, allowed] {
            assert_eq!(
                answer.header("access-control-allow-origin"),
                Some("*"),
                "{path}"
            );
            // None of them has a header that a script would have to be allowed to read.
            assert_eq!(answer.header("access-control-expose-headers"), None);
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
    }
    let path = "/oauth2/introspect";
    let good = from_page(HttpRequest::introspect(&world.client, &grant.token));
    assert_eq!(good.status, 200);
    let bad = from_page(HttpRequest::post(path, String::new()).by(&world.client));
    assert_eq!(bad.status, 400);
    let refused = preflight(path);
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("POST"))
    );
    for answer in [good, bad, refused] {
        let mut names = answer.headers.keys();
        assert!(!names.any(|name| name.as_str().starts_with("access-control-")));
    }
}
