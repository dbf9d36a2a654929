//! A data directory: the database and the wrapping key.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::HttpClient;
use tokensmith_issuer::credential::random_id;
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::aws_calls::reason_of;

use crate::kept_events;
use crate::private::{DIRECTORY_MODE, directory_fault, file_fault, private_file};
use crate::table_definition::create_table;
use crate::{ChangeCounter, EmbeddedDynamo, FileCustody, NotPrivate, dynamodb_client};

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
    /// The lock on the directory, if this is the `serve` that has it. It goes with the process.
    _lock: Option<Arc<File>>,
}

impl LocalData {
    /// Opens the data in `dir` for `serve`, and makes it where there is none. As long as this value
    /// or a clone of it lives, nobody else can.
    ///
    /// # Errors
    /// [`DataError::InUse`] when another `serve` has the directory, [`DataError::NotPrivate`] when
    /// others may read or write it; otherwise what cannot be made or read.
    pub async fn open_or_create(dir: &Path) -> Result<Self, DataError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(DIRECTORY_MODE)
            .create(dir)
            .map_err(|err| DataError::Directory(dir.to_owned(), err))?;
        check(dir)?;
        let lock = lock(dir)?;
        let (database, wrapping_key) = (dir.join(DATABASE), dir.join(WRAPPING_KEY));
        if !database.exists() {
            FileCustody::open_or_create(&wrapping_key)
                .map_err(|err| DataError::Directory(wrapping_key, err))?;
            make_database(&database).await?;
        }
        Self::open_checked(dir, Some(Arc::new(lock))).await
    }

    /// Opens the data that `serve` has made in `dir`, also while it runs.
    ///
    /// # Errors
    /// [`DataError::Missing`] when there is none, [`DataError::NotPrivate`] when others may read or
    /// write it; otherwise what cannot be read.
    pub async fn open(dir: &Path) -> Result<Self, DataError> {
        require_data(dir)?;
        Self::open_checked(dir, None).await
    }

    /// Opens the data that `serve` has made in `dir`, unless one is running on them. As long as this value
    /// or a clone of it lives, none can start.
    ///
    /// # Errors
    /// [`DataError::InUse`] when a `serve` is running; otherwise as [`open`](Self::open).
    pub async fn open_unused(dir: &Path) -> Result<Self, DataError> {
        require_data(dir)?;
        let lock = lock(dir)?;
        Self::open_checked(dir, Some(Arc::new(lock))).await
    }

    async fn open_checked(dir: &Path, lock: Option<Arc<File>>) -> Result<Self, DataError> {
        let (database, wrapping_key) = (dir.join(DATABASE), dir.join(WRAPPING_KEY));
        // A new one could not open the keys in the table.
        let custody = FileCustody::open(&wrapping_key).map_err(|err| match err.kind() {
            ErrorKind::NotFound => DataError::NoWrappingKey {
                wrapping_key,
                database: database.clone(),
            },
            _ => DataError::Directory(wrapping_key, err),
        })?;
        check_database(&database)?;
        let dynamo = EmbeddedDynamo::open(&database)
            .map_err(|err| DataError::Database(database.clone(), err))?;
        Ok(Self {
            table: make_table(dynamo.clone()).await?,
            custody,
            changes: Arc::new(ChangeCounter::new(dir.join(CHANGES))),
            dynamo,
            _lock: lock,
        })
    }

    /// Deletes expired records, as DynamoDB does by itself.
    ///
    /// # Errors
    /// The error of the database.
    pub fn delete_expired(&self) -> Result<usize, DataError> {
        let deleted = self.dynamo.delete_expired();
        deleted.map_err(|err| DataError::Database(DATABASE.into(), err))
    }
}

/// Refuses a directory without data, or one that somebody else may read or write.
fn require_data(dir: &Path) -> Result<(), DataError> {
    match dir.join(DATABASE).try_exists() {
        Ok(true) => check(dir),
        Ok(false) => Err(DataError::Missing(dir.to_owned())),
        Err(err) => Err(DataError::Directory(dir.to_owned(), err)),
    }
}

/// Refuses what SQLite would refuse less clearly: a file that it cannot write, or that is no database. An empty
/// file is a new one.
fn check_database(database: &Path) -> Result<(), DataError> {
    let opened = File::options().read(true).write(true).open(database);
    let mut file = opened.map_err(|err| match err.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            DataError::ReadOnly(database.to_owned())
        }
        _ => DataError::Directory(database.to_owned(), err),
    })?;
    let mut start = Vec::new();
    let length = SQLITE.len() as u64;
    let read = (&mut file).take(length).read_to_end(&mut start);
    read.map_err(|err| DataError::Directory(database.to_owned(), err))?;
    match start.is_empty() || start == SQLITE {
        true => Ok(()),
        false => Err(DataError::NoDatabase(database.to_owned())),
    }
}

