//! `tokensmith key …`

use std::collections::BTreeSet;

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;
use tokensmith_issuer::keys::{KeyState, Succession, SuccessorKey};
use tokensmith_issuer::store::records::{SIGNING_KEYS, SigningKey};
use tokensmith_verifier::Clock;
use tokensmith_verifier::{Algorithm, KeyId};

use crate::data::{Data, OpenData};
use crate::{Failure, display_time, print_json};

#[derive(Subcommand)]
pub enum Command {
    /// List the signing keys with their algorithm and state
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Make new keys: each is published first, and signs when everybody can know it
    ///
    /// The keys before them stay published until the last token they signed has expired.
    Rotate {
        /// Only the keys of this algorithm; may be repeated [default: all that there are]
        #[arg(long = "alg", value_name = "ALG")]
        algorithms: Vec<Algorithm>,
        /// For a compromised key: the new key signs at once, the old ones are withdrawn, and their
        /// tokens are refused
        #[arg(long)]
        now: bool,
        /// Instead, make a new version of the HMAC key, which proves refresh tokens; those made by
        /// older versions stay valid, and move to the new one when they are next used
        #[arg(long, conflicts_with_all = ["algorithms", "now"])]
        hmac: bool,
        #[command(flatten)]
        data: Data,
    },
    /// Take a pending or retiring key away before its time; tokens that it signed are refused
    Retire {
        /// The key's name, as `key list` shows it
        // One name in 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        #[command(flatten)]
        data: Data,
    },
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List { data } => list(&data).await,
        Command::Rotate {
            data, hmac: true, ..
        } => {
            let data = data.open().await?;
            let keys = data.hmac_rotation();
            let version = keys.rotate(data.url(), Clock::System.now()).await?;
            print_json(&json!({ "hmac_key_version": version }))
        }
        Command::Rotate {
            algorithms,
            now,
            data,
            ..
        } => {
            let data = data.open().await?;
            let algorithms = match algorithms.is_empty() {
                true => algorithms_in_use(&data).await?,
                false => algorithms,
            };
            rotate(&data, algorithms, now).await
        }
        Command::Retire { kid, data } => {
            let rotation = data.open().await?.key_rotation(Vec::new());
            rotation.retire(&kid, Clock::System.now()).await?;
            print_json(&json!({ "retired": kid }))
        }
    }
}

async fn list(data: &Data) -> Result<(), Failure> {
    let data = data.open().await?;
    let stored = data.table().query_all::<SigningKey>(SIGNING_KEYS).await?;
    let keys: Vec<_> = stored.into_iter().map(|key| key.record).collect();
    let now = Clock::System.now();
    let listed: Vec<_> = keys
        .iter()
        .map(|key| ListedKey {
            kid: &key.jwk.kid,
            alg: key.jwk.alg,
            state: Succession::of(&keys, key.jwk.alg).state_of(key, now),
            created_at: display_time(key.created_at),
            active_from: display_time(key.active_from),
            withdrawn_at: key.withdrawn_at.map(display_time),
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
    active_from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_at: Option<String>,
}

/// The algorithms that there are keys of.
pub async fn algorithms_in_use(data: &OpenData) -> Result<Vec<Algorithm>, Failure> {
    let keys = data.table().query_all::<SigningKey>(SIGNING_KEYS).await?;
    let algorithms: BTreeSet<_> = keys.iter().map(|key| key.jwk.alg).collect();
    Ok(algorithms.into_iter().collect())
}

async fn rotate(data: &OpenData, algorithms: Vec<Algorithm>, now: bool) -> Result<(), Failure> {
    let rotation = data.key_rotation(algorithms.clone());
    let time = Clock::System.now();
    if !now {
        let successors = rotation.rotate(&algorithms, time).await?;
        return print_json(&json!({ "created": shown(&successors) }));
    }
    let rotated = rotation.rotate_now(&algorithms, time).await?;
    print_json(&json!({
        "created": shown(&rotated.created),
        "withdrawn": rotated.withdrawn,
        "breaks": WHAT_BREAKS,
    }))
}

/// New keys, as people read them.
pub fn shown(keys: &[SuccessorKey]) -> Vec<serde_json::Value> {
    let shown = keys.iter().map(|key| {
        json!({ "kid": key.kid, "alg": key.alg, "active_from": display_time(key.active_from) })
    });
    shown.collect()
}

/// The price of not publishing a key before it signs.
const WHAT_BREAKS: [&str; 3] = [
    "every access token signed by a withdrawn key is refused: clients refresh or ask again",
    "verifiers that cached the key set refuse new tokens until they fetch it again: 5 minutes by its \
     Cache-Control, 2 hours behind API Gateway's own JWT authorizer",
    "functions that cached the keys may sign with a withdrawn key until their cache expires",
];
