//! A client's secrets: the first one, and new ones whose predecessors still work for a while.

use std::time::{Duration, UNIX_EPOCH};

use tokensmith_verifier::Timestamp;

use super::{AdminEvent, Administrator, Changed, ClientError};
use crate::credential::ClientSecret;
use crate::names::ClientId;
use crate::store::CheckedTime;
use crate::store::records::{Client, LiveSecret, MAX_LIVE_SECRETS};

impl Administrator {
    /// Gives a client a new secret. The previous one still works for `overlap`. Older ones keep the end
    /// that they were promised; with `force` they end no later than the previous one, and the ones that
    /// end first give way when there are too many.
    ///
    /// # Errors
    /// [`ClientError`] when there is no such client, it uses no secrets, it has too many secrets, or the table
    /// fails.
    pub async fn rotate_secret(
        &self,
        id: &ClientId,
        overlap: Duration,
        force: bool,
    ) -> Result<Changed<RotatedSecret>, ClientError> {
        let event = AdminEvent::SecretRotated { client: id.clone() };
        let change = |time: CheckedTime| async move {
            let secret = ClientSecret::generate();
            let rotated =
                |client: &mut Client| Ok(rotate(client, &secret, overlap, force, time.now())?);
            let (before, client) = self.change_client_from(id, rotated).await?;
            let outcome = RotatedSecret {
                secret,
                live: client.secrets,
                before: before.secrets,
            };
            let event = AdminEvent::SecretRotated { client: id.clone() };
            Ok(self.cached(outcome, event, time))
        };
        self.recorded(event, change).await
    }

    /// Takes back a new secret that nobody has seen: the client has the secrets that it had before.
    ///
    /// # Errors
    /// [`ClientError`] when there is no such client, or the table fails.
    pub async fn take_back_secret(
        &self,
        id: &ClientId,
        rotated: &RotatedSecret,
    ) -> Result<Changed<()>, ClientError> {
        let hash = rotated.secret.hash();
        let taken_back = |client: &mut Client| {
            // Unless it was rotated once more meanwhile.
            let newest = client.secrets.first();
            if newest.is_some_and(|newest| newest.hash.matches(&hash)) {
                client.secrets.clone_from(&rotated.before);
            }
            Ok(())
        };
        let event = AdminEvent::SecretTakenBack { client: id.clone() };
        let change = |time: CheckedTime| async move {
            self.change_client(id, taken_back).await?;
            let event = AdminEvent::SecretTakenBack { client: id.clone() };
            Ok(self.cached((), event, time))
        };
        self.recorded(event, change).await
    }
}

/// Makes `secret` the current one.
fn rotate(
    client: &mut Client,
    secret: &ClientSecret,
    overlap: Duration,
    force: bool,
    now: Timestamp,
) -> Result<(), SecretError> {
    if !client.uses_secrets() {
        return Err(SecretError::NoSecrets);
    }
    let end = now.after(overlap);
    for old in &mut client.secrets {
        old.expires_at = match old.expires_at {
            None => Some(end),
            Some(promised) if force => Some(promised.min(end)),
            promised => promised,
        };
    }
    client.secrets.retain(|old| old.expires_at > Some(now));
    if client.secrets.len() >= MAX_LIVE_SECRETS {
        let ends = client.secrets.iter().filter_map(|old| old.expires_at).min();
        if !force {
            return Err(SecretError::TooMany(ends.unwrap_or(now)));
        }
        let first = client.secrets.iter().position(|old| old.expires_at == ends);
        client.secrets.remove(first.unwrap_or_default());
    }
    client.secrets.splice(0..0, only_secret(secret, now));
    Ok(())
}

/// A new secret, and what became of the older ones.
#[derive(Debug)]
pub struct RotatedSecret {
    /// The new secret.
    pub secret: ClientSecret,
    /// All secrets that are accepted, newest first.
    pub live: Vec<LiveSecret>,
    before: Vec<LiveSecret>,
}

/// The secrets of a client whose only secret is `secret`.
pub(super) fn only_secret(secret: &ClientSecret, now: Timestamp) -> Vec<LiveSecret> {
    vec![LiveSecret {
        hash: secret.hash(),
        created_at: now,
        expires_at: None,
    }]
}

/// Why a client cannot have a new secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SecretError {
    /// It is public (RFC 6749 §2.1), or authenticates with keys.
    #[error("the client has no secret: it is public, or authenticates with keys or by federation")]
    NoSecrets,
    /// All of them are inside their overlap, and the first of them ends at this time.
    #[error(
        "the client has {MAX_LIVE_SECRETS} secrets inside their overlap, and the first of them ends at {}: wait \
         until then, or end it now with --force",
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(.0.seconds()))
    )]
    TooMany(Timestamp),
}
