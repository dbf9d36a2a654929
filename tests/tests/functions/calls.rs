//! What each operation of a warm function calls: each call is latency and money.

use tokensmith_tests::functions::{INTROSPECT, ISSUE, JWKS, REFRESH, REVOCATIONS, REVOKE};
use tokensmith_tests::{Functions, HttpRequest, Setup, World};

#[test]
fn a_warm_function_makes_exactly_these_calls_with_data_keys() {
    let functions = warm("kms-data-key");
    let world = World::new(functions.issuer());
    assert_calls(measure(&functions, &world), &[]);
}

#[test]
fn a_warm_function_makes_exactly_these_calls_with_every_signature_in_kms() {
    let functions = warm("kms");
    let world = World::new(functions.issuer());
    assert_calls(measure(&functions, &world), &["Sign"]);
}

/// Functions whose caches outlive the scenario.
fn warm(custody: &str) -> Functions {
    Functions::start(&Setup::new(custody).with("TOKENSMITH_CACHE_TTL", "5m"))
}

type Calls = Vec<(&'static str, Vec<String>)>;

/// The feed is renewed once in 5 s and the key set once a second, whoever asks: the second request costs
/// nothing, unless that time has come.
fn assert_calls(mut calls: Calls, signature: &[&str]) {
    let renewals = [
        ("revocations", [&["Query"], signature].concat()),
        ("key set", vec!["Query"]),
    ];
    for (name, renewal) in renewals {
        let at = calls.iter().position(|(measured, _)| *measured == name);
        let (_, made) = calls.remove(at.expect("it was measured"));
        assert!(made.is_empty() || made == renewal, "{name}: {made:?}");
    }
    assert_eq!(calls, expected(signature));
}

/// `signature` is what a signature takes, and comes before anything is written.
fn expected(signature: &[&str]) -> Calls {
    let row = |name, calls: &[&[&str]]| {
        let calls = calls.concat().into_iter().map(str::to_owned).collect();
        (name, calls)
    };
    let read: &[&str] = &["BatchGetItem"];
    vec![
        row("client_credentials", &[signature]),
        row(
            "refresh at /oauth2/token",
            &[read, signature, &["UpdateItem"]],
        ),
        row(
            "refresh at /oauth2/refresh",
            &[read, signature, &["UpdateItem"]],
        ),
        row("introspect an access token", &[read]),
        // The client that it belongs to is looked at too: it may be disabled.
        row("introspect a refresh token", &[read, &["GetItem"]]),
        // The person.
        row("userinfo", &[read, &["GetItem"]]),
        row("revoke an access token", &[&["PutItem"]]),
        row("revoke a refresh token", &[&["UpdateItem"]]),
        row("metadata", &[]),
    ]
}

/// The calls of each operation when it runs for the second time.
fn measure(functions: &Functions, world: &World) -> Calls {
    let client = &world.client;
    let refresh_at = |path: &str| {
        let token = world.grant().token;
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        HttpRequest::post(path, form).by(client)
    };
    let tokens = || world.refresh(&world.grant().token);
    let own = || HttpRequest::client_credentials(client);
    let operations: [(&str, &str, &dyn Fn() -> HttpRequest); 11] = [
        ("client_credentials", ISSUE, &own),
        ("refresh at /oauth2/token", ISSUE, &|| {
            refresh_at("/oauth2/token")
        }),
        ("refresh at /oauth2/refresh", REFRESH, &|| {
            refresh_at("/oauth2/refresh")
        }),
        ("introspect an access token", INTROSPECT, &|| {
            HttpRequest::introspect(&world.server, &tokens().access)
        }),
        ("introspect a refresh token", INTROSPECT, &|| {
            HttpRequest::introspect(client, &tokens().refresh)
        }),
        ("userinfo", INTROSPECT, &|| {
            HttpRequest::userinfo(&world.token_of_a_person())
        }),
        ("revoke an access token", REVOKE, &|| {
            HttpRequest::revoke(client, &tokens().access)
        }),
        ("revoke a refresh token", REVOKE, &|| {
            HttpRequest::revoke(client, &tokens().refresh)
        }),
        ("revocations", REVOCATIONS, &|| {
            HttpRequest::get("/oauth2/revocations")
        }),
        ("key set", JWKS, &|| {
            HttpRequest::get("/.well-known/jwks.json")
        }),
        ("metadata", JWKS, &|| {
            HttpRequest::get("/.well-known/openid-configuration")
        }),
    ];
    let measured = operations.map(|(name, function, request)| {
        // The first of its kind fills the caches.
        carry_out(functions, world, &request());
        let request = request();
        functions.aws.take_calls();
        carry_out(functions, world, &request);
        let calls = functions.aws.take_calls();
        let log = functions.log(function);
        let logged = log.last().expect("a line")["aws_calls"].as_u64();
        assert_eq!(logged, Some(calls.len() as u64), "the log of {name}");
        println!("{name}: {} AWS calls {}", calls.len(), calls.join(", "));
        (name, calls)
    });
    measured.to_vec()
}

fn carry_out(functions: &Functions, world: &World, request: &HttpRequest) {
    let answer = world.issuer.send(request);
    assert_eq!(answer.status, 200, "{}", answer.body);
    if answer.body.contains("access_token") {
        assert_eq!(answer.token().claims["iss"], functions.url.as_str());
    }
}
