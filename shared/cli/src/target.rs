//! Which data a command acts on: what an option names, or else what the environment and the folder
//! leave no doubt about.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use tokensmith_aws::environment::TABLE;

use crate::Failure;
use crate::field::Field;

/// The options that name the data.
#[derive(Args, Clone)]
pub struct Data {
    /// The directory that `tokensmith serve` keeps its data in. It must be 0700 and its files 0600
    /// [default: TOKENSMITH_DATA, or else .tokensmith]
    #[arg(long = "data", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Use this DynamoDB table in AWS instead of a directory. TOKENSMITH_ISSUER, TOKENSMITH_CUSTODY and
    /// TOKENSMITH_KMS_KEY must be set as they are for the functions that use the table; a table of another
    /// issuer or wrapping key is refused
    /// [default: TOKENSMITH_TABLE]
    #[arg(long, value_name = "NAME", conflicts_with = "dir")]
    table: Option<String>,
    /// Print only this member of the answer, as plain text if it is one: `client_secret`, or `claims.sub`
    #[arg(long, value_name = "NAME")]
    field: Option<Field>,
}

/// The data that a command acts on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Target {
    /// The directory of `serve`.
    Directory(PathBuf),
    /// A table in AWS.
    Table(String),
}

impl Data {
    /// The member of the answer that is wanted.
    pub fn field(&self) -> Option<Field> {
        self.field.clone()
    }

    /// The data that are meant.
    ///
    /// A command that guessed here would revoke in one place what was to be revoked in another. So a
    /// table and a directory that could both be meant are refused.
    pub fn target(&self) -> Result<Target, Failure> {
        match (&self.table, &self.dir) {
            (Some(table), _) => return Ok(Target::Table(table.clone())),
            (None, Some(dir)) => return Ok(Target::Directory(dir.clone())),
            (None, None) => {}
        }
        let (table, dir) = (variable(TABLE), variable(DIRECTORY));
        let table = table.map(|name| name.to_string_lossy().into_owned());
        let directory = match &dir {
            Some(dir) => Some(PathBuf::from(dir)),
            None => Some(PathBuf::from(DEFAULT)).filter(|default| default.exists()),
        };
        match (table, directory) {
            (Some(table), Some(dir)) => Err(Failure::wrong_call(ambiguous(&table, &dir))),
            (Some(table), None) => Ok(Target::Table(table)),
            (None, dir) => Ok(Target::Directory(dir.unwrap_or_else(|| DEFAULT.into()))),
        }
    }
}

/// The directory of `serve`, which never uses a table.
pub fn serve_directory(named: Option<PathBuf>) -> PathBuf {
    let meant = named.or_else(|| variable(DIRECTORY).map(PathBuf::from));
    meant.unwrap_or_else(|| DEFAULT.into())
}

/// A variable of the environment; an empty one counts as absent, as everywhere.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

fn ambiguous(table: &str, dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "{TABLE} names the table {table}, and there is also the directory {dir}: say which is meant with \
         `--table {table}` or `--data {dir}`"
    )
}

/// A target as answers name it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum NamedTarget {
    Directory {
        data: String,
    },
    Table {
        table: String,
        region: Option<String>,
    },
}

impl std::fmt::Display for NamedTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Directory { data } => write!(f, "the directory {data}"),
            Self::Table {
                table,
                region: Some(region),
            } => write!(f, "the table {table} in {region}"),
            Self::Table { table, .. } => write!(f, "the table {table}"),
        }
    }
}

/// Names the directory of the data of commands and of `serve`.
const DIRECTORY: &str = "TOKENSMITH_DATA";
const DEFAULT: &str = ".tokensmith";
