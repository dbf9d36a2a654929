//! Invariant 14: every change by an operator is recorded, before it is made and after.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;
use tokensmith_issuer::admin::{
    Administrator, ClientChanges, NewApiKey, NewGrant, NewRule, ResourceChanges,
};
use tokensmith_issuer::credential::ApiKeyId;
use tokensmith_issuer::grant::AskedAccess;
use tokensmith_issuer::names::{ClientId, IssuerUrl};
use tokensmith_issuer::store::records::{ChangeOutcome, OperatorChange, SourceKeys};
use tokensmith_tests::documented::Documented;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::{API, scopes};
use tokensmith_tests::{InProcess, TestGrant, TestOperator};
use tokensmith_verifier::Timestamp;

/// What the changes act on.
struct Scene {
    issuer: InProcess,
    grant: TestGrant,
    access_token: String,
    api_key: ApiKeyId,
}

impl Scene {
    async fn new() -> Self {
        let issuer = InProcess::start().await;
        let client = issuer
            .confidential("app", |client| client.disabled = false)
            .await;
        let grant = issuer.grant(&client, |_| {}).await;
        let access_token = issuer.client_credentials(&client).await.access_token();
        issuer.resource(RESOURCE, |_| {}).await;
        let admin = issuer.administrator();
        let source = "old".parse().expect("a name");
        let made = admin
            .create_source(source, FOREIGN.parse().expect("an issuer"), no_keys())
            .await;
        made.expect("a source");
        let made = admin.create_rule(rule("old-rule", "old")).await;
        made.expect("a rule");
        let source = "unused".parse().expect("a name");
        let made = admin
            .create_source(source, FOREIGN.parse().expect("an issuer"), no_keys())
            .await;
        made.expect("a source");
        let made = admin.create_api_key(api_key()).await;
        // A pending key can be retired.
        admin.rotate_keys(Vec::new()).await.expect("a successor");
        Self {
            issuer,
            grant,
            access_token,
            api_key: made.expect("a key").outcome.key.id,
        }
    }

    /// An operator whose calls can be held, and fail as planned.
    async fn operator(&self) -> Administrator {
        let table = tokensmith_local::make_table(self.issuer.dynamo.clone()).await;
        let custody = self.issuer.direct.custody.clone();
        Administrator::new(
            self.issuer.config.clone(),
            table.expect("the table"),
            custody.make,
            custody.open,
            Arc::new(TestOperator),
        )
    }

    /// The records of what was begun after the scene was set.
    async fn changes(&self, before: &[OperatorChange]) -> Vec<OperatorChange> {
        let mut all = self.all_changes().await;
        all.retain(|change| !before.iter().any(|old| old.id == change.id));
        all
    }

    async fn all_changes(&self) -> Vec<OperatorChange> {
        let now = self.issuer.now();
        let until = now.after(Duration::from_secs(60));
        let changes = self.issuer.administrator();
        let changes =
            changes.changes_of_operators(Timestamp::from_seconds(now.seconds() - 60), until);
        changes.await.expect("the records")
    }
}

type Work<'a> = Pin<Box<dyn Future<Output = Result<(), String>> + Send + 'a>>;

fn api_key() -> NewApiKey {
    NewApiKey {
        client_id: app(),
        name: "job".parse().expect("a name"),
        scopes: scopes("a"),
        resource: None,
        sources: Vec::new(),
        limit: None,
        ttl: "90d".parse().expect("a lifetime"),
    }
}

/// A change, by the name of its event.
type Made = (
    &'static str,
    for<'a> fn(&'a Scene, &'a Administrator) -> Work<'a>,
);

/// One of each kind. `change!` makes it of an expression about the administrator.
macro_rules! change {
    ($event:literal, |$scene:ident, $admin:ident| $made:expr) => {
        (
            $event,
            (|$scene, $admin| {
                Box::pin(async move { $made.await.map(drop).map_err(|err| err.to_string()) })
            }) as for<'a> fn(&'a Scene, &'a Administrator) -> Work<'a>,
        )
    };
}

