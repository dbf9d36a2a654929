//! Invariants 8 and 9, of people: at whatever call a request on the way from a client's wish to its tokens is killed or refused,
//! whoever repeats it comes to the end, with one grant that has one chain. Time is tokio's paused clock.

use super::interrupted::{End, Interrupted, interrupted};
use super::walk::{DEEDS, Deed, Walk};
use super::*;
use tokensmith_tests::faults::Fault;
use tokio::time::Instant;

/// An issuer with people, and a client that has to ask them.
async fn asking() -> (Scene, TestClient) {
    let scene = Scene::new().await;
    let client = client(&scene.issuer, "asking", |_| {}).await;
    (scene, client)
}

/// A person who is about to do this.
async fn about_to(
    deed: &Deed,
    (scene, client): &(Scene, TestClient),
    number: usize,
) -> (Walk, HttpRequest) {
    let mut walk = Walk::new(scene, client, &format!("person-{number}"), deed).await;
    let request = walk.until(deed).await;
    (walk, request)
}

/// The person has one grant that leads somewhere, and the client has the newest token of its one chain. Whatever else there is was
/// revoked, or is a code that nobody has and that ends within a minute.
async fn assert_one_chain(walk: &Walk, deed: &Deed, case: &str) {
    let grants = walk.grants().await;
    assert!(grants.len() <= deed.grants, "{case}: {grants:?}");
    let leads_somewhere = |grant: &&Grant| {
        let is_unused_code = grant.generation == 0;
        if is_unused_code {
            let end = grant.created_at.after(CODE_LIFETIME);
            assert_eq!(grant.idle_expires_at, end, "{case}");
        }
        grant.revoked_at.is_none() && !is_unused_code
    };
    let live: Vec<_> = grants.iter().filter(leads_somewhere).collect();
    assert_eq!(live.len(), 1, "{case}: {grants:?}");
    assert_eq!(live[0].generation, 2, "{case}");
    let next = walk.refresh().await;
    assert_eq!(next.status, 200, "{case}: {}", next.body);
}

/// Whether the code was redeemed, so that it is worth nothing any more.
async fn was_redeemed(walk: &Walk) -> bool {
    let grants = walk.grants().await;
    grants.iter().any(|grant| grant.generation > 0)
}

#[tokio::test(start_paused = true)]
async fn invariant_8_whoever_repeats_what_was_killed_on_the_way_to_tokens_has_one_grant() {
    for deed in DEEDS {
        let people = asking().await;
        let (mut number, mut step) = (0, 0);
        'calls: loop {
            for end in [End::KilledBefore, End::KilledAfter] {
                let case = format!("{}, call {step}, {end:?}", deed.name);
                number += 1;
                let (mut walk, request) = about_to(&deed, &people, number).await;
                let had_tokens = was_redeemed(&walk).await;
                let issuer = &people.0.issuer;
                match interrupted(issuer, &walk.browser, &request, step, end).await {
                    Interrupted::Through => break 'calls,
                    Interrupted::Killed => {}
                    Interrupted::Answered(answer) => panic!("{case}: {}", answer.body),
                }
                let lost = !had_tokens && was_redeemed(&walk).await;
                walk.finish(request).await;
                // Only a code whose redemption was written, and whose answer was lost, has to be asked for again.
                assert_eq!(walk.begun_anew, usize::from(lost), "{case}");
                assert_one_chain(&walk, &deed, &case).await;
            }
            step += 1;
        }
        assert!(step >= 3, "{}: {step} calls were killed", deed.name);
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_9_while_the_table_fails_nobody_is_sent_on_and_nothing_is_half_done() {
    for deed in DEEDS {
        let people = asking().await;
        let budget = people.0.issuer.config.request_timeout;
        let (mut number, mut step) = (0, 0);
        'calls: loop {
            for fault in [Fault::Throttled, Fault::Silence] {
                let case = format!("{}, call {step}, {fault:?}", deed.name);
                number += 1;
                let (mut walk, request) = about_to(&deed, &people, number).await;
                let (grants, begun) = (walk.grants().await, Instant::now());
                let (issuer, end) = (&people.0.issuer, End::From(fault));
                let answer = match interrupted(issuer, &walk.browser, &request, step, end).await {
                    Interrupted::Through => break 'calls,
                    Interrupted::Killed => panic!("{case}"),
                    Interrupted::Answered(answer) => answer,
                };
                assert_unavailable(&answer, &case);
                assert!(begun.elapsed() <= budget, "{case}: {:?}", begun.elapsed());
                assert_eq!(walk.grants().await, grants, "{case}");
                walk.finish(request).await;
                assert_eq!(walk.begun_anew, 0, "{case}");
                assert_one_chain(&walk, &deed, &case).await;
            }
            step += 1;
        }
        assert!(step >= 3, "{}: {step} calls failed", deed.name);
    }
}

/// A person or a client is told to try again, and is sent nowhere.
pub(super) fn assert_unavailable(answer: &Answer, case: &str) {
    assert_eq!(answer.status, 503, "{case}: {}", answer.body);
    let seconds = answer.header("retry-after").map(str::parse::<u64>);
    assert!(matches!(seconds, Some(Ok(1..))), "{case}: {seconds:?}");
    assert_eq!(answer.header("location"), None, "{case}");
    let cookies = answer.headers.get_all("set-cookie").iter();
    let mut cookies = cookies.map(|cookie| cookie.to_str().expect("text"));
    assert!(!cookies.any(|cookie| cookie.starts_with(SESSION)), "{case}");
    match answer.body.starts_with('{') {
        true => answer.assert_unavailable(),
        false => assert!(!text(answer).is_empty(), "{case}"),
    }
}

/// OAuth 2.1 §4.1.2.
const CODE_LIFETIME: Duration = Duration::from_secs(60);
