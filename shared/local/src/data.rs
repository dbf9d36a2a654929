//! A data directory: the database and the wrapping key.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::HttpClient;
use tokensmith_issuer::credential::random_id;
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::aws_calls::reason_of;

use crate::table_definition::create_table;
use crate::{ChangeCounter, EmbeddedDynamo, FileCustody, dynamodb_client};

/// An open data directory.
#[derive(Clone, Debug)]
pub struct LocalData {
    /// The table.
    pub table: Table,
    /// The custody of keys.
    pub custody: FileCustody,
    /// Counts the changes of other processes.
    pub changes: Arc<ChangeCounter>,
    dynamo: EmbeddedDynamo,
}

impl LocalData {
    /// Opens the data in `dir`, and creates it if there is none.
    ///
    /// # Errors
    /// [`DataError`] names what cannot be created or read.
    pub async fn open_or_create(dir: &Path) -> Result<Self, DataError> {
        let io = |err| DataError::Directory(dir.to_owned(), err);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(io)?;
        let custody = FileCustody::open_or_create(&dir.join(WRAPPING_KEY)).map_err(io)?;
        let database = dir.join(DATABASE);
        if !database.exists() {
            make_database(&database).await?;
        }
        let dynamo = EmbeddedDynamo::open(&database)?;
        Ok(Self {
            table: make_table(dynamo.clone()).await?,
            custody,
            changes: Arc::new(ChangeCounter::new(dir.join(CHANGES))),
            dynamo,
        })
    }

    /// Opens the data that `serve` has made in `dir`.
    ///
    /// # Errors
    /// [`DataError::Missing`] when there is none; otherwise [`DataError`] names what cannot be
    /// read.
    pub async fn open(dir: &Path) -> Result<Self, DataError> {
        match dir.join(DATABASE).exists() {
            true => Self::open_or_create(dir).await,
            false => Err(DataError::Missing(dir.to_owned())),
        }
    }

    /// Deletes expired records, as DynamoDB does by itself.
    ///
    /// # Errors
    /// The error of the database.
    pub fn delete_expired(&self) -> Result<usize, DataError> {
        Ok(self.dynamo.delete_expired()?)
    }
}

/// Creates the database with its table.
///
/// The file appears complete or not at all. The engine creates a table and its indexes one by one,
/// and a process that is killed in between would leave a table that cannot be used.
async fn make_database(file: &Path) -> Result<(), DataError> {
    let draft = file.with_extension(random_id());
    make_table(EmbeddedDynamo::open(&draft)?).await?;
    // All connections to the draft are closed now, so its write-ahead log is merged and gone.
    let linked = fs::hard_link(&draft, file);
    let io = |err| DataError::Directory(file.to_owned(), err);
    fs::remove_file(&draft).map_err(io)?;
    match linked {
        // Another process created the file first. Its table serves as well.
        Err(err) if err.kind() == ErrorKind::AlreadyExists => Ok(()),
        linked => linked.map_err(io),
    }
}

/// The table behind `http`, which is created if it does not exist.
///
/// Tests pass a client that counts calls or makes them fail.
///
/// # Errors
/// [`DataError`] when it cannot be created.
pub async fn make_table(http: impl HttpClient + 'static) -> Result<Table, DataError> {
    let client = dynamodb_client(http);
    create_table(&client, TABLE).await?;
    Ok(Table::new(client, TABLE))
}

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// There is no data in the directory.
    #[error("no data in {dir}: `tokensmith serve --data {dir}` makes it", dir = .0.display())]
    Missing(PathBuf),
    /// The directory or the wrapping key cannot be used.
    #[error("{dir}: {1}", dir = .0.display())]
    Directory(PathBuf, #[source] std::io::Error),
    /// The database file cannot be opened.
    #[error("the database cannot be opened: {0}")]
    Database(#[from] dynoxide::DynoxideError),
    /// The table in the database cannot be used.
    #[error("the table cannot be made: {0}")]
    Table(String),
}

impl DataError {
    pub(crate) fn table<E: ProvideErrorMetadata>(err: &SdkError<E>) -> Self {
        Self::Table(reason_of(err))
    }
}

const DATABASE: &str = "table.sqlite";
const WRAPPING_KEY: &str = "wrapping-key";
const CHANGES: &str = "changes";
const TABLE: &str = "tokensmith";