fn every_change() -> Vec<Made> {
    vec![
        change!("client_created", |_s, admin| admin.create_client(
            "new".parse().expect("an id"),
            &ClientChanges {
                scopes: vec!["a".parse().expect("a scope")],
                ..ClientChanges::default()
            }
        )),
        change!("client_updated", |_s, admin| admin.update_client(
            &app(),
            &ClientChanges {
                default_scopes: vec!["b".parse().expect("a scope")],
                ..ClientChanges::default()
            }
        )),
        change!("client_enabled", |_s, admin| admin.enable_client(&app())),
        change!("client_disabled", |_s, admin| admin.disable_client(&app())),
        change!("client_deleted", |_s, admin| admin.delete_client(&app())),
        change!("secret_rotated", |_s, admin| admin.rotate_secret(
            &app(),
            Duration::ZERO,
            true
        )),
        change!("secret_taken_back", |_s, admin| async {
            let rotated = admin.rotate_secret(&app(), Duration::ZERO, true).await?;
            admin.take_back_secret(&app(), &rotated.outcome).await
        }),
        change!("resource_created", |_s, admin| admin.create_resource(
            "https://new.example/".parse().expect("a URI"),
            &ResourceChanges::default()
        )),
        change!("resource_updated", |_s, admin| admin.update_resource(
            &RESOURCE.parse().expect("a URI"),
            &ResourceChanges {
                name: Some("a name".to_owned()),
                ..ResourceChanges::default()
            }
        )),
        change!("resource_deleted", |_s, admin| admin
            .delete_resource(&RESOURCE.parse().expect("a URI"))),
        change!("federation_source_created", |_s, admin| admin
            .create_source(
                "new".parse().expect("a name"),
                FOREIGN.parse().expect("an issuer"),
                no_keys()
            )),
        change!("federation_source_updated", |_s, admin| admin
            .change_source_keys(
                &"old".parse().expect("a name"),
                &other_keys()
            )),
        change!("federation_source_deleted", |_s, admin| admin
            .delete_source(&"unused".parse().expect("a name"))),
        change!("federation_rule_created", |_s, admin| admin
            .create_rule(rule("new-rule", "old"))),
        change!("federation_rule_deleted", |_s, admin| admin
            .delete_rule(&"old-rule".parse().expect("a name"))),
        change!("api_key_created", |_s, admin| admin
            .create_api_key(api_key())),
        change!("api_key_rotated", |scene, admin| admin.rotate_api_key(
            &scene.api_key,
            Duration::ZERO,
            None
        )),
        change!("api_key_revoked", |scene, admin| admin
            .revoke_api_key(&scene.api_key)),
        change!("grant_created", |_s, admin| admin.create_grant(NewGrant {
            client_id: app(),
            subject: "bob".parse().expect("a subject"),
            scopes: scopes("a"),
            audiences: Vec::new(),
        })),
        change!("token_revoked", |scene, admin| admin
            .revoke_token(&scene.access_token)),
        change!("grant_revoked", |scene, admin| admin
            .revoke_grant(scene.grant.id)),
        change!("client_revoked", |_s, admin| admin.revoke_client(app())),
        change!("subject_revoked", |scene, admin| async {
            let grant = scene.issuer.stored(&scene.grant).await;
            let name = grant.subject.to_string();
            // Nobody had claimed the name: a grant that a scenario has put there has not.
            let granted = admin.create_grant(NewGrant {
                client_id: app(),
                subject: grant.subject,
                scopes: scopes("a"),
                audiences: Vec::new(),
            });
            granted.await.map_err(|err| err.to_string())?;
            admin
                .revoke_subject(name)
                .await
                .map_err(|err| err.to_string())
        }),
        change!("token_issued", |scene, admin| admin.issue_token(
            scene.issuer.direct.custody.sign.clone(),
            &app(),
            AskedAccess {
                scopes: None,
                resources: Vec::new(),
            }
        )),
        change!("keys_rotated", |_s, admin| admin.rotate_keys(Vec::new())),
        change!("keys_replaced", |_s, admin| admin.replace_keys(Vec::new())),
        change!("hmac_key_rotated", |_s, admin| admin.rotate_hmac_key()),
        change!("key_retired", |_s, admin| async {
            let keys = admin.signing_keys().await.map_err(|err| err.to_string())?;
            let pending = keys.last().expect("a successor").key.jwk.kid.to_string();
            admin
                .retire_key(pending)
                .await
                .map_err(|err| err.to_string())
        }),
        change!("repaired", |_s, admin| admin.repair()),
        change!("restored", |_s, admin| admin.restore(None)),
        change!("issuer_replaced", |scene, admin| async {
            let from: &IssuerUrl = &scene.issuer.config.issuer;
            admin.replace_issuer(from).await
        }),
    ]
}

