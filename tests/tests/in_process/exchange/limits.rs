//! Invariant 5: no exchange widens anything. And what the client that exchanges is limited to.

use proptest::prelude::*;
use tokensmith_issuer::names::Scopes;
use tokensmith_issuer::store::records::{Client, Resource};
use tokensmith_tests::records::{API, OTHER_API, scopes};

use super::{Scene, THIRD_API, exchange, rule};

const SCOPES: [&str; 3] = ["a", "b", "c"];

fn subset() -> impl Strategy<Value = String> {
    proptest::sample::subsequence(SCOPES.to_vec(), 0..=3).prop_map(|some| some.join(" "))
}

fn rules() -> impl Strategy<Value = Vec<(usize, usize)>> {
    proptest::collection::vec((0..3usize, 0..2usize), 0..4)
}

/// The scopes of a grant, those that are asked for, the word of the target, whether it is asked for, and the lifetimes of the
/// client and of the target.
type Case = (String, String, Vec<(usize, usize)>, bool, u64, u64);

fn cases() -> impl Strategy<Value = Case> {
    (
        subset(),
        subset(),
        rules(),
        any::<bool>(),
        60..2000u64,
        60..2000u64,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariant_5_no_exchange_widens_scopes_or_lifetimes(case in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(try_case(case));
    }
}

async fn try_case((granted, asked, rules, elsewhere, client_ttl, target_ttl): Case) {
    let scene = Scene::new().await;
    let issuer = &scene.issuer;
    let changed = |resource: &mut Resource| {
        resource.access_ttl = Some(target_ttl);
        let rules = rules.iter();
        resource.exchanges = rules
            .map(|(from, to)| rule(API, SCOPES[*from], SCOPES[*to]))
            .collect();
    };
    issuer.change_resource(OTHER_API, changed).await;
    let lives = |client: &mut Client| client.access_ttl = Some(client_ttl);
    issuer.change_client(&scene.orders, lives).await;
    let grant = issuer
        .grant(&scene.app, |grant| grant.scopes = scopes(&granted))
        .await;
    let subject = issuer.refresh(&scene.app, &grant.token).await;
    let mut more = vec![("scope", asked.as_str())];
    if elsewhere {
        more.push(("resource", OTHER_API));
    }
    issuer.pass(20);
    let answer = scene.exchange(&subject.access_token(), &more).await;
    if answer.status != 200 {
        return;
    }
    let (old, new) = (subject.claims(), answer.claims());
    let held: Scopes = scopes(old.scope.as_deref().unwrap_or_default());
    let allowed: Scopes = match elsewhere {
        false => held,
        true => {
            let rules = rules.iter().filter(|(from, _)| held.has(SCOPES[*from]));
            rules
                .map(|(_, to)| SCOPES[*to].parse().expect("a scope"))
                .collect()
        }
    };
    let got = scopes(new.scope.as_deref().unwrap_or_default());
    assert!(allowed.contains_all(&got), "{allowed} {got}");
    assert!(asked.is_empty() || got == scopes(&asked));
    assert!(new.exp <= old.exp);
    assert!(new.exp <= new.iat + client_ttl);
    assert!(!elsewhere || new.exp <= new.iat + target_ttl);
    assert_eq!((new.sub, new.grant_id), (old.sub, None));
}

#[tokio::test]
async fn invariant_5_a_scope_that_a_resource_does_not_define_any_more_is_not_in_the_new_token() {
    let scene = Scene::new().await;
    let only_b = |resource: &mut Resource| resource.scopes.retain(|one| one.name.as_str() == "b");
    scene.issuer.change_resource(API, only_b).await;
    scene.issuer.pass(10);
    let answer = scene.exchange(&scene.token, &[]).await;
    assert_eq!(answer.json()["scope"], "b");
    let none = |resource: &mut Resource| resource.scopes.clear();
    scene.issuer.change_resource(OTHER_API, none).await;
    scene.issuer.pass(10);
    let refused = scene
        .exchange(&scene.token, &[("resource", OTHER_API)])
        .await;
    refused.assert_refused(400, "invalid_target");
}

/// The word of a resource is about the token of one other, and not about what that was exchanged for.
#[tokio::test]
async fn invariant_5_nobody_goes_on_to_a_resource_that_has_not_agreed() {
    let scene = Scene::new().await;
    let refused = scene
        .exchange(&scene.token, &[("resource", THIRD_API)])
        .await;
    refused.assert_refused(400, "invalid_target");
    let [_, second, _] = scene.chain().await;
    let back = exchange(&scene.issuer, &scene.stock, &second, &[("resource", API)]).await;
    back.assert_refused(400, "invalid_target");
}

#[tokio::test]
async fn rfc8693_2_2_2_an_exchange_takes_a_permit_of_the_client_and_a_refused_one_none() {
    let scene = Scene::new().await;
    let limited = |client: &mut Client| client.limit = Some("2/1m".parse().expect("a limit"));
    scene.issuer.change_client(&scene.orders, limited).await;
    scene.issuer.pass(60);
    let wider = [("scope", "c")];
    scene
        .exchange(&scene.token, &wider)
        .await
        .assert_refused(400, "invalid_scope");
    for _ in 0..2 {
        assert_eq!(scene.exchange(&scene.token, &[]).await.status, 200);
    }
    assert_eq!(scene.exchange(&scene.token, &[]).await.status, 429);
}
