//! API keys at the issuer: what an exchange costs, what rests on which read, and what a failed write leaves.

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokensmith_issuer::admin::{Administrator, ApiKeyError, CreatedApiKey};
use tokensmith_issuer::store::records::{ApiKey, Client, LastUse};
use tokensmith_local::make_table;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::new_api_key;
use tokensmith_tests::{Answer, HttpRequest, InProcess, TestClient, TestOperator};

const DAY: u64 = 24 * 60 * 60;

/// A client with an API key for the scope `a`.
struct Scene {
    issuer: InProcess,
    client: TestClient,
    key: CreatedApiKey,
}

impl Scene {
    async fn new() -> Self {
        let issuer = InProcess::start().await;
        let client = issuer.confidential("app", |_| {}).await;
        let created = issuer
            .administrator()
            .create_api_key(new_api_key(client.client_id()))
            .await;
        let key = created.expect("a key").outcome;
        issuer.dynamo.take_calls();
        Self {
            issuer,
            client,
            key,
        }
    }

    async fn exchange(&self) -> Answer {
        exchange(&self.issuer, &self.key).await
    }

    /// An operator whose calls fail as planned.
    async fn failing_operator(&self) -> Administrator {
        let table = make_table(self.issuer.dynamo.clone()).await;
        let custody = self.issuer.direct.custody.clone();
        let (config, table) = (self.issuer.config.clone(), table.expect("the table"));
        Administrator::new(
            config,
            table,
            custody.make,
            custody.open,
            Arc::new(TestOperator),
        )
    }

    async fn record(&self) -> ApiKey {
        self.issuer.record(&ApiKey::key_of(&self.key.key.id)).await
    }
}

async fn exchange(issuer: &InProcess, key: &CreatedApiKey) -> Answer {
    issuer
        .send(&HttpRequest::exchange(key.secret.expose_secret()))
        .await
}

/// Without the queries of keys, which each function makes anyway.
fn calls(issuer: &InProcess) -> Vec<String> {
    let mut calls = issuer.dynamo.take_calls();
    calls.retain(|call| call != "Query");
    calls
}

#[tokio::test]
async fn a_warm_exchange_makes_no_call() {
    let scene = Scene::new().await;
    assert_eq!(scene.exchange().await.status, 200);
    // The key, its client, what is registered of the resource; and that the key is used.
    let first = ["GetItem", "GetItem", "GetItem", "UpdateItem"];
    assert_eq!(calls(&scene.issuer), first);
    for _ in 0..3 {
        assert_eq!(scene.exchange().await.status, 200);
    }
    assert!(calls(&scene.issuer).is_empty());
    // Reads are used for as long as those of clients.
    scene.issuer.pass(10);
    assert_eq!(scene.exchange().await.status, 200);
    assert_eq!(calls(&scene.issuer), ["GetItem", "GetItem", "GetItem"]);
    scene.issuer.pass(DAY);
    assert_eq!(scene.exchange().await.status, 200);
    assert_eq!(calls(&scene.issuer), first);
    let used: LastUse = scene
        .issuer
        .record(&LastUse::key_of(&scene.key.key.id))
        .await;
    assert_eq!(used.used_at, scene.issuer.now());
}

#[tokio::test]
async fn what_is_exchanged_expires_with_the_key_and_rests_on_the_oldest_read() {
    let scene = Scene::new().await;
    let claims = scene.exchange().await.claims();
    assert_eq!(claims.iat, scene.issuer.now().seconds());
    scene.issuer.pass(9);
    let later = scene.exchange().await.claims();
    assert_eq!(later.iat, claims.iat);
    let end = scene.record().await.expires_at.seconds();
    scene.issuer.pass(end - scene.issuer.now().seconds() - 60);
    let answer = scene.exchange().await;
    assert_eq!(answer.claims().exp, end);
    assert_eq!(answer.json()["expires_in"], 60);
    scene.issuer.pass(60);
    scene
        .exchange()
        .await
        .assert_refused(400, "invalid_request");
}

/// A token must not have expired before it is issued.
#[tokio::test]
async fn tokens_that_live_for_seconds_rest_on_fresh_reads() {
    let scene = Scene::new().await;
    let short = |client: &mut Client| client.access_ttl = Some(5);
    scene.issuer.change_client(&scene.client, short).await;
    for _ in 0..3 {
        let answer = scene.exchange().await;
        let now = scene.issuer.now().seconds();
        assert_eq!(answer.claims().iat, now);
        assert_eq!(answer.json()["expires_in"], 5);
        scene.issuer.pass(4);
    }
}

