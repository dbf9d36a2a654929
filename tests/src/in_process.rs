//! An issuer inside the test's own process: no port, a clock that the test sets, and faults between
//! it and its table. What a test does to the table directly is neither counted nor disturbed.

mod asking;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use secrecy::ExposeSecret;
use tempfile::TempDir;
use tokensmith_issuer::config::Config;
use tokensmith_issuer::credential::{ClientSecret, CredentialKind, GrantId, Nonce};
use tokensmith_issuer::keys::{HmacKeys, HmacRotation, KeyRotation, RotationPolicy};
use tokensmith_issuer::names::Scopes;
use tokensmith_issuer::store::records::{
    AuthenticationMethod, Client, Grant, LiveSecret, Origin, Subject, SubjectKind,
};
use tokensmith_issuer::store::{Change, Table, Update};
use tokensmith_issuer::{GrantType, Issuer, endpoint};
use tokensmith_local::{FileCustody, dynamodb_client, make_table};
use tokensmith_verifier::Algorithm;
use tokensmith_verifier::{Clock, Timestamp};

use crate::TestCustody;
use crate::faults::FaultyDynamo;

pub use asking::{Answer, Form, TestClient};

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
}

impl InProcess {
    /// An issuer that signs with ES256 and has the default configuration, ready and warm.
    pub async fn start() -> Self {
        Self::configured(|_| {}).await
    }

