//! Invariant 3: of n parallel refreshes of one token, every answer carries the same successor, or an
//! error; never two chains.

use std::collections::HashSet;

use tokensmith_issuer::store::records::RefreshGrace;
use tokensmith_tests::{Answer, InProcess, TestClient, TestGrant};
use tokio::task::JoinSet;

const PARALLEL: usize = 100;

/// Refreshes `token` many times at once, spread over `functions`.
async fn refresh_at_once(functions: &[InProcess], client: &TestClient, token: &str) -> Vec<Answer> {
    let mut requests = JoinSet::new();
    for number in 0..PARALLEL {
        let function = functions[number % functions.len()].clone();
        let (client, token) = (client.clone(), token.to_owned());
        requests.spawn(async move { function.refresh(&client, &token).await });
    }
    requests.join_all().await
}

/// Asserts that all answers that carry a successor carry the same one, and returns it.
fn the_successor(answers: &[Answer]) -> String {
    let answered = answers.iter().filter(|answer| answer.status == 200);
    let successors: HashSet<_> = answered.map(Answer::refresh_token).collect();
    assert_eq!(successors.len(), 1, "{successors:?}");
    successors.into_iter().next().expect("one")
}

async fn a_grant(issuer: &InProcess, grace: Option<RefreshGrace>) -> (TestClient, TestGrant) {
    let client = issuer
        .confidential("app", |client| client.refresh_grace = grace)
        .await;
    let grant = issuer.grant(&client, |_| {}).await;
    (client, grant)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn invariant_3_of_100_parallel_refreshes_every_answer_carries_the_same_successor() {
    for grace in [None, Some(RefreshGrace::Seconds(60))] {
        let issuer = InProcess::start().await;
        let (client, grant) = a_grant(&issuer, grace).await;
        let functions = [issuer.clone()];
        let answers = refresh_at_once(&functions, &client, &grant.token).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
        let successor = the_successor(&answers);
        assert_eq!(issuer.stored(&grant).await.generation, 2, "by exactly one");
        assert_eq!(successor, issuer.credential(&grant, 2, 1).await);
        let jtis: HashSet<_> = answers.iter().map(|answer| answer.claims().jti).collect();
        assert_eq!(jtis.len(), PARALLEL, "every access token is its own");
        // And once more, with the successor.
        let answers = refresh_at_once(&functions, &client, &successor).await;
        the_successor(&answers);
        assert_eq!(issuer.stored(&grant).await.generation, 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn invariant_3_also_across_functions_that_have_loaded_nothing() {
    let issuer = InProcess::start().await;
    let (client, grant) = a_grant(&issuer, None).await;
    let mut functions = Vec::new();
    for _ in 0..10 {
        functions.push(issuer.cold().await);
    }
    let answers = refresh_at_once(&functions, &client, &grant.token).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    the_successor(&answers);
    assert_eq!(issuer.stored(&grant).await.generation, 2);
}

/// Functions that differ in what they take for the newest HMAC key still agree on the successor.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn invariant_3_also_while_the_hmac_key_rotates() {
    let issuer = InProcess::start().await;
    let (client, grant) = a_grant(&issuer, None).await;
    let keys = issuer.hmac_rotation();
    let rotated = keys.rotate(&issuer.config.issuer, issuer.now()).await;
    assert_eq!(rotated.expect("a new version"), 2);
    // One goes on with version 1 until its cache is over, the other makes version 2.
    issuer.pass(2);
    let newer = issuer.cold().await;
    for (function, version) in [(&issuer, 1), (&newer, 2)] {
        let other = issuer.grant(&client, |grant| grant.hmac_version = 1).await;
        let answer = function.refresh(&client, &other.token).await;
        let expected = issuer.credential(&other, 2, version).await;
        assert_eq!(answer.refresh_token(), expected);
    }
    let answers = refresh_at_once(&[issuer.clone(), newer], &client, &grant.token).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    the_successor(&answers);
    assert_eq!(issuer.stored(&grant).await.generation, 2);
}

/// Without a grace, parallel use is reuse: one answer at most, and then the grant is dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn invariant_3_without_a_grace_one_answer_succeeds_and_the_others_revoke() {
    let issuer = InProcess::start().await;
    let (client, grant) = a_grant(&issuer, Some(RefreshGrace::Seconds(0))).await;
    let functions = [issuer.clone()];
    let answers = refresh_at_once(&functions, &client, &grant.token).await;
    let succeeded = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(succeeded.count(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.error(), (400, "invalid_grant".into()));
    }
    let stored = issuer.stored(&grant).await;
    assert_eq!(stored.generation, 2);
    assert!(stored.revoked_at.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_rotation_parallel_refreshes_all_keep_the_token() {
    let issuer = InProcess::start().await;
    let client = issuer
        .confidential("app", |client| client.refresh_rotation = false)
        .await;
    let grant = issuer.grant(&client, |_| {}).await;
    let functions = [issuer.clone()];
    let answers = refresh_at_once(&functions, &client, &grant.token).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(the_successor(&answers), grant.token);
    assert_eq!(issuer.stored(&grant).await.generation, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_among_parallel_refreshes_wins() {
    let issuer = InProcess::start().await;
    let (client, grant) = a_grant(&issuer, None).await;
    let functions = [issuer.clone()];
    let (answers, revoked) = tokio::join!(
        refresh_at_once(&functions, &client, &grant.token),
        issuer.revoke(&client, &grant.token)
    );
    assert_eq!(revoked.status, 200);
    let stored = issuer.stored(&grant).await;
    assert!(stored.revoked_at.is_some());
    assert!(stored.generation <= 2);
    for answer in answers {
        match answer.status {
            200 => assert!(!issuer.is_active(&client, &answer.access_token()).await),
            _ => assert_eq!(answer.error(), (400, "invalid_grant".into())),
        }
    }
}

/// The honest client and a thief with its secret: whoever falls behind kills the grant, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_reuse_revokes_once() {
    let issuer = InProcess::start().await;
    let (client, grant) = a_grant(&issuer, None).await;
    let second = issuer.refresh(&client, &grant.token).await.refresh_token();
    issuer.refresh(&client, &second).await;
    let functions = [issuer.clone(), issuer.cold().await];
    let answers = refresh_at_once(&functions, &client, &grant.token).await;
    for refused in answers {
        assert_eq!(refused.error(), (400, "invalid_grant".into()));
    }
    let key = format!("GRANT#{}/-", grant.id);
    let item = &issuer.items().await[&key];
    assert!(item.contains_key("revoked_at"));
    // Inserted, advanced twice, revoked once.
    assert_eq!(item["rev"].as_n().expect("a number"), "4");
}
