//! An issuer inside the test's own process: no port, a clock that the test sets, and faults between
//! it and its table. What a test does to the table directly is neither counted nor disturbed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;
use tokensmith_issuer::admin::{Administrator, settle};
use tokensmith_issuer::config::Config;
use tokensmith_issuer::credential::{ClientSecret, Nonce};
use tokensmith_issuer::fetched::{Fetcher, Post, Reach, Source, Web};
use tokensmith_issuer::keys::{HmacKeys, HmacRotation, KeyRotation, RotationPolicy};
use tokensmith_issuer::names::Scope;
use tokensmith_issuer::store::records::{
    AuthenticationMethod, Client, DefinedScope, FeedAttributes, Grant, LiveSecret, OperatorChange,
    Resource, RevokedToken, StoredJwks, Subject, SubjectKind, User,
};
use tokensmith_issuer::store::{Change, CheckedTime, Key, Record, Table, Update};
use tokensmith_issuer::{Abilities, GrantType, Issuer, endpoint};
use tokensmith_local::{FileCustody, dynamodb_client, make_table};
use tokensmith_people::Passwords;
use tokensmith_verifier::{Algorithm, Clock, Timestamp, paths};

use crate::assertion::OwnKey;
use crate::contents::{Items, items_by_key};
use crate::faults::FaultyDynamo;
use crate::operator::TestOperator;
use crate::provider::TestProvider;
use crate::records::{API, audiences, new_client, new_grant, refresh_token, scopes};
use crate::served::endpoint_at;
use crate::{Answer, Form, HttpRequest, TestClient, TestCustody, TestGrant};

/// An issuer in this process.
#[derive(Clone)]
pub struct InProcess {
    /// The issuer; its table is reached through `dynamo`.
    pub issuer: Arc<Issuer>,
    /// Its database, with faults and counts.
    pub dynamo: FaultyDynamo,
    /// How it is configured.
    pub config: Config,
    /// The same table, reached directly, and the custody of keys.
    pub direct: Direct,
    seconds: Arc<AtomicU64>,
    /// Where people can sign in as well.
    provider: Option<Arc<TestProvider>>,
}

impl InProcess {
    /// An issuer that signs with ES256 and has the default configuration, ready and warm.
    pub async fn start() -> Self {
        Self::configured(|_| {}).await
    }

    /// An issuer with this configuration, its keys made.
    pub async fn configured(configure: impl FnOnce(&mut Config)) -> Self {
        // The wrapping key is read once; then its directory may go.
        let keys = TempDir::new().expect("a directory");
        let custody = FileCustody::open_or_create(&keys.path().join("key"));
        Self::kept_by(custody.expect("a wrapping key"), configure).await
    }

    /// An issuer whose keys are in this custody, with this configuration, its keys made.
    pub async fn kept_by(
        custody: impl Into<TestCustody>,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::new("https://issuer.example".parse().expect("a URL"));
        config.algorithms = vec![Algorithm::ES256];
        configure(&mut config);
        let seconds = Arc::new(AtomicU64::new(START));
        let dynamo = FaultyDynamo::in_memory(Clock::Manual(seconds.clone()));
        let direct = Direct {
            table: make_table(dynamo.direct()).await.expect("a table"),
            custody: custody.into(),
        };
        let started = Self {
            issuer: Arc::new(new_issuer(&config, &dynamo, &direct, &seconds, None).await),
            dynamo,
            config,
            direct,
            seconds,
            provider: None,
        };
        let settled = settle(started.table(), &started.config.owner()).await;
        settled.expect("the table is nobody's yet");
        let rotated = started.key_rotation(|_| {}).run(started.now()).await;
        rotated.expect("the first keys can be made");
        let warm = started.issuer.warm_up(&endpoint::TOKEN).await;
        warm.expect("it can be warmed up");
        started.dynamo.take_attempts();
        started
    }

    /// Another function of the same issuer, on the same table and clock, that has loaded nothing.
    pub async fn cold(&self) -> Self {
        self.cold_as(|_| {}).await
    }

    /// An issuer on the same table and clock with another configuration, that has loaded nothing.
    pub async fn cold_as(&self, configure: impl FnOnce(&mut Config)) -> Self {
        let mut other = self.clone();
        configure(&mut other.config);
        let provider = self.provider.as_ref();
        let issuer = new_issuer(
            &other.config,
            &self.dynamo,
            &self.direct,
            &self.seconds,
            provider,
        );
        other.issuer = Arc::new(issuer.await);
        other.dynamo.take_attempts();
        other
    }