/// A change that is missing in the list above is missing in the page too, or the test fails.
#[test]
fn every_change_of_the_page_is_tried() {
    let page = Documented::read(include_str!("../../../docs/events.md"));
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

/// Killed before any of its calls, and after it: whatever has changed has a record, and the record says whether it was
/// completed.
#[tokio::test]
async fn invariant_14_a_change_that_is_killed_leaves_its_record() {
    for (event, make) in every_change() {
        let (mut after, mut unfinished, mut is_over) = (0, 0, false);
        while !is_over {
            let scene = Scene::new().await;
            let before = (scene.issuer.items().await, scene.all_changes().await);
            is_over = killed_after(after, &scene, make).await;
            let (now, changes) = (scene.issuer.items().await, scene.changes(&before.1).await);
            let is_changed = now
                .iter()
                .any(|(key, item)| !key.starts_with("AUDIT#") && before.0.get(key) != Some(item))
                || before.0.keys().any(|key| !now.contains_key(key));
            assert!(
                !is_changed || !changes.is_empty(),
                "{event}, killed after {after} calls, has changed something without a record"
            );
            let begun = changes
                .iter()
                .filter(|one| one.outcome == ChangeOutcome::Begun);
            unfinished += begun.count();
            assert!(!is_over || changes.iter().all(|one| one.outcome == ChangeOutcome::Done));
            after += 1;
        }
        assert!(
            unfinished > 0,
            "{event} was never killed between its records"
        );
    }
}

/// Lets the change make so many calls, and drops it with the next. Whether it was over before.
async fn killed_after(
    calls: usize,
    scene: &Scene,
    make: for<'a> fn(&'a Scene, &'a Administrator) -> Work<'a>,
) -> bool {
    let admin = scene.operator().await;
    let mut work = make(scene, &admin);
    let mut held = scene.issuer.dynamo.hold();
    let mut released = 0;
    let is_over = loop {
        tokio::select! {
            done = &mut work => {
                done.expect("the change");
                break true;
            }
            attempt = held.recv() => {
                if released == calls {
                    break false;
                }
                attempt.expect("an attempt").release(None);
                released += 1;
            }
        }
    };
    drop(work);
    scene.issuer.dynamo.unhold();
    is_over
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
    let records = format!("{:?}", scene.all_changes().await);
    for secret in [secret.expose_secret(), token.expose_secret()] {
        assert!(!records.contains(&secret[4..20]));
    }
}

fn name_of(change: &OperatorChange) -> String {
    let event: Value = serde_json::to_value(&change.change).expect("JSON");
    event["event"].as_str().expect("a name").to_owned()
}

fn rule(name: &str, source: &str) -> NewRule {
    NewRule {
        name: name.parse().expect("a name"),
        source: source.parse().expect("a name"),
        client_id: app(),
        audience: API.to_owned(),
        subject: Some("workload-1".parse().expect("a pattern")),
        conditions: Vec::new(),
    }
}

fn no_keys() -> SourceKeys {
    SourceKeys::JwksUri("https://other.example/jwks".parse().expect("a URL"))
}

fn other_keys() -> SourceKeys {
    SourceKeys::JwksUri("https://other.example/new".parse().expect("a URL"))
}

fn app() -> ClientId {
    "app".parse().expect("an id")
}

const RESOURCE: &str = "https://resource.example/";
const FOREIGN: &str = "https://other.example";
