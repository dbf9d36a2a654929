//! Invariant 8: a function that is killed in the middle of anything leaves nothing that a retry does
//! not finish.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokensmith_tests::assertion::{OwnKey, assertion_claims};
use tokensmith_tests::emulated::Moment;
use tokensmith_tests::functions::{
    INTROSPECT, ISSUE, JWKS, REFRESH, REVOCATIONS, REVOKE, ROTATE_KEYS,
};
use tokensmith_tests::{
    Answer, Connection, Functions, HttpRequest, Setup, World, eventually, rotation_event, unique,
};
use tokensmith_verifier::jose::SignatureAlgorithm;

#[test]
fn invariant_8_an_issuing_function_may_be_killed_in_the_middle_of_any_call() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let world = World::new(functions.issuer());
    let own_token = |_: &World| {
        let ask = HttpRequest::post("/oauth2/token", OWN_TOKEN.to_owned()).by(&world.client);
        Attempt::new(ask, |world, _, answer| {
            let token = answer.token();
            assert!(world.is_active(&token.text));
        })
    };
    kill_in_every_call(&mut functions, &world, ISSUE, own_token);
    for (function, path) in [(ISSUE, "/oauth2/token"), (REFRESH, "/oauth2/refresh")] {
        let refresh = |world: &World| {
            let subject = unique("user");
            let first = world.grant_by(&subject).token;
            let form = format!("grant_type=refresh_token&refresh_token={first}");
            let ask = HttpRequest::post(path, form).by(&world.client);
            Attempt::new(ask, move |world, again, answer| {
                let tokens = answer.tokens();
                // One chain: whoever asks once more gets the same successor.
                assert_eq!(again().tokens().refresh, tokens.refresh);
                let listed = world
                    .issuer
                    .manage(&["grant", "list", "--subject", &subject]);
                assert_eq!(listed[0]["generation"], 2);
                assert!(world.is_active(&world.refresh(&tokens.refresh).access));
            })
        };
        kill_in_every_call(&mut functions, &world, function, refresh);
    }
}

#[test]
fn invariant_8_the_other_functions_may_be_killed_in_the_middle_of_any_call() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let world = World::new(functions.issuer());
    let tokens = |world: &World| world.refresh(&world.grant().token);
    let revoke_access = |world: &World| {
        let access = tokens(world).access;
        let ask = HttpRequest::revoke(&world.client, &access);
        Attempt::new(ask, move |world, _, answer| {
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
            assert!(!world.is_active(&access));
        })
    };
    kill_in_every_call(&mut functions, &world, REVOKE, revoke_access);
    let revoke_refresh = |world: &World| {
        let tokens = tokens(world);
        let ask = HttpRequest::revoke(&world.client, &tokens.refresh);
        Attempt::new(ask, move |world, _, answer| {
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
            world.assert_invalid(&tokens);
        })
    };
    kill_in_every_call(&mut functions, &world, REVOKE, revoke_refresh);
    let introspect = |world: &World| {
        let ask = HttpRequest::introspect(&world.server, &tokens(world).access);
        Attempt::new(ask, |_, _, answer| {
            assert_eq!(answer.json()["active"], true)
        })
    };
    kill_in_every_call(&mut functions, &world, INTROSPECT, introspect);
    let userinfo = |world: &World| {
        let ask = HttpRequest::userinfo(&world.token_of_a_person());
        Attempt::new(ask, |_, _, answer| {
            assert_eq!(answer.json()["email"], "ada@example.com")
        })
    };
    kill_in_every_call(&mut functions, &world, INTROSPECT, userinfo);
    let key_set = |world: &World| {
        let ask = HttpRequest::get("/.well-known/jwks.json");
        let before = world.issuer.send(&ask).json();
        Attempt::new(ask, move |_, _, answer| assert_eq!(answer.json(), before))
    };
    kill_in_every_call(&mut functions, &world, JWKS, key_set);
    let feed = |_: &World| {
        // The feed is read once in an interval.
        await_interval();
        let ask = HttpRequest::get("/oauth2/revocations");
        Attempt::new(ask, |_, _, answer| {
            assert_eq!(answer.header("content-type"), Some("application/jose"));
        })
    };
    kill_in_every_call(&mut functions, &world, REVOCATIONS, feed);
}

