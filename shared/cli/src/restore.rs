//! `tokensmith restore`

use std::collections::HashMap;

use clap::Args as ClapArgs;
use serde::Serialize;
use serde_json::json;
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::store::records::{Client, LiveSecret};
use tokensmith_verifier::{Clock, Timestamp};

use crate::data::Data;
use crate::key::{algorithms_in_use, shown};
use crate::{Failure, print_json};

/// Make data that was restored from a backup safe to use, before anything uses it
///
/// A backup knows nothing of what was revoked or used up since. So all keys are replaced, and every
/// token of before is dead: access tokens with the signing keys, refresh tokens with the HMAC keys.
/// Clients stay as they were, and with --old it lists those that could do less by then.
#[derive(ClapArgs)]
pub struct Args {
    /// What the backup was made of, if it is still there: a table, or a directory with --data
    #[arg(long, value_name = "NAME")]
    old: Option<String>,
    #[command(flatten)]
    data: Data,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    let data = args.data.open().await?;
    let old = match &args.old {
        Some(name) => Some(args.data.open_other(name).await?),
        None => None,
    };
    let now = Clock::System.now();
    let algorithms = algorithms_in_use(&data).await?;
    let rotation = data.key_rotation(algorithms.clone());
    let signing = rotation.rotate_now(&algorithms, now).await?;
    let hmac = data.hmac_rotation().replace(data.url(), now).await?;

    let clients = data.table().scan_all::<Client>(Client::PREFIX).await?;
    let clients = clients.into_iter().map(|client| client.record);
    let revived = match old {
        None => None,
        Some(old) => {
            let known = old.scan_all::<Client>(Client::PREFIX).await?;
            let known = known.into_iter().map(|client| client.record);
            Some(back_to_life(clients, known, now))
        }
    };
    print_json(&json!({
        "created": shown(&signing.created),
        "withdrawn": signing.withdrawn,
        "hmac_key_version": hmac.version,
        "withdrawn_hmac_key_versions": hmac.withdrawn,
        "back_to_life": revived,
    }))
}

/// The clients that can do more than they could in the end.
fn back_to_life(
    restored: impl Iterator<Item = Client>,
    old: impl Iterator<Item = Client>,
    now: Timestamp,
) -> Vec<Revived> {
    let old: HashMap<_, _> = old.map(|client| (client.id.clone(), client)).collect();
    let usable = restored.filter(|client| client.deleted_at.is_none() && !client.disabled);
    let revived = usable.map(|client| Revived {
        because: reasons(&client, old.get(&client.id), now),
        client_id: client.id,
    });
    revived
        .filter(|revived| !revived.because.is_empty())
        .collect()
}

/// A client that can do more than it could.
#[derive(Serialize)]
struct Revived {
    client_id: ClientId,
    because: Vec<Reason>,
}

/// What it could not do in the end.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    /// Exist.
    Deleted,
    /// Authenticate at all.
    Disabled,
    /// Authenticate with a secret that it has again.
    Secret,
    /// Ask for a scope that it has again.
    Scope,
    /// Get tokens for an audience that it has again.
    Audience,
    /// Use a grant type that it has again.
    GrantType,
}

fn reasons(restored: &Client, old: Option<&Client>, now: Timestamp) -> Vec<Reason> {
    let Some(old) = old.filter(|old| old.deleted_at.is_none()) else {
        return vec![Reason::Deleted];
    };
    // A secret is the same if it had no earlier end.
    let known = |secret: &LiveSecret| {
        let same = old
            .secrets
            .iter()
            .find(|other| other.hash.matches(&secret.hash));
        same.is_some_and(|other| match (secret.expires_at, other.expires_at) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(end), Some(other)) => end <= other,
        })
    };
    let is_live = |secret: &&LiveSecret| secret.expires_at.is_none_or(|end| now < end);
    let reasons = [
        (old.disabled, Reason::Disabled),
        (
            !restored.secrets.iter().filter(is_live).all(known),
            Reason::Secret,
        ),
        (!old.scopes.contains_all(&restored.scopes), Reason::Scope),
        (
            restored
                .audiences
                .iter()
                .any(|one| !old.audiences.contains(one)),
            Reason::Audience,
        ),
        (
            restored
                .grant_types
                .iter()
                .any(|one| !old.grant_types.contains(one)),
            Reason::GrantType,
        ),
    ];
    let held = reasons.into_iter().filter(|(holds, _)| *holds);
    held.map(|(_, reason)| reason).collect()
}
