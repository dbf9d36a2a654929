//! Invariant 14: every change by an operator is recorded, before it is made and after.

mod every_change;
mod kills;
mod scene;

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;
use tokensmith_issuer::admin::NewGrant;
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::store::records::{ChangeOutcome, OperatorChange};
use tokensmith_tests::documented::Documented;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::scopes;
use tokensmith_tests::{Secrets, contains};

use every_change::every_change;
use scene::{Scene, api_key, app};

/// A change that is missing in the list of changes is missing in the page too, or the test fails.
#[test]
fn every_change_of_the_page_is_tried() {
    let page = Documented::read(include_str!("../../../../docs/events.md"));
    let mut tried: Vec<_> = every_change().iter().map(|(name, _)| *name).collect();
    tried.sort_unstable();
    let listed: Vec<_> = page.sections["Operators"].keys().collect();
    assert_eq!(tried, listed);
}

#[tokio::test]
async fn invariant_14_every_change_is_recorded_with_who_made_it() {
    for (event, make) in every_change() {
        let scene = Scene::new().await;
        let before = scene.all_changes().await;
        make(&scene, &scene.issuer.administrator())
            .await
            .unwrap_or_else(|err| panic!("{event}: {err}"));
        let changes = scene.changes(&before).await;
        let last = changes.iter().find(|change| name_of(change) == event);
        let last = last.unwrap_or_else(|| panic!("no record of {event}: {changes:?}"));
        assert_eq!(last.outcome, ChangeOutcome::Done, "{event}");
        assert_eq!(last.by, "a test", "{event}");
        assert_eq!(last.reason, None, "{event}");
        assert!(changes.iter().all(|one| one.outcome == ChangeOutcome::Done));
    }
}

#[tokio::test]
async fn invariant_14_what_cannot_be_recorded_is_not_made() {
    let scene = Scene::new().await;
    let before = scene.issuer.all_items().await;
    let admin = scene.operator().await;
    scene
        .issuer
        .dynamo
        .plan_for("PutItem", [Some(Fault::Throttled); 3]);
    let refused = admin.disable_client(&app()).await.map(drop);
    refused.expect_err("no record can be written");
    assert_eq!(scene.issuer.all_items().await, before);
}

#[tokio::test]
async fn what_is_refused_and_what_fails_is_recorded_with_the_reason() {
    let scene = Scene::new().await;
    let (before, admin) = (scene.all_changes().await, scene.operator().await);
    let nobody: ClientId = "nobody".parse().expect("an id");
    admin
        .enable_client(&nobody)
        .await
        .map(drop)
        .expect_err("no such client");
    scene
        .issuer
        .dynamo
        .plan_for("UpdateItem", [Some(Fault::Throttled); 3]);
    admin
        .enable_client(&app())
        .await
        .map(drop)
        .expect_err("the table fails");
    let changes = scene.changes(&before).await;
    let mut outcomes: Vec<_> = changes
        .iter()
        .map(|one| (one.outcome, one.reason.clone().unwrap_or_default()))
        .collect();
    outcomes.sort_by_key(|(_, reason)| reason.clone());
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.contains(&(ChangeOutcome::Refused, "no client nobody".to_owned())));
    let failed = outcomes.iter().find(|one| one.0 == ChangeOutcome::Failed);
    assert!(
        failed.is_some_and(|(_, reason)| reason.contains("UpdateItem")),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_record_has_no_secret() {
    let scene = Scene::new().await;
    let admin = scene.issuer.administrator();
    let rotated = admin.rotate_secret(&app(), Duration::ZERO, true).await;
    let secret = rotated.expect("a secret").outcome.secret;
    let granted = admin
        .create_grant(NewGrant {
            client_id: app(),
            subject: "bob".parse().expect("a subject"),
            scopes: scopes("a"),
            audiences: Vec::new(),
        })
        .await;
    let token = granted.expect("a grant").outcome.refresh_token;
    let made = admin.create_api_key(api_key()).await;
    let made = made.expect("a key").outcome;
    let rotated = admin.rotate_api_key(&made.key.id, Duration::ZERO, None);
    let rotated = rotated.await.expect("a key").outcome.created;
    let mut secrets = Secrets::default();
    for credential in [
        secret.expose_secret(),
        token.expose_secret(),
        made.secret.expose_secret(),
        rotated.secret.expose_secret(),
    ] {
        secrets.add(credential);
    }
    let records = format!("{:?}", scene.all_changes().await);
    assert!(contains(
        records.as_bytes(),
        made.key.id.as_str().as_bytes()
    ));
    assert!(!secrets.are_in(records.as_bytes()));
}

fn name_of(change: &OperatorChange) -> String {
    let event: Value = serde_json::to_value(&change.change).expect("JSON");
    event["event"].as_str().expect("a name").to_owned()
}