/// A client that signs makes a new assertion for each try.
#[test]
fn invariant_8_a_function_may_be_killed_in_the_middle_of_claiming_an_assertion() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let world = World::new(functions.issuer());
    let key = OwnKey::new(SignatureAlgorithm::ES256);
    let client = world.register_keys("signs", &[&key]);
    let url = world.issuer.url.clone();
    let asserted = |path: &str, form: &[(&str, &str)]| {
        HttpRequest::asserted(path, form, &key.jwt(&assertion_claims(&client, &url)))
    };
    let send =
        |world: &World, path: &str, form: &[(&str, &str)]| world.issuer.send(&asserted(path, form));
    let own = [("grant_type", "client_credentials")];
    let own_token = |_: &World| {
        let ask = || asserted("/oauth2/token", &own);
        Attempt::made_anew(ask, |world, _, answer| {
            assert!(world.is_active(&answer.token().text));
        })
    };
    kill_in_every_call(&mut functions, &world, ISSUE, own_token);
    let refresh = |world: &World| {
        let scopes = ["--scope=read", "--scope=write"];
        let first = world.issuer.grant(&client, &unique("user"), &scopes).token;
        let ask = move || asserted("/oauth2/refresh", &refreshing(&first));
        Attempt::made_anew(ask, |world, again, answer| {
            let tokens = answer.tokens();
            assert_eq!(again().tokens().refresh, tokens.refresh);
            let next = send(world, "/oauth2/refresh", &refreshing(&tokens.refresh));
            assert!(world.is_active(&next.tokens().access));
        })
    };
    kill_in_every_call(&mut functions, &world, REFRESH, refresh);
    let access = |world: &World| send(world, "/oauth2/token", &own).access_token();
    let revoke = |world: &World| {
        let token = access(world);
        let revoked = token.clone();
        let ask = move || asserted("/oauth2/revoke", &[("token", &token)]);
        Attempt::made_anew(ask, move |world, _, answer| {
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
            assert!(!world.is_active(&revoked));
        })
    };
    kill_in_every_call(&mut functions, &world, REVOKE, revoke);
    let introspect = |world: &World| {
        let token = access(world);
        let ask = move || asserted("/oauth2/introspect", &[("token", &token)]);
        Attempt::made_anew(ask, |_, _, answer| {
            assert_eq!(answer.json()["active"], true)
        })
    };
    kill_in_every_call(&mut functions, &world, INTROSPECT, introspect);
}

#[test]
fn invariant_8_a_function_may_be_killed_in_the_middle_of_anything_about_an_api_key() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let world = World::new(functions.issuer());
    let new_key = |world: &World| {
        let create = ["api-key", "create", "--client", &world.client.id];
        let of = ["--name=job", "--scope=read", "--field=api_key"];
        let output = world.issuer.try_manage(&[&create[..], &of].concat());
        let key = String::from_utf8(output.stdout).expect("it is text");
        key.trim().to_owned()
    };
    let exchange = |world: &World| {
        let form = format!("{EXCHANGE}&subject_token={}", new_key(world));
        let ask = HttpRequest::post("/oauth2/token", form);
        Attempt::new(ask, |world, _, answer| {
            assert!(world.is_active(&answer.token().text));
        })
    };
    kill_in_every_call(&mut functions, &world, ISSUE, exchange);
    let revoke = |world: &World| {
        let key = new_key(world);
        let ask = HttpRequest::revoke(&world.client, &key);
        Attempt::new(ask, move |world, _, answer| {
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
            assert!(!world.is_active(&key));
        })
    };
    kill_in_every_call(&mut functions, &world, REVOKE, revoke);
    let introspect = |world: &World| {
        let ask = HttpRequest::introspect(&world.server, &new_key(world));
        Attempt::new(ask, |_, _, answer| {
            assert_eq!(answer.json()["active"], true)
        })
    };
    kill_in_every_call(&mut functions, &world, INTROSPECT, introspect);
}

fn refreshing(token: &str) -> [(&str, &str); 2] {
    [("grant_type", "refresh_token"), ("refresh_token", token)]
}

#[test]
fn invariant_8_a_function_may_be_killed_while_it_starts() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let world = World::new(functions.issuer());
    functions.aws.take_calls();
    functions.kill(ISSUE);
    functions.start_function(ISSUE);
    // It answers when it has started.
    functions.ask(ISSUE, &HttpRequest::new("PATCH", "/oauth2/token"));
    let calls = functions.aws.take_calls();
    assert!(calls.contains(&"Decrypt".to_owned()), "{calls:?}");
    for number in 0..calls.len() {
        functions.kill(ISSUE);
        let held = functions.aws.hold(number, Moment::After);
        functions.start_function(ISSUE);
        held.await_call();
        functions.kill(ISSUE);
        drop(held);
        functions.start_function(ISSUE);
        let ask = HttpRequest::post("/oauth2/token", OWN_TOKEN.to_owned()).by(&world.client);
        functions.ask(ISSUE, &ask).token();
    }
}

