//! `client_secret_basic` and `client_secret_post` (RFC 6749 §2.3.1).

use tokensmith_verifier::Timestamp;

use crate::credential::{ClientSecret, SecretHash};
use crate::store::records::Client;

/// Whether `secret` is one of the client's live secrets.
pub(super) fn matches(secret: &ClientSecret, client: Option<&Client>, now: Timestamp) -> bool {
    let hash = secret.hash();
    match client {
        Some(client) => matches_live_secret(client, &hash, now),
        None => matches_nothing(&hash),
    }
}

fn matches_live_secret(client: &Client, hash: &SecretHash, now: Timestamp) -> bool {
    let live = client
        .secrets
        .iter()
        .filter(|secret| secret.expires_at.is_none_or(|end| now < end));
    // Every live secret is compared, so that the time does not tell which one matched.
    live.fold(false, |matched, secret| matched | secret.hash.matches(hash))
}

/// Compares the secret of an unknown client with a hash that no secret has. Without it, the time
/// would tell which client ids exist.
fn matches_nothing(hash: &SecretHash) -> bool {
    SecretHash::of_nothing().matches(hash)
}
