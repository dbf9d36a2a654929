//! `tokensmith key …`

use clap::Subcommand;
use serde::Serialize;
use tokensmith_issuer::keys::load_signing_keys;
use tokensmith_issuer::store::records::KeyState;
use tokensmith_verifier::{Algorithm, KeyId};

use crate::data::Data;
use crate::{Failure, display_time, print_json};

#[derive(Subcommand)]
pub enum Command {
    /// List the signing keys with their algorithm and state
    List {
        #[command(flatten)]
        data: Data,
    },
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List { data } => list(&data).await,
    }
}

async fn list(data: &Data) -> Result<(), Failure> {
    let (table, _) = data.open().await?;
    let keys = load_signing_keys(&table).await?;
    let listed: Vec<_> = keys
        .iter()
        .map(|key| ListedKey {
            kid: &key.jwk.kid,
            alg: key.jwk.alg,
            state: key.state,
            created_at: display_time(key.created_at),
            activated_at: key.activated_at.map(display_time),
        })
        .collect();
    print_json(&listed)
}

#[derive(Serialize)]
struct ListedKey<'a> {
    kid: &'a KeyId,
    alg: Algorithm,
    state: KeyState,
    created_at: String,
    activated_at: Option<String>,
}
