//! `tokensmith key …`

use clap::Subcommand;
use serde::Serialize;
use serde_json::json;
use tokensmith_issuer::admin::Ending;
use tokensmith_issuer::keys::{KeyState, SuccessorKey};
use tokensmith_verifier::{Algorithm, KeyId};

use crate::consent::{Change, Consent};
use crate::data::Data;
use crate::{Failure, display_time};

#[derive(Subcommand)]
pub enum Command {
    /// List the signing keys with their algorithm and state
    List {
        #[command(flatten)]
        data: Data,
    },
    /// Create the next signing keys: each is published now, and signs when every cached copy of the key
    /// set has expired
    ///
    /// The keys that they replace stay published until the last token they signed has expired.
    Rotate {
        /// Replace only the key of this algorithm; may be repeated [default: every algorithm that has a
        /// key]
        #[arg(long = "alg", value_name = "ALG")]
        algorithms: Vec<Algorithm>,
        /// For a compromised key: the new keys sign at once, the old keys are withdrawn, and every token
        /// that an old key has signed is refused
        #[arg(long)]
        now: bool,
        /// Instead, create a new version of the HMAC key, which authenticates refresh tokens. Refresh
        /// tokens of older versions stay valid, and change to the new version when they are next used
        #[arg(long, conflicts_with_all = ["algorithms", "now"])]
        hmac: bool,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        data: Data,
    },
    /// Withdraw a pending or retiring key before its time; tokens that it has signed are refused
    Retire {
        /// The key's name (`kid`), as `key list` shows it
        // One name in 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        data: Data,
    },
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List { data } => list(&data).await,
        Command::Rotate {
            algorithms,
            now,
            hmac,
            consent,
            data,
        } => match (hmac, now) {
            (true, _) => rotate_hmac(&consent, &data).await,
            (false, true) => replace(algorithms, &consent, &data).await,
            (false, false) => rotate(algorithms, &consent, &data).await,
        },
        Command::Retire { kid, consent, data } => {
            consent.check()?;
            let data = data.open().await?;
            let what = format!("withdraw the key {kid}");
            let change = Change::new(&what, SIGNED);
            let ending = data.admin().ending_of_key(&kid);
            if !consent.given(&data, &change, ending).await? {
                return Ok(());
            }
            let changed = data.admin().retire_key(kid).await?;
            data.print_changed(&json!({ "retired": changed.outcome }), changed.effective_by)
        }
    }
}

/// Nothing ends, so nobody is asked.
async fn rotate(algorithms: Vec<Algorithm>, consent: &Consent, data: &Data) -> Result<(), Failure> {
    let data = data.open().await?;
    if consent.is_dry_run() {
        let change = Change::new("publish successors of the signing keys", "nothing");
        return consent.print_dry_run(&data, &change, Ending::default());
    }
    let changed = data.admin().rotate_keys(algorithms).await?;
    let answer = json!({ "created": shown(&changed.outcome) });
    data.print_changed(&answer, changed.effective_by)
}

/// Nothing ends here either.
async fn rotate_hmac(consent: &Consent, data: &Data) -> Result<(), Failure> {
    let data = data.open().await?;
    if consent.is_dry_run() {
        let change = Change::new("make a new version of the HMAC key", "nothing");
        return consent.print_dry_run(&data, &change, Ending::default());
    }
    let changed = data.admin().rotate_hmac_key().await?;
    let answer = json!({ "hmac_key_version": changed.outcome });
    data.print_changed(&answer, changed.effective_by)
}

async fn replace(
    algorithms: Vec<Algorithm>,
    consent: &Consent,
    data: &Data,
) -> Result<(), Failure> {
    consent.check()?;
    let data = data.open().await?;
    let change = Change::new("replace the signing keys at once", SIGNED);
    let ending = data.admin().ending_of_keys(&algorithms);
    if !consent.given(&data, &change, ending).await? {
        return Ok(());
    }
    let changed = data.admin().replace_keys(algorithms).await?;
    let replaced = changed.outcome;
    let answer = json!({
        "created": shown(&replaced.created),
        "withdrawn": replaced.withdrawn,
        "breaks": WHAT_BREAKS,
    });
    data.print_changed(&answer, changed.effective_by)
}

async fn list(data: &Data) -> Result<(), Failure> {
    let data = data.open().await?;
    let keys = data.admin().signing_keys().await?;
    let displayed: Vec<_> = keys
        .iter()
        .map(|listed| DisplayedKey {
            kid: &listed.key.jwk.kid,
            alg: listed.key.jwk.alg,
            state: listed.state,
            created_at: display_time(listed.key.created_at),
            active_from: display_time(listed.key.active_from),
            withdrawn_at: listed.key.withdrawn_at.map(display_time),
        })
        .collect();
    data.print(&displayed)
}

#[derive(Serialize)]
struct DisplayedKey<'a> {
    kid: &'a KeyId,
    alg: Algorithm,
    state: KeyState,
    created_at: String,
    active_from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    withdrawn_at: Option<String>,
}

/// New keys as they are displayed.
pub fn shown(keys: &[SuccessorKey]) -> Vec<serde_json::Value> {
    let shown = keys.iter().map(|key| {
        json!({ "kid": key.kid, "alg": key.alg, "active_from": display_time(key.active_from) })
    });
    shown.collect()
}

/// What nobody can count.
const SIGNED: &str = "every access token that they have signed";

/// What fails when a key signs without having been published before.
const WHAT_BREAKS: [&str; 3] = [
    "every access token signed by a withdrawn key is refused: clients refresh or ask again",
    "verifiers that cached the key set refuse new tokens until they fetch it again: 5 minutes by its \
     Cache-Control, 2 hours behind API Gateway's own JWT authorizer",
    "functions that cached the keys may sign with a withdrawn key until their cache expires",
];