    /// An issuer with this configuration, its keys made.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn configured(configure: impl FnOnce(&mut Config)) -> Self {
        // The wrapping key is read once; then its directory may go.
        let keys = TempDir::new().expect("a directory");
        let custody = FileCustody::open_or_create(&keys.path().join("key"));
        Self::kept_by(custody.expect("a wrapping key"), configure).await
    }

    /// An issuer whose keys are in this custody, with this configuration, its keys made.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn kept_by(
        custody: impl Into<TestCustody>,
        configure: impl FnOnce(&mut Config),
    ) -> Self {
        let mut config = Config::new("https://issuer.example".parse().expect("a URL"));
        config.algorithms = vec![Algorithm::ES256];
        configure(&mut config);
        let dynamo = FaultyDynamo::in_memory();
        let direct = Direct {
            table: make_table(dynamo.direct()).await.expect("a table"),
            custody: custody.into(),
        };
        let seconds = Arc::new(AtomicU64::new(START));
        let started = Self {
            issuer: Arc::new(new_issuer(&config, &dynamo, &direct, &seconds).await),
            dynamo,
            config,
            direct,
            seconds,
        };
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
        let issuer = new_issuer(&other.config, &self.dynamo, &self.direct, &self.seconds).await;
        other.issuer = Arc::new(issuer);
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

    /// Sets the issuer's time.
    pub fn set(&self, moment: Timestamp) {
        self.seconds.store(moment.seconds(), Ordering::SeqCst);
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: u64) {
        self.seconds.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Registers a client that has a secret. It may refresh and use `client_credentials`, has the
    /// scopes `a b c` (`a` by default) and the audiences [`API`] and [`OTHER_API`].
    pub async fn confidential(&self, id: &str, change: impl FnOnce(&mut Client)) -> TestClient {
        let secret = ClientSecret::generate();
        let mut client = new_client(id, self.now());
        client.secrets = vec![LiveSecret {
            hash: secret.hash(),
            created_at: self.now(),
            expires_at: None,
        }];
        change(&mut client);
        self.register(client, Some(secret)).await
    }

    /// Registers a client that has no secret, and otherwise the same.
    pub async fn public(&self, id: &str, change: impl FnOnce(&mut Client)) -> TestClient {
        let mut client = new_client(id, self.now());
        client.authentication = Some(AuthenticationMethod::None);
        client.grant_types = vec![GrantType::RefreshToken];
        change(&mut client);
        self.register(client, None).await
    }

    async fn register(&self, client: Client, secret: Option<ClientSecret>) -> TestClient {
        let inserted = self.table().insert(&client).await;
        inserted.expect("the client can be registered");
        TestClient {
            id: client.id,
            secret: secret.map(|secret| secret.expose_secret().to_owned()),
        }
    }

    /// Changes a client's record, as an operator would.
    pub async fn change_client(&self, client: &TestClient, change: impl FnOnce(&mut Client)) {
        let key = Client::key_of(&client.id);
        let stored = self.table().get(&key).await.expect("a read");
        let stored = stored.expect("a client");
        let mut wanted = stored.record.clone();
        change(&mut wanted);
        let change = Change::between(&stored, &wanted).expect("a change");
        let changed = self.table().update(&key, change).await.expect("an update");
        assert!(matches!(changed, Update::Applied(_)));
    }

    /// Gives `client` a grant by alice for the scopes `a b` and [`API`], changed as told.
    pub async fn grant(&self, client: &TestClient, change: impl FnOnce(&mut Grant)) -> TestGrant {
        let registered = self.client(client).await;
        let (now, nonce) = (self.now(), Nonce::random());
        let subject = "alice".parse().expect("a subject");
        let mut grant = Grant {
            id: GrantId::random(&subject),
            client_id: client.id.clone(),
            subject,
            origin: Origin::Created,
            scopes: scopes("a b"),
            audiences: vec![API.parse().expect("an audience")],
            nonce_hash: nonce.hash(),
            generation: 1,
            hmac_version: self.hmac_keys().newest(now).await.expect("a key").version(),
            rotated_at: now,
            created_at: now,
            idle_expires_at: now.after(Duration::from_secs(registered.refresh_ttl)),
            expires_at: now.after(Duration::from_secs(registered.grant_ttl)),
            revoked_at: None,
        };
        change(&mut grant);
        let subject = Subject::new(grant.subject.as_str(), SubjectKind::User);
        self.table().insert(&subject).await.expect("a subject");
        self.table().insert(&grant).await.expect("a grant");
        let of = TestGrant {
            id: grant.id,
            nonce,
            token: String::new(),
        };
        let token = self.credential(&of, grant.generation, grant.hmac_version);
        TestGrant {
            token: token.await,
            ..of
        }
    }

    /// Changes a grant's record behind the issuer's back.
    pub async fn change_grant(&self, grant: &TestGrant, change: impl FnOnce(&mut Grant)) {
        let key = Grant::key_of(grant.id);
        let stored = self.table().get(&key).await.expect("a read");
        let stored = stored.expect("a grant");
        let mut wanted = stored.record.clone();
        change(&mut wanted);
        let change = Change::between(&stored, &wanted).expect("a change");
        let changed = self.table().update(&key, change).await.expect("an update");
        assert!(matches!(changed, Update::Applied(_)));
    }

    /// The refresh token of a generation of `grant`, made by a version of the HMAC key.
    pub async fn credential(&self, grant: &TestGrant, generation: u32, version: u32) -> String {
        let key = self.hmac_keys().version(version, self.now()).await;
        let key = key.expect("a key of that version");
        let (issuer, kind) = (&self.config.issuer, CredentialKind::RefreshToken);
        let text = key.print(issuer, kind, grant.id, generation, &grant.nonce);
        text.expose_secret().to_owned()
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
        let Config {
            issuer,
            algorithms,
            cache_ttl,
            ..
        } = self.config.clone();
        let mut policy = RotationPolicy::new(issuer, algorithms, cache_ttl);
        configure(&mut policy);
        KeyRotation::new(table, custody.make, policy)
    }

    /// A client's record as it is in the table.
    pub async fn client(&self, client: &TestClient) -> Client {
        let stored = self.table().get(&Client::key_of(&client.id)).await;
        stored.expect("a read").expect("a client").record
    }

    /// A grant's record as it is in the table.
    pub async fn stored(&self, grant: &TestGrant) -> Grant {
        let stored = self.table().get(&Grant::key_of(grant.id)).await;
        stored.expect("a read").expect("a grant").record
    }

    /// Everything that is in the table, attribute by attribute.
    pub async fn items(&self) -> HashMap<String, HashMap<String, AttributeValue>> {
        let scanned = dynamodb_client(self.dynamo.direct())
            .scan()
            .table_name("tokensmith")
            .send()
            .await;
        let items = scanned.expect("a scan").items.unwrap_or_default();
        let keyed = items.into_iter().map(|item| {
            let key = |name: &str| item[name].as_s().expect("a string").clone();
            (format!("{}/{}", key("pk"), key("sk")), item)
        });
        keyed.collect()
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

/// A grant, what its credentials are made from, and its first refresh token.
#[derive(Clone, Debug)]
pub struct TestGrant {
    /// Its id.
    pub id: GrantId,
    /// The secret that its credentials carry.
    pub nonce: Nonce,
    /// The refresh token that it began with.
    pub token: String,
}

/// Scopes from their text.
pub fn scopes(text: &str) -> Scopes {
    text.parse().expect("scopes")
}

async fn new_issuer(
    config: &Config,
    dynamo: &FaultyDynamo,
    direct: &Direct,
    seconds: &Arc<AtomicU64>,
) -> Issuer {
    let table = make_table(dynamo.clone())
        .await
        .expect("the table is there");
    let clock = Clock::Manual(seconds.clone());
    Issuer::new(config.clone(), table, direct.custody.access(), clock)
}

fn new_client(id: &str, now: Timestamp) -> Client {
    Client {
        id: id.parse().expect("a client id"),
        authentication: None,
        secrets: Vec::new(),
        grant_types: vec![GrantType::RefreshToken, GrantType::ClientCredentials],
        scopes: scopes("a b c"),
        default_scopes: scopes("a"),
        audiences: [API, OTHER_API].map(|one| one.parse().expect("one")).into(),
        access_ttl: None,
        algorithm: None,
        refresh_ttl: DAY * 30,
        grant_ttl: DAY * 365,
        refresh_grace: None,
        refresh_rotation: true,
        disabled: false,
        deleted_at: None,
        not_before: None,
        created_at: now,
    }
}

/// The resource that tokens are meant for by default.
pub const API: &str = "https://api.example/";

/// Another resource of every client, which no grant includes by itself.
pub const OTHER_API: &str = "https://other.example/";

/// The second at which every test begins.
pub const START: u64 = 1_800_000_000;

/// A day in seconds.
pub const DAY: u64 = 24 * 60 * 60;