#[test]
fn invariant_8_the_rotation_of_keys_may_be_killed_in_the_middle_of_any_call() {
    let setup = Setup::new("kms-data-key")
        .with("TOKENSMITH_ALGS", "ES256")
        .with("TOKENSMITH_KEY_PERIOD", "1s")
        .with("TOKENSMITH_KEY_PUBLISH_AHEAD", "0s");
    let mut functions = Functions::start(&setup);
    let world = World::new(functions.issuer());
    let first = world.grant().token;
    await_due();
    functions.aws.take_calls();
    functions.rotate_keys();
    let calls = functions.aws.take_calls();
    let made = |call: &str| calls.iter().any(|one| one == call);
    assert!(
        made("GenerateDataKeyPairWithoutPlaintext") && made("PutItem"),
        "{calls:?}"
    );
    let mut token = first;
    for (number, moment) in every(calls.len()) {
        await_due();
        let before = keys(&world);
        kill_in_call(
            &mut functions,
            ROTATE_KEYS,
            &rotation_event(),
            number,
            moment,
        );
        functions.rotate_keys();
        let after = keys(&world);
        let name = format!("{} ({moment:?})", calls[number]);
        assert!(
            before.iter().all(|key| after.contains(key)),
            "{name}: a key is lost"
        );
        assert!(after.len() > before.len(), "{name}: no new key");
        let own = world.issuer.token(&world.client, "").token();
        assert!(after.contains(&own.header["kid"]), "{name}");
        assert!(world.is_active(&own.text), "{name}");
        token = world.refresh(&token).refresh;
    }
}

/// A request, and what must be so when it was answered in the end.
struct Attempt<'a> {
    /// Makes it, for each try: an assertion is for one.
    request: Box<dyn Fn() -> HttpRequest + 'a>,
    check: Box<Check<'a>>,
}

/// It is given the world, what sends the request once more, and the answer.
type Check<'a> = dyn Fn(&World, &dyn Fn() -> Answer, &Answer) + 'a;

impl<'a> Attempt<'a> {
    fn new(
        request: HttpRequest,
        check: impl Fn(&World, &dyn Fn() -> Answer, &Answer) + 'a,
    ) -> Self {
        Self::made_anew(move || request.clone(), check)
    }

    fn made_anew(
        request: impl Fn() -> HttpRequest + 'a,
        check: impl Fn(&World, &dyn Fn() -> Answer, &Answer) + 'a,
    ) -> Self {
        Self {
            request: Box::new(request),
            check: Box::new(check),
        }
    }
}

/// For each call that `prepared` requests make: kills the function when the call was sent, and when
/// it was carried out; starts it anew, and asks again.
fn kill_in_every_call<'a>(
    functions: &mut Functions,
    world: &World,
    function: &'static str,
    prepare: impl Fn(&World) -> Attempt<'a>,
) {
    let undisturbed = prepare(world);
    functions.aws.take_calls();
    let answer = functions.ask(function, &(undisturbed.request)());
    let calls = functions.aws.take_calls();
    assert!(
        !calls.is_empty(),
        "{function} calls nobody: {}",
        answer.body
    );
    for (number, moment) in every(calls.len()) {
        println!("{function}: {} ({moment:?})", calls[number]);
        let Attempt { request, check } = prepare(world);
        kill_in_call(functions, function, &request(), number, moment);
        let answer = functions.ask(function, &request());
        check(world, &|| world.issuer.send(&request()), &answer);
    }
}

fn every(calls: usize) -> impl Iterator<Item = (usize, Moment)> {
    (0..calls).flat_map(|number| [Moment::Before, Moment::After].map(|moment| (number, moment)))
}

fn kill_in_call(
    functions: &mut Functions,
    function: &'static str,
    request: &HttpRequest,
    number: usize,
    moment: Moment,
) {
    let held = functions.aws.hold(number, moment);
    let mut asking = Connection::open(&functions.url);
    let bytes = request.bytes(asking.host());
    asking.write(&bytes).expect("the gateway reads");
    held.await_call();
    functions.kill(function);
    drop((asking, held));
    functions.start_function(function);
}

/// Waits for the next interval of the feed, which is 5 s.
fn await_interval() {
    let interval = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.expect("it is after 1970").as_secs() / 5
    };
    let last = interval();
    eventually("the next interval", || (interval() > last).then_some(()));
}

/// Waits for the next second: whatever key there is has signed for its period of one then.
fn await_due() {
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.expect("it is after 1970").as_secs()
    };
    let last = now();
    eventually("time goes on", || (now() > last).then_some(()));
}

fn keys(world: &World) -> Vec<Value> {
    let listed = world.issuer.manage(&["key", "list"]);
    let listed = listed.as_array().expect("a list").iter();
    listed.map(|key| key["kid"].clone()).collect()
}

const OWN_TOKEN: &str = "grant_type=client_credentials";

const EXCHANGE: &str = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange\
                        &subject_token_type=urn:tokensmith:params:oauth:token-type:api-key";
