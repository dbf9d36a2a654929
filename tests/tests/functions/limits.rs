//! Limits, spent by several processes of a function at once.

use std::thread;

use tokensmith_tests::authorizer::http_api_event;
use tokensmith_tests::functions::{AUTHORIZER, ISSUE, invocation};
use tokensmith_tests::{Answer, Functions, HttpRequest, Setup, TestClient};

const CALLERS: usize = 50;
const PROCESSES: usize = 4;

fn start() -> Functions {
    let setup = Setup::new("kms-data-key").with("TOKENSMITH_CACHE_TTL", "5m");
    let mut functions = Functions::start(&setup);
    for _ in 1..PROCESSES {
        functions.start_another(ISSUE);
    }
    functions
}

/// So many requests of 50 callers at once.
fn ask_at_once(functions: &Functions, client: &TestClient, requests: usize) -> Vec<Answer> {
    let request = HttpRequest::client_credentials(client);
    let ask = || request.send(&functions.url);
    thread::scope(|scope| {
        let of = |caller: usize| (caller..requests).step_by(CALLERS);
        let spawn = |caller| scope.spawn(move || of(caller).map(|_| ask()).collect::<Vec<_>>());
        let callers: Vec<_> = (0..CALLERS).map(spawn).collect();
        let answers = callers.into_iter().map(|caller| caller.join());
        answers.flat_map(|one| one.expect("answers")).collect()
    })
}

/// Whether all of it was in one window: a window is a day, and midnight may come in between once.
fn is_one_window(answers: &[Answer]) -> bool {
    let resets = answers.iter().map(|answer| {
        let limit = answer.header("RateLimit").expect("how it stands");
        let (_, resets) = limit.split_once(";t=").expect("when the window ends");
        resets.parse::<u64>().expect("seconds")
    });
    let (first, last) = (resets.clone().max(), resets.min());
    first
        .zip(last)
        .is_some_and(|(first, last)| first - last < 43_200)
}

fn with(status: u16, answers: &[Answer]) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

#[test]
fn of_fifty_callers_at_several_processes_the_limit_succeeds() {
    let functions = start();
    let issuer = functions.issuer();
    for limit in [10, 1_000] {
        let answers = loop {
            let client = issuer.register("limited", &[&format!("--limit={limit}/1d")]);
            let answers = ask_at_once(&functions, &client, limit + 100);
            if is_one_window(&answers) {
                break answers;
            }
        };
        assert_eq!(with(200, &answers), limit, "each, and none is stranded");
        assert_eq!(with(429, &answers), 100);
    }
}

/// A process that is killed strands what it has leased: at most a hundredth of what was left.
#[test]
fn a_killed_process_strands_a_hundredth_at_most() {
    let mut functions = start();
    let issuer = functions.issuer();
    let (limit, lease) = (2_000, 20);
    let answers = loop {
        let client = issuer.register("limited", &[&format!("--limit={limit}/1d")]);
        let mut answers = ask_at_once(&functions, &client, 600);
        functions.aws.take_calls();
        functions.kill(ISSUE);
        answers.extend(ask_at_once(&functions, &client, limit));
        functions.start_function(ISSUE);
        if is_one_window(&answers) {
            break answers;
        }
    };
    let succeeded = with(200, &answers);
    println!(
        "{limit}/1d, {PROCESSES} processes, one killed: {} stranded",
        limit - succeeded
    );
    assert!(succeeded <= limit, "{succeeded}");
    assert!(succeeded >= limit - lease * PROCESSES, "{succeeded}");
    assert_eq!(succeeded + with(429, &answers), answers.len());
    let calls = functions.aws.take_calls();
    let writes = calls.iter().filter(|call| *call == "UpdateItem").count();
    assert!(writes < limit / 4, "{writes} writes");
}

#[test]
fn an_authorizer_counts_the_requests_to_its_resource_when_it_is_told_to() {
    let mut functions = Functions::start(&Setup::new("kms-data-key"));
    let (issuer, uri) = (functions.issuer(), "https://limited.example/");
    issuer.register_resource(uri, &["read"], &["--limit=1/1d"]);
    let client = issuer.register("app", &["--allow", &format!("{uri}=read")]);
    let event = http_api_event(&issuer.token(&client, "").access_token());
    let event = invocation(AUTHORIZER, &event);
    let ask = |functions: &mut Functions| {
        let answer = functions.ask(AUTHORIZER, &event).json();
        answer["isAuthorized"].as_bool().expect("a boolean")
    };
    functions.start_with(AUTHORIZER, &[("TOKENSMITH_AUDIENCE", uri)]);
    assert_eq!([(); 3].map(|()| ask(&mut functions)), [true; 3]);

    let limits = [("TOKENSMITH_AUDIENCE", uri), ("TOKENSMITH_LIMITS", "on")];
    functions.start_with(AUTHORIZER, &limits);
    assert_eq!(functions.check(AUTHORIZER).status, 200);
    functions.aws.take_calls();
    assert_eq!(functions.check(AUTHORIZER).status, 200);
    let read_and_lease = ["Query", "Query", "Query", "GetItem", "UpdateItem"];
    assert_eq!(functions.aws.take_calls(), read_and_lease);
    // Midnight may come in between.
    let allowed = [(); 4].map(|()| ask(&mut functions));
    assert!(allowed[0], "{allowed:?}");
    assert!(
        allowed.iter().filter(|one| **one).count() <= 2,
        "{allowed:?}"
    );

    functions.aws.deny(Some("UpdateItem"));
    let refused = functions.check(AUTHORIZER);
    let message = refused.json()["errorMessage"].to_string();
    assert!(
        message.contains("UpdateItem failed: AccessDenied"),
        "{message}"
    );
    functions.aws.deny(None);
}
