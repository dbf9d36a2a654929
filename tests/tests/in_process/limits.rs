//! Limits of clients at the token endpoints: never more than the limit in a window, whatever fails; and nothing is spent
//! by what is refused.

use std::collections::HashSet;

use tokensmith_issuer::store::records::Client;
use tokensmith_tests::assertion::OwnKey;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::{Answer, HttpRequest, InProcess, TestClient};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;
use tokio::task::JoinSet;

fn limited(limit: &str) -> impl FnOnce(&mut Client) {
    let limit = limit.parse().expect("a limit");
    move |client| client.limit = Some(limit)
}

/// The tests begin at a second that is the start of a minute.
async fn start(limit: &str) -> (InProcess, TestClient) {
    let issuer = InProcess::start().await;
    assert_eq!(issuer.now().seconds() % 60, 0);
    let client = issuer.confidential("app", limited(limit)).await;
    (issuer, client)
}

fn fields(answer: &Answer) -> [Option<&str>; 3] {
    ["RateLimit-Policy", "RateLimit", "Retry-After"].map(|name| answer.header(name))
}

#[tokio::test]
async fn ratelimit_headers_11_a_client_gets_its_limit_in_each_window_and_then_429() {
    let (issuer, client) = start("3/1m").await;
    let policy = Some("\"client\";q=3;w=60");
    for window in 0..2 {
        issuer.pass(50);
        for left in ["2", "1", "0"] {
            let answer = issuer.client_credentials(&client).await;
            assert_eq!(answer.status, 200, "{window}: {}", answer.body);
            let left = format!("\"client\";r={left};t=10");
            assert_eq!(fields(&answer), [policy, Some(&*left), None]);
        }
        issuer.pass(9);
        for _ in 0..2 {
            let answer = issuer.client_credentials(&client).await;
            answer.assert_refused(429, "temporarily_unavailable");
            let none = Some("\"client\";r=0;t=1");
            assert_eq!(fields(&answer), [policy, none, Some("1")]);
            let exposed = answer.header("Access-Control-Expose-Headers");
            let exposed: Vec<_> = exposed.expect("names").split(", ").collect();
            for name in ["RateLimit", "RateLimit-Policy", "Retry-After"] {
                assert!(exposed.contains(&name), "{exposed:?}");
            }
        }
        issuer.pass(1);
    }
}

#[tokio::test]
async fn a_client_without_a_limit_is_told_of_none() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let answer = issuer.client_credentials(&client).await;
    assert_eq!(answer.status, 200);
    assert_eq!(fields(&answer), [None; 3]);
    assert_eq!(answer.header("Access-Control-Expose-Headers"), None);
}

#[tokio::test]
async fn every_grant_type_and_both_endpoints_count_for_one_limit() {
    let (issuer, client) = start("3/1m").await;
    let grant = issuer.grant(&client, |_| {}).await;
    assert_eq!(issuer.client_credentials(&client).await.status, 200);
    let answer = issuer.refresh(&client, &grant.token).await;
    let successor = answer.refresh_token();
    assert_eq!(fields(&answer)[1], Some("\"client\";r=1;t=60"));
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", &*successor),
    ];
    let answer = issuer.post(paths::REFRESH, &client, &form).await;
    let current = answer.refresh_token();
    let before = issuer.items().await;
    for path in [paths::TOKEN, paths::REFRESH] {
        let form = [
            ("grant_type", "refresh_token"),
            ("refresh_token", &*current),
        ];
        let answer = issuer.post(path, &client, &form).await;
        answer.assert_refused(429, "temporarily_unavailable");
    }
    assert_eq!(issuer.items().await, before, "nothing has advanced");
    issuer.pass(60);
    assert_eq!(issuer.refresh(&client, &current).await.status, 200);
}

/// What is over the limit has not used its assertion.
#[tokio::test]
async fn invariant_2_a_limited_request_leaves_its_assertion_unused() {
    let issuer = InProcess::start().await;
    let key = OwnKey::new(SignatureAlgorithm::ES256);
    let client = issuer.signing("signs", &key).await;
    issuer.change_client(&client, limited("1/1m")).await;
    let form = [("grant_type", "client_credentials")];
    let [first, second] = [(); 2].map(|()| key.assertion(&client, &issuer));
    let ask = async |assertion: &str| issuer.post_asserted(paths::TOKEN, &form, assertion).await;
    assert_eq!(ask(&first).await.status, 200);
    ask(&second)
        .await
        .assert_refused(429, "temporarily_unavailable");
    issuer.pass(60);
    assert_eq!(ask(&second).await.status, 200);
}

