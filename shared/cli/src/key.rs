//! `tokensmith key …`

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;
use tokensmith_issuer::clock::Clock;
use tokensmith_issuer::store::records::{KeyState, SIGNING_KEYS, SigningKey};
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
    /// Make a new version of the key that proves refresh tokens; tokens made by older versions stay
    /// valid, and move to the new one when they are next used
    Rotate {
        /// The HMAC key, which proves refresh tokens
        #[arg(long, required = true)]
        hmac: bool,
        #[command(flatten)]
        data: Data,
    },
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List { data } => list(&data).await,
        Command::Rotate { data, .. } => {
            let data = data.open().await?;
            let keys = data.hmac_keys();
            let version = keys.rotate(&data.url, Clock::System.now()).await?;
            print_json(&json!({ "hmac_key_version": version }))
        }
    }
}

async fn list(data: &Data) -> Result<(), Failure> {
    let data = data.open().await?;
    let keys = data.table().query_all::<SigningKey>(SIGNING_KEYS).await?;
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
