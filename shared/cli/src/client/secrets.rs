//! Where the secrets of many new clients go.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use aws_config::BehaviorVersion;
use aws_sdk_secretsmanager::Client as SecretsManager;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use secrecy::ExposeSecret;
use serde_json::json;
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_issuer::names::ClientId;

use crate::Failure;

/// `--secrets`: where they shall go.
#[derive(Clone, Debug)]
pub enum Destination {
    File(PathBuf),
    SecretsManager(String),
    Nowhere,
}

impl FromStr for Destination {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            Some(("secretsmanager", prefix)) if !prefix.is_empty() => {
                Ok(Self::SecretsManager(prefix.to_owned()))
            }
            None if text == "none" => Ok(Self::Nowhere),
            _ => Err("use file:PATH, secretsmanager:PREFIX or none"),
        }
    }
}

/// Keeps secrets, each before the client that has it is registered: a secret too many harms nobody, and a client
/// whose secret is lost needs a new one.
pub enum Keeper {
    File(PathBuf, File),
    SecretsManager(String, SecretsManager),
    Nobody,
}

impl Keeper {
    /// Opens the destination.
    ///
    /// # Errors
    /// When it is a file that others may read, or that cannot be written.
    pub async fn open(destination: &Destination) -> Result<Self, Failure> {
        Ok(match destination {
            Destination::File(path) => Self::File(path.clone(), open_private(path)?),
            Destination::SecretsManager(prefix) => {
                let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
                Self::SecretsManager(prefix.clone(), SecretsManager::new(&config))
            }
            Destination::Nowhere => Self::Nobody,
        })
    }

    /// Keeps one secret.
    ///
    /// # Errors
    /// When it could not be kept.
    pub async fn keep(&mut self, id: &ClientId, secret: &ClientSecret) -> Result<(), Failure> {
        let text = json!({ "client_id": id, "client_secret": secret.expose_secret() }).to_string();
        match self {
            Self::File(path, file) => {
                let written = writeln!(file, "{text}").and_then(|()| file.sync_data());
                let name = path.display();
                written.map_err(|err| Failure::new(format!("{name} cannot be written: {err}")))
            }
            Self::SecretsManager(prefix, manager) => {
                store(manager, &format!("{prefix}{id}"), &text).await
            }
            Self::Nobody => Ok(()),
        }
    }
}

/// Opens a file that is its owner's alone; secrets are added to those that are in it.
fn open_private(path: &Path) -> Result<File, Failure> {
    let name = path.display();
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path);
    let file = opened.map_err(|err| Failure::new(format!("{name} cannot be written: {err}")))?;
    let mode = file.metadata()?.mode() & 0o777;
    match mode & 0o077 {
        0 => Ok(file),
        _ => Err(Failure::new(format!(
            "{name} is open to other users (mode {mode:04o}), so no secret is written to it: run `chmod 600 \
             {name}`, or name another file"
        ))),
    }
}

/// Makes the secret, or gives the one of this name a new value.
async fn store(manager: &SecretsManager, name: &str, text: &str) -> Result<(), Failure> {
    let created = manager
        .create_secret()
        .name(name)
        .secret_string(text)
        .send()
        .await;
    let failed = |code: Option<&str>| {
        let code = code.unwrap_or("no answer");
        Failure::new(format!(
            "AWS Secrets Manager did not take the secret {name} ({code}): check AWS_REGION, and that the credentials \
             may use secretsmanager:CreateSecret and PutSecretValue"
        ))
    };
    match created {
        Ok(_) => Ok(()),
        Err(err) => match err.as_service_error() {
            Some(CreateSecretError::ResourceExistsException(_)) => {
                let put = manager
                    .put_secret_value()
                    .secret_id(name)
                    .secret_string(text);
                let put = put.send().await;
                put.map(drop)
                    .map_err(|err| failed(err.as_service_error().and_then(|err| err.meta().code())))
            }
            other => Err(failed(other.and_then(|err| err.meta().code()))),
        },
    }
}