#[tokio::test]
async fn invariant_4_what_is_issued_on_a_kept_key_after_its_revocation_is_dead() {
    let scene = Scene::new().await;
    assert_eq!(scene.exchange().await.status, 200);
    let admin = scene.issuer.administrator();
    let revoked = admin.revoke_api_key(&scene.key.key.id).await;
    revoked.expect("it is revoked");
    // The function still has the record.
    let token = scene.exchange().await.access_token();
    assert!(!scene.issuer.is_active(&scene.client, &token).await);
    scene.issuer.pass(10);
    scene
        .exchange()
        .await
        .assert_refused(400, "invalid_request");
}

#[tokio::test]
async fn invariant_8_a_revocation_whose_answer_was_lost_is_repeated() {
    // When only an answer was lost, the SDK's own retry finds that the write was applied.
    for (faults, is_told) in [
        (vec![Some(Fault::Before); 3], false),
        (vec![Some(Fault::After)], true),
    ] {
        let scene = Scene::new().await;
        let admin = scene.failing_operator().await;
        let id = &scene.key.key.id;
        scene.issuer.dynamo.plan_for("UpdateItem", faults);
        assert_eq!(admin.revoke_api_key(id).await.is_ok(), is_told);
        admin.revoke_api_key(id).await.expect("it is revoked");
        assert!(scene.record().await.revoked_at.is_some());
        admin.revoke_api_key(id).await.expect("it is revoked again");
    }
}

#[tokio::test]
async fn invariant_8_a_replacement_that_stops_halfway_leaves_the_old_key_and_can_be_repeated() {
    let scene = Scene::new().await;
    let admin = scene.failing_operator().await;
    let (id, overlap) = (&scene.key.key.id, Duration::from_secs(60));
    let stops = [Some(Fault::Before); 3];
    for operation in ["PutItem", "UpdateItem"] {
        scene.issuer.dynamo.plan_for(operation, stops);
        let stopped = admin.rotate_api_key(id, overlap, None).await;
        assert!(stopped.is_err(), "{operation}");
        let old = scene.record().await;
        assert_eq!(
            (old.replaced_by, old.revoked_at),
            (None, None),
            "{operation}"
        );
        assert_eq!(old.expires_at, old.made_until, "{operation}");
    }
    let rotated = admin.rotate_api_key(id, overlap, None).await;
    let new = rotated.expect("it is replaced").outcome.created;
    assert_eq!(exchange(&scene.issuer, &new).await.status, 200);
    // A successor that has ended, such as one that nobody has seen, is no successor.
    let again = admin.rotate_api_key(id, overlap, None).await;
    assert!(matches!(again, Err(ApiKeyError::Replaced(..))));
    admin
        .revoke_api_key(&new.key.id)
        .await
        .expect("it is revoked");
    let again = admin.rotate_api_key(id, overlap, None).await;
    again.expect("it is replaced again");
}

#[tokio::test]
async fn of_replacements_at_once_one_succeeds_and_leaves_one_new_key() {
    let scene = Scene::new().await;
    let admin = scene.issuer.administrator();
    let id = &scene.key.key.id;
    let rotations = (0..10).map(|_| admin.rotate_api_key(id, Duration::from_secs(60), None));
    let rotated = futures_util::future::join_all(rotations).await;
    assert_eq!(rotated.iter().filter(|one| one.is_ok()).count(), 1);
    let mut pages = admin
        .list_api_keys(&scene.client.client_id(), None)
        .await
        .expect("a list");
    let page = pages.next().await.expect("a page").expect("the first");
    let live = page.iter().flatten().filter(|one| one.standing.is_ok());
    // The old one, in its overlap, and its successor.
    assert_eq!(live.count(), 2);
}

/// The record of a deleted client is forgotten after two days, and with it that everything of the client was revoked.
#[tokio::test]
async fn nothing_of_a_deleted_client_comes_back_with_a_new_client_of_its_name() {
    let scene = Scene::new().await;
    let (issuer, client) = (&scene.issuer, &scene.client);
    let grant = issuer.grant(client, |_| {}).await;
    let admin = issuer.administrator();
    let id = client.client_id();
    admin.delete_client(&id).await.expect("it is deleted");
    issuer.pass(3 * DAY);
    let table = issuer.table();
    table
        .delete(&Client::key_of(&id))
        .await
        .expect("it is forgotten");
    let client = issuer.confidential("app", |_| {}).await;
    let refused = scene.exchange().await;
    refused.assert_refused(400, "invalid_request");
    let refused = issuer.refresh(&client, &grant.token).await;
    refused.assert_refused(400, "invalid_grant");
}
