//! DynamoDB inside this process: the engine stands behind the SDK's own `HttpClient`, so that
//! requests, retries and errors are those of production, and no port is needed.

use std::fmt;
use std::path::Path;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryPartition;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::DateTime;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokensmith_issuer::store::with_time_limits;
use tokensmith_verifier::Clock;

/// An embedded DynamoDB. Cheap to clone; several processes may open one file.
#[derive(Clone)]
pub struct EmbeddedDynamo {
    database: Database,
    clock: Clock,
}

impl EmbeddedDynamo {
    /// Opens or creates the database file.
    ///
    /// # Errors
    /// The error of SQLite.
    pub fn open(file: &Path) -> Result<Self, DynoxideError> {
        let database = Database::new(&file.to_string_lossy())?;
        // `synchronous=NORMAL`: with the write-ahead log, a killed process loses no acknowledged
        // write; only a power cut can lose the last writes of development data.
        database.disable_bulk_loading()?;
        Ok(Self {
            database,
            clock: Clock::System,
        })
    }

    /// Deletes expired items, and returns how many they were. Blocks the thread.
    ///
    /// # Errors
    /// The error of SQLite.
    pub fn delete_expired(&self) -> Result<usize, DynoxideError> {
        self.database.sweep_ttl()
    }

    /// A database in memory, which ends with the process.
    ///
    /// # Errors
    /// The error of SQLite.
    pub fn in_memory() -> Result<Self, DynoxideError> {
        Ok(Self {
            database: Database::memory()?,
            clock: Clock::System,
        })
    }

    /// The same database, whose answers tell the time by this clock.
    pub fn telling(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }
}

/// A DynamoDB client that talks through `http`.
pub fn dynamodb_client(http: impl HttpClient + 'static) -> Client {
    let nobody = Credentials::new("local", "local", None, None, "embedded");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("local"))
        .endpoint_url("http://embedded.invalid")
        // By default the clients of a process share what they may spend on retries: one database whose
        // calls fail would take the retries of the others.
        .retry_partition(RetryPartition::custom("embedded").build())
        .credentials_provider(SharedCredentialsProvider::new(nobody))
        .http_client(http);
    Client::from_conf(with_time_limits(config).build())
}

impl HttpClient for EmbeddedDynamo {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for EmbeddedDynamo {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (database, clock) = (self.database.clone(), self.clock.clone());
        // SQLite blocks, so it runs on the pool for blocking work, and other requests go on.
        let work = tokio::task::spawn_blocking(move || answer(&database, &clock, &request));
        HttpConnectorFuture::new(async move {
            work.await
                .map_err(|err| ConnectorError::other(err.into(), None))?
        })
    }
}

impl fmt::Debug for EmbeddedDynamo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmbeddedDynamo")
    }
}

fn answer(
    database: &Database,
    clock: &Clock,
    request: &HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    let body = request.body().bytes().unwrap_or_default();
    let (status, json) = match dispatch(database, target, body) {
        Ok(json) => (200, json),
        Err(err) => (err.status_code(), err.to_json()),
    };
    let status =
        StatusCode::try_from(status).map_err(|err| ConnectorError::other(err.into(), None))?;
    let mut response = HttpResponse::new(status, SdkBody::from(json));
    // As DynamoDB does (RFC 9110 §6.6.1): commands date what they write by it.
    let now = i64::try_from(clock.now().seconds()).unwrap_or(i64::MAX);
    if let Ok(date) = DateTime::from_secs(now).fmt(Format::HttpDate) {
        response.headers_mut().insert("date", date);
    }
    Ok(response)
}

fn dispatch(database: &Database, target: &str, body: &[u8]) -> Result<String, DynoxideError> {
    fn run<Q: DeserializeOwned, A: Serialize>(
        body: &[u8],
        operation: impl FnOnce(Q) -> Result<A, DynoxideError>,
    ) -> Result<String, DynoxideError> {
        let malformed =
            |err: serde_json::Error| DynoxideError::SerializationException(err.to_string());
        let request = serde_json::from_slice(body).map_err(malformed)?;
        serde_json::to_string(&operation(request)?).map_err(malformed)
    }
    match target.rsplit('.').next().unwrap_or_default() {
        "GetItem" => run(body, |request| database.get_item(request)),
        "BatchGetItem" => run(body, |request| database.batch_get_item(request)),
        "PutItem" => run(body, |request| database.put_item(request)),
        "UpdateItem" => run(body, |request| database.update_item(request)),
        "DeleteItem" => run(body, |request| database.delete_item(request)),
        "Query" => run(body, |request| database.query(request)),
        "Scan" => run(body, |request| database.scan(request)),
        "CreateTable" => run(body, |request| database.create_table(request)),
        "UpdateTimeToLive" => run(body, |request| database.update_time_to_live(request)),
        other => Err(DynoxideError::ValidationException(format!(
            "the embedded database does not serve {other}"
        ))),
    }
}