/// Refuses the directory when somebody else may read or write it, or one of the files in it.
fn check(dir: &Path) -> Result<(), DataError> {
    let io = |err| DataError::Directory(dir.to_owned(), err);
    let mut faults: Vec<NotPrivate> = directory_fault(dir).map_err(io)?.into_iter().collect();
    for name in FILES {
        faults.extend(file_fault(&dir.join(name)).map_err(io)?);
    }
    match faults.is_empty() {
        true => Ok(()),
        false => Err(DataError::NotPrivate(faults)),
    }
}

/// Locks the directory itself, so that there is no file whose loss would lose the lock.
fn lock(dir: &Path) -> Result<File, DataError> {
    let io = |err: io::Error| DataError::Directory(dir.to_owned(), err);
    let lock = File::open(dir).map_err(io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(DataError::InUse(dir.to_owned())),
        Err(TryLockError::Error(err)) => Err(io(err)),
    }
}

/// Creates the database with its table.
///
/// The file appears complete or not at all. The engine creates a table and its indexes one by one,
/// and a process that is killed in between would leave a table that cannot be used.
async fn make_database(file: &Path) -> Result<(), DataError> {
    let draft = file.with_extension(random_id());
    // SQLite takes an empty file as a new database, and gives its other files the same mode.
    private_file()
        .write(true)
        .create_new(true)
        .open(&draft)
        .map_err(|err| DataError::Directory(draft.clone(), err))?;
    let dynamo = EmbeddedDynamo::open(&draft);
    make_table(dynamo.map_err(|err| DataError::Database(draft.clone(), err))?).await?;
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
    /// Others may read or write the directory, or files in it.
    #[error("{}", lines(.0))]
    NotPrivate(Vec<NotPrivate>),
    /// Another `serve` is running on the directory.
    #[error(
        "another `tokensmith serve` is running on {dir}: end it first, or name another directory \
         with --data",
        dir = .0.display()
    )]
    InUse(PathBuf),
    /// The table is there without the key that opens the keys in it.
    #[error(
        "{key} is missing, and nothing else opens the keys in {table}: put the file back from where \
         it was backed up, or move {table} away to start anew",
        key = .wrapping_key.display(), table = .database.display()
    )]
    NoWrappingKey {
        /// Where the wrapping key should be.
        wrapping_key: PathBuf,
        /// The table.
        database: PathBuf,
    },
    /// The data cannot be written, which SQLite has to do even to read.
    #[error(
        "{database} cannot be written, and even reading needs that: run this as the user who owns it, on a file \
         system that can be written, or on a copy of the directory",
        database = .0.display()
    )]
    ReadOnly(PathBuf),
    /// The file of the table is something else.
    #[error(
        "{database} is no database of `tokensmith serve`: put the right file there from a backup, or move the \
         directory away to start anew",
        database = .0.display()
    )]
    NoDatabase(PathBuf),
    /// The directory or a file in it cannot be used.
    #[error(
        "{dir} cannot be used ({1}): run this as the user who owns the data, or name another directory with \
         --data",
        dir = .0.display()
    )]
    Directory(PathBuf, #[source] io::Error),
    /// The thread that deletes what has expired.
    #[error("no thread to delete what has expired: {0}")]
    Thread(#[source] io::Error),
    /// The database file cannot be opened.
    #[error(
        "the database {database} cannot be used ({1}): if this happens again, put the directory back from a \
         backup",
        database = .0.display()
    )]
    Database(PathBuf, #[source] dynoxide::DynoxideError),
    /// The table in the database cannot be used.
    #[error("the table cannot be made: {0}")]
    Table(String),
}

impl DataError {
    pub(crate) fn table<E: ProvideErrorMetadata>(err: &SdkError<E>) -> Self {
        Self::Table(reason_of(err).to_string())
    }
}

fn lines(faults: &[NotPrivate]) -> String {
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    faults.join("\n")
}

/// What `serve` and SQLite keep in the directory.
const FILES: [&str; 8] = [
    WRAPPING_KEY,
    CHANGES,
    DATABASE,
    "table.sqlite-wal",
    "table.sqlite-shm",
    "table.sqlite-journal",
    kept_events::CURRENT,
    kept_events::FORMER,
];
/// How every SQLite database begins.
const SQLITE: &[u8] = b"SQLite format 3\0";
const DATABASE: &str = "table.sqlite";
const WRAPPING_KEY: &str = "wrapping-key";
const CHANGES: &str = "changes";
const TABLE: &str = "tokensmith";