    /// Another function of the same issuer, which has loaded nothing, and where people sign in at `provider` as well.
    pub async fn beside(&self, provider: &Arc<TestProvider>) -> Self {
        let mut other = self.clone();
        other.provider = Some(provider.clone());
        other.cold().await
    }

    /// Another function of the same issuer, which has loaded nothing, and fetches documents from this machine.
    pub async fn fetching(&self) -> Self {
        let table = make_table(self.dynamo.clone()).await.expect("the table");
        let web = Arc::new(Web::new(Reach::Private));
        let fetcher = Arc::new(Fetcher::new(table, web.clone()));
        self.finding(fetcher, Some(web)).await
    }

    /// Another function of the same issuer, which has loaded nothing, and reads documents that others have fetched.
    pub async fn reading(&self) -> Self {
        let table = make_table(self.dynamo.clone()).await.expect("the table");
        self.finding(Arc::new(table.reader()), None).await
    }

    async fn finding(&self, documents: Arc<dyn Source>, web: Option<Arc<dyn Post>>) -> Self {
        let mut other = self.clone();
        let table = make_table(self.dynamo.clone()).await.expect("the table");
        let abilities = Abilities {
            keys: self.direct.custody.access(),
            documents: Some(documents),
            web,
            passwords: Some(Arc::new(Passwords::default())),
        };
        let issuer = Issuer::new(self.config.clone(), table, abilities, self.clock());
        other.issuer = Arc::new(issuer);
        let warm = other.issuer.warm_up(&endpoint::TOKEN).await;
        warm.expect("it can be warmed up");
        other.dynamo.take_attempts();
        other
    }

    /// The table, reached directly.
    pub fn table(&self) -> &Table {
        &self.direct.table
    }

    /// The issuer's clock.
    pub fn clock(&self) -> Clock {
        Clock::Manual(self.seconds.clone())
    }

    /// The issuer's time.
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// The issuer's time, as DynamoDB tells it.
    pub async fn checked_time(&self) -> CheckedTime {
        let told = self.table().checked_time().await;
        told.expect("an answer with the time")
    }

    /// An operator who manages its data.
    pub fn administrator(&self) -> Administrator {
        let Direct { table, custody } = self.direct.clone();
        let (config, operator) = (self.config.clone(), Arc::new(TestOperator));
        Administrator::new(config, table, custody.make, custody.open, operator)
    }

