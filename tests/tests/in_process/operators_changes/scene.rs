//! What the changes act on, and with what.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;
use tokensmith_issuer::admin::{Administrator, NewApiKey, NewRule, NewUpstream, NewUser};
use tokensmith_issuer::credential::ApiKeyId;
use tokensmith_issuer::names::{ClientId, Scopes};
use tokensmith_issuer::store::records::{OperatorChange, PasswordHash, SourceKeys};
use tokensmith_tests::records::{API, new_api_key};
use tokensmith_tests::{InProcess, TestGrant, TestOperator};
use tokensmith_verifier::Timestamp;

/// What the changes act on.
pub struct Scene {
    pub issuer: InProcess,
    pub grant: TestGrant,
    pub access_token: String,
    pub api_key: ApiKeyId,
}

impl Scene {
    pub async fn new() -> Self {
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
        let made = admin.create_upstream(upstream("old")).await;
        made.expect("an upstream");
        let made = admin.create_api_key(api_key()).await;
        let made_user = admin.create_user(user(USER)).await.expect("a user");
        let session = tokensmith_tests::records::new_session(
            SESSION,
            &made_user.outcome.subject,
            issuer.now(),
        );
        issuer
            .direct
            .table
            .insert(&session)
            .await
            .expect("a session");
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
    pub async fn operator(&self) -> Administrator {
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
    pub async fn changes(&self, before: &[OperatorChange]) -> Vec<OperatorChange> {
        let mut all = self.all_changes().await;
        all.retain(|change| !before.iter().any(|old| old.id == change.id));
        all
    }

    pub async fn all_changes(&self) -> Vec<OperatorChange> {
        let now = self.issuer.now();
        let until = now.after(Duration::from_secs(60));
        let changes = self.issuer.administrator();
        let changes =
            changes.changes_of_operators(Timestamp::from_seconds(now.seconds() - 60), until);
        changes.await.expect("the records")
    }
}

pub fn api_key() -> NewApiKey {
    NewApiKey {
        resource: None,
        ..new_api_key(app())
    }
}

pub fn rule(name: &str, source: &str) -> NewRule {
    NewRule {
        name: name.parse().expect("a name"),
        source: source.parse().expect("a name"),
        client_id: app(),
        audience: API.to_owned(),
        subject: Some("workload-1".parse().expect("a pattern")),
        conditions: Vec::new(),
    }
}

pub fn no_keys() -> SourceKeys {
    SourceKeys::JwksUri("https://other.example/jwks".parse().expect("a URL"))
}

pub fn other_keys() -> SourceKeys {
    SourceKeys::JwksUri("https://other.example/new".parse().expect("a URL"))
}

pub fn app() -> ClientId {
    "app".parse().expect("an id")
}

pub fn user(name: &str) -> NewUser {
    NewUser {
        name: name.parse().expect("a name"),
        password: Some(PasswordHash::new("a hash")),
        claims: Map::from_iter([("nickname".to_owned(), "Al".into())]),
    }
}

pub fn upstream(name: &str) -> NewUpstream {
    NewUpstream {
        name: name.parse().expect("a name"),
        shown_as: None,
        issuer: FOREIGN.parse().expect("an issuer"),
        client_id: "tokensmith".to_owned(),
        secret: Some("a secret".to_owned().into()),
        scopes: Scopes::default(),
        creates_users: false,
    }
}

pub const USER: &str = "alice";
pub const SESSION: &str = "a-session";
pub const RESOURCE: &str = "https://resource.example/";
pub const FOREIGN: &str = "https://other.example";