#[tokio::test]
async fn a_stranger_and_a_refused_request_spend_nothing() {
    let (issuer, client) = start("2/1m").await;
    let grant = issuer.grant(&client, |_| {}).await;
    let other = issuer.confidential("other", |_| {}).await;
    let used = issuer.grant(&client, |_| {}).await;
    let second = issuer.refresh(&client, &used.token).await.refresh_token();
    let third = issuer.refresh(&client, &second).await.refresh_token();
    issuer.pass(60);
    let own = ("grant_type", "client_credentials");
    let refused = [
        HttpRequest::client_credentials(&client.with_wrong_secret()),
        HttpRequest::client_credentials(&client.without_secret()),
        HttpRequest::form(paths::TOKEN, &[own, ("client_id", "app")]),
        HttpRequest::form(paths::TOKEN, &[own, ("scope", "nobodys")]).by(&client),
        HttpRequest::form(
            paths::TOKEN,
            &[own, ("resource", "https://elsewhere.example")],
        )
        .by(&client),
        HttpRequest::form(paths::TOKEN, &[own, own]).by(&client),
        HttpRequest::form(paths::TOKEN, &[("grant_type", "password")]).by(&client),
        HttpRequest::refresh(&other, &grant.token),
        HttpRequest::refresh(&client.with_wrong_secret(), &grant.token),
        HttpRequest::refresh(&client, "tksmr_nonsense"),
        // Reuse revokes, and is no token.
        HttpRequest::refresh(&client, &used.token),
        HttpRequest::refresh(&client, &third),
    ];
    for request in &refused {
        let answer = issuer.send(request).await;
        assert!([400, 401].contains(&answer.status), "{}", answer.body);
        assert_eq!(fields(&answer), [None; 3]);
    }
    let items = issuer.items().await;
    let window = format!("#60#{}", issuer.now().seconds());
    assert!(
        !items.keys().any(|key| key.contains(&window)),
        "nothing was counted"
    );
    for status in [200, 200, 429] {
        assert_eq!(issuer.client_credentials(&client).await.status, status);
    }
}

/// Invariant 9: what cannot be counted is not issued.
#[tokio::test(start_paused = true)]
async fn invariant_9_while_no_permit_can_be_leased_nothing_is_issued() {
    for fault in [
        Fault::Before,
        Fault::After,
        Fault::Throttled,
        Fault::Silence,
    ] {
        let (issuer, client) = start("3/1m").await;
        let grant = issuer.grant(&client, |_| {}).await;
        assert_eq!(issuer.client_credentials(&client).await.status, 200);
        issuer.dynamo.take_calls();
        issuer.dynamo.plan_for("UpdateItem", [Some(fault)]);
        issuer
            .client_credentials(&client)
            .await
            .assert_unavailable();
        assert_eq!(
            issuer.dynamo.take_calls(),
            ["UpdateItem"],
            "no write is repeated"
        );
        issuer.dynamo.plan_for("UpdateItem", [Some(fault)]);
        issuer
            .refresh(&client, &grant.token)
            .await
            .assert_unavailable();
        assert_eq!(issuer.stored(&grant).await.generation, 1);
        // A lost answer has taken a permit with it.
        let statuses = match fault {
            Fault::After => [429, 429, 429],
            _ => [200, 200, 429],
        };
        for status in statuses {
            assert_eq!(
                issuer.client_credentials(&client).await.status,
                status,
                "{fault:?}"
            );
        }
    }
}

/// Asks `requests` times, at most 50 at once, and in turns at each function.
async fn ask_at_once(functions: &[InProcess], client: &TestClient, requests: usize) -> Vec<Answer> {
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (functions, client) = (functions.to_vec(), client.clone());
        callers.spawn(async move {
            let mut answers = Vec::new();
            for number in (caller..requests).step_by(CALLERS) {
                let function = &functions[number % functions.len()];
                answers.push(function.client_credentials(&client).await);
            }
            answers
        });
    }
    callers.join_all().await.into_iter().flatten().collect()
}

const CALLERS: usize = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_callers_at_several_functions_the_limit_succeeds() {
    for limit in [10, 1_000] {
        let (issuer, client) = start(&format!("{limit}/1m")).await;
        let functions = [issuer.clone(), issuer.cold().await, issuer.cold().await];
        let answers = ask_at_once(&functions, &client, limit + 100).await;
        let succeeded = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(
            succeeded.clone().count(),
            limit,
            "each, and none is stranded"
        );
        let jtis: HashSet<_> = succeeded.map(|answer| answer.claims().jti).collect();
        assert_eq!(jtis.len(), limit);
        let refused = answers.iter().filter(|answer| answer.status == 429);
        assert_eq!(refused.count(), 100);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lost_answers_never_let_more_than_the_limit_through() {
    let limit = 100;
    let (issuer, client) = start(&format!("{limit}/1m")).await;
    let functions = [issuer.clone(), issuer.cold().await, issuer.cold().await];
    let lost = [
        None,
        Some(Fault::After),
        None,
        Some(Fault::Before),
        Some(Fault::CutOff),
    ];
    issuer
        .dynamo
        .plan_for("UpdateItem", lost.into_iter().cycle().take(300));
    let answers = ask_at_once(&functions, &client, 400).await;
    let with = |status: u16| {
        answers
            .iter()
            .filter(move |answer| answer.status == status)
            .count()
    };
    let (succeeded, unavailable) = (with(200), with(503));
    assert!(unavailable > 0, "some answers were lost");
    assert!(succeeded <= limit, "{succeeded}");
    assert!(
        succeeded + unavailable >= limit,
        "no permit is lost but with an answer"
    );
    assert_eq!(succeeded + unavailable + with(429), 400);
}

/// A change of a limit is seen as any other change of a client, and counts in the window that is running.
#[tokio::test]
async fn a_changed_limit_counts_what_its_window_has_leased() {
    let (issuer, client) = start("3/1m").await;
    for _ in 0..2 {
        assert_eq!(issuer.client_credentials(&client).await.status, 200);
    }
    for (limit, statuses) in [
        ("2/1m", [429, 429]),
        ("4/1m", [200, 200]),
        ("4/60s", [429, 429]),
    ] {
        issuer.change_client(&client, limited(limit)).await;
        issuer.issuer.forget_cached();
        for status in statuses {
            let answer = issuer.client_credentials(&client).await;
            assert_eq!(answer.status, status, "{limit}");
        }
    }
    issuer
        .change_client(&client, |client| client.limit = None)
        .await;
    issuer.issuer.forget_cached();
    assert_eq!(issuer.client_credentials(&client).await.status, 200);
}