    /// Sets the issuer's time.
    pub fn set(&self, moment: Timestamp) {
        self.seconds.store(moment.seconds(), Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Revokes so many tokens of others, which expire at `until`, as if that had been at `at`.
    pub async fn insert_revoked(&self, count: usize, at: Timestamp, until: Timestamp) {
        let numbers: Vec<_> = (0..count).collect();
        for batch in numbers.chunks(64) {
            let inserts = batch.iter().map(async |number| {
                let record = RevokedToken {
                    jti: format!("{}-{}-{number}", at.seconds(), until.seconds()),
                    expires_at: until,
                    feed: FeedAttributes::new(at, until),
                };
                self.table().insert(&record).await
            });
            for inserted in join_all(inserts).await {
                inserted.expect("an insert");
            }
        }
    }

    /// Registers a client that has a secret, and otherwise is a [`new_client`].
    pub async fn confidential(&self, id: &str, change: impl FnOnce(&mut Client)) -> TestClient {
        let secret = ClientSecret::generate();
        let mut client = new_client(id, self.now());
        client.secrets = vec![LiveSecret {
            hash: secret.hash(),
            created_at: self.now(),
            expires_at: None,
        }];
        change(&mut client);
        self.insert(&client).await;
        TestClient::new(id, secret.expose_secret())
    }

    /// Registers a client that has no secret, and otherwise the same.
    pub async fn public(&self, id: &str, change: impl FnOnce(&mut Client)) -> TestClient {
        let mut client = new_client(id, self.now());
        client.authentication = Some(AuthenticationMethod::None);
        client.grant_types = vec![GrantType::RefreshToken];
        change(&mut client);
        self.insert(&client).await;
        TestClient::public(id)
    }

    /// Registers a client that signs with `key`, and otherwise the same.
    pub async fn signing(&self, id: &str, key: &OwnKey) -> TestClient {
        let mut client = new_client(id, self.now());
        client.authentication = Some(AuthenticationMethod::PrivateKeyJwt);
        client.jwks = Some(StoredJwks::new(&key.jwks()).expect("a key set"));
        self.insert(&client).await;
        TestClient::public(id)
    }

    /// Registers the resource `uri` with the scopes `a b`, changed as told.
    pub async fn resource(&self, uri: &str, change: impl FnOnce(&mut Resource)) {
        let described = |name: &Scope| DefinedScope {
            name: name.clone(),
            description: format!("Do {name}"),
        };
        let mut resource = Resource {
            uri: uri.parse().expect("an audience"),
            name: None,
            scopes: scopes("a b").iter().map(described).collect(),
            access_ttl: None,
            algorithm: None,
            owners: Vec::new(),
            exchanges: Vec::new(),
            limit: None,
            dpop: None,
            created_at: self.now(),
        };
        change(&mut resource);
        self.insert(&resource).await;
    }

    /// Registers a client that owns the resource `uri`, which is registered as well.
    pub async fn owner_of(&self, uri: &str) -> TestClient {
        let owner = self.confidential("owner", |_| {}).await;
        self.resource(uri, |resource| resource.owners = vec![owner.client_id()])
            .await;
        owner
    }

    /// Changes a resource's record, as an operator would.
    pub async fn change_resource(&self, uri: &str, change: impl FnOnce(&mut Resource)) {
        let uri = uri.parse().expect("an audience");
        self.change(&Resource::key_of(&uri), change).await;
    }

    /// Registers a person who can sign in, whose user name is the subject, and what is known about them.
    pub async fn person(&self, subject: &str, claims: Value) {
        let user = User {
            subject: subject.parse().expect("a subject"),
            name: subject.parse().expect("a user name"),
            claims: claims.as_object().expect("an object").clone(),
            disabled: false,
            sessions_not_before: None,
            password_changed_at: None,
            created_at: self.now(),
            updated_at: self.now(),
        };
        self.insert(&user).await;
    }

    /// Changes a person's record, as an operator would.
    pub async fn change_person(&self, subject: &str, change: impl FnOnce(&mut User)) {
        let subject = subject.parse().expect("a subject");
        self.change(&User::key_of(&subject), change).await;
    }

    /// Gives `client` a grant by alice for the scopes `a b` and [`API`], changed as told.
    pub async fn grant(&self, client: &TestClient, change: impl FnOnce(&mut Grant)) -> TestGrant {
        let (now, nonce) = (self.now(), Nonce::random());
        let subject = "alice".parse().expect("a subject");
        let mut grant = new_grant(&self.client(client).await, &subject, &nonce, now);
        grant.scopes = scopes("a b");
        grant.audiences = audiences(&[API]);
        grant.hmac_version = self.hmac_keys().newest(now).await.expect("a key").version();
        change(&mut grant);
        let subject = Subject::new(grant.subject.as_str(), SubjectKind::User);
        self.insert(&subject).await;
        self.insert(&grant).await;
        let (generation, version) = (grant.generation, grant.hmac_version);
        let unprinted = TestGrant {
            id: grant.id,
            nonce,
            token: String::new(),
        };
        let token = self.credential(&unprinted, generation, version).await;
        TestGrant { token, ..unprinted }
    }

    /// The refresh token of a generation of `grant`, made by a version of the HMAC key.
    pub async fn credential(&self, grant: &TestGrant, generation: u32, version: u32) -> String {
        let key = self.hmac_keys().version(version, self.now()).await;
        let key = key.expect("a key of that version");
        let issuer = &self.config.issuer;
        refresh_token(&key, issuer, grant.id, generation, &grant.nonce)
    }

    /// A client's record as it is in the table.
    pub async fn client(&self, client: &TestClient) -> Client {
        self.record(&Client::key_of(&client.client_id())).await
    }

    /// A grant's record as it is in the table.
    pub async fn stored(&self, grant: &TestGrant) -> Grant {
        self.record(&Grant::key_of(grant.id)).await
    }

    /// Changes a client's record, as an operator would.
    pub async fn change_client(&self, client: &TestClient, change: impl FnOnce(&mut Client)) {
        let key = Client::key_of(&client.client_id());
        self.change(&key, change).await;
    }

    /// Changes a grant's record behind the issuer's back.
    pub async fn change_grant(&self, grant: &TestGrant, change: impl FnOnce(&mut Grant)) {
        self.change(&Grant::key_of(grant.id), change).await;
    }

    async fn insert(&self, record: &impl Record) {
        let inserted = self.table().insert(record).await;
        inserted.expect("the record can be inserted");
    }

    /// A record as it is in the table.
    pub async fn record<R: Record>(&self, key: &Key<R>) -> R {
        let stored = self.table().get(key).await.expect("a read");
        stored.expect("a record").record
    }

    async fn change<R: Record + Clone>(&self, key: &Key<R>, change: impl FnOnce(&mut R)) {
        let stored = self.table().get(key).await.expect("a read");
        let stored = stored.expect("a record");
        let mut wanted = stored.record.clone();
        change(&mut wanted);
        let change = Change::between(&stored, &wanted).expect("a change");
        let changed = self.table().update(key, change).await.expect("an update");
        assert!(matches!(changed, Update::Applied(_)));
    }

    /// The HMAC keys, read afresh.
    pub fn hmac_keys(&self) -> HmacKeys {
        let Direct { table, custody } = self.direct.clone();
        HmacKeys::new(table.reader(), custody.open, Duration::ZERO)
    }

    /// What makes HMAC keys and takes them away.
    pub fn hmac_rotation(&self) -> HmacRotation {
        let Direct { table, custody } = self.direct.clone();
        HmacRotation::new(table, custody.make)
    }

    /// What makes signing keys and takes them away.
    pub fn key_rotation(&self, configure: impl FnOnce(&mut RotationPolicy)) -> KeyRotation {
        let Direct { table, custody } = self.direct.clone();
        let config = self.config.clone();
        let mut policy = RotationPolicy::new(config.issuer, config.algorithms, config.cache_ttl);
        configure(&mut policy);
        KeyRotation::new(table, custody.make, policy)
    }

    /// What is in the table, attribute by attribute, but for the records of what operators have changed or tried to change.
    pub async fn items(&self) -> Items {
        let mut items = self.all_items().await;
        items.retain(|key, _| !key.starts_with(OperatorChange::PREFIX));
        items
    }

    /// Everything that is in the table.
    pub async fn all_items(&self) -> Items {
        items_by_key(&dynamodb_client(self.dynamo.direct())).await
    }

    /// Sends a request to the endpoint that its path leads to.
    pub async fn send(&self, request: &HttpRequest) -> Answer {
        let request = request.in_process();
        let endpoint = endpoint_at(request.uri().path()).expect("an endpoint");
        self.issuer.handle(endpoint, request).await.into()
    }

    /// Posts a form as `client`.
    pub async fn post(&self, path: &str, client: &TestClient, form: Form<'_>) -> Answer {
        self.send(&HttpRequest::form(path, form).by(client)).await
    }

    /// Posts a form with a client assertion.
    pub async fn post_asserted(&self, path: &str, form: Form<'_>, assertion: &str) -> Answer {
        self.send(&HttpRequest::asserted(path, form, assertion))
            .await
    }

    /// Refreshes (RFC 6749 §6).
    pub async fn refresh(&self, client: &TestClient, token: &str) -> Answer {
        self.send(&HttpRequest::refresh(client, token)).await
    }

    /// Refreshes, with more parameters.
    pub async fn refresh_with(&self, client: &TestClient, token: &str, more: Form<'_>) -> Answer {
        let own = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let form = [&own, more].concat();
        self.post(paths::TOKEN, client, &form).await
    }

    /// Asks for a token for the client itself (RFC 6749 §4.4).
    pub async fn client_credentials(&self, client: &TestClient) -> Answer {
        self.send(&HttpRequest::client_credentials(client)).await
    }

    /// Revokes a token (RFC 7009).
    pub async fn revoke(&self, client: &TestClient, token: &str) -> Answer {
        self.send(&HttpRequest::revoke(client, token)).await
    }

    /// Introspects a token (RFC 7662).
    pub async fn introspect(&self, client: &TestClient, token: &str) -> Answer {
        self.send(&HttpRequest::introspect(client, token)).await
    }

    /// Whether introspection calls a token active.
    pub async fn is_active(&self, client: &TestClient, token: &str) -> bool {
        let answer = self.introspect(client, token).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["active"].as_bool().expect("a boolean")
    }
}

/// The table without faults, and the custody of keys.
#[derive(Clone, Debug)]
pub struct Direct {
    /// The table.
    pub table: Table,
    /// The custody.
    pub custody: TestCustody,
}

async fn new_issuer(
    config: &Config,
    dynamo: &FaultyDynamo,
    direct: &Direct,
    seconds: &Arc<AtomicU64>,
    provider: Option<&Arc<TestProvider>>,
) -> Issuer {
    let table = make_table(dynamo.clone()).await.expect("the table");
    let clock = Clock::Manual(seconds.clone());
    let abilities = Abilities {
        passwords: Some(Arc::new(Passwords::default())),
        documents: provider.map(|provider| provider.clone() as Arc<dyn Source>),
        web: provider.map(|provider| provider.clone() as Arc<dyn Post>),
        ..direct.custody.access().into()
    };
    Issuer::new(config.clone(), table, abilities, clock)
}

/// The second at which every test begins.
pub const START: u64 = 1_800_000_000;
