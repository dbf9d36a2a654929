//! A client's secrets: the first one, and a new one whose predecessor still works for a while.

use std::time::Duration;

use tokensmith_verifier::Timestamp;

use super::{AdminEvent, Administrator, Changed, ClientError};
use crate::credential::ClientSecret;
use crate::names::ClientId;
use crate::store::records::{Client, LiveSecret, MAX_LIVE_SECRETS};

impl Administrator {
    /// Gives a client a new secret. The previous one still works for `overlap`, or for the rest of
    /// its own overlap if that is shorter. Every older one stops working now.
    ///
    /// # Errors
    /// [`ClientError`] when there is no such client, it is public, or the table fails.
    pub async fn rotate_secret(
        &self,
        id: &ClientId,
        overlap: Duration,
    ) -> Result<Changed<ClientSecret>, ClientError> {
        let (secret, time) = (ClientSecret::generate(), self.time().await?);
        let rotated = |client: &mut Client| Ok(rotate(client, &secret, overlap, time.now())?);
        self.change_client(id, rotated).await?;
        let client_id = id.clone();
        Ok(self.cached(secret, AdminEvent::SecretRotated { client_id }, time))
    }
}

/// Makes `secret` the current one. Of the older ones only the newest still works.
fn rotate(
    client: &mut Client,
    secret: &ClientSecret,
    overlap: Duration,
    now: Timestamp,
) -> Result<(), SecretError> {
    if client.is_public() {
        return Err(SecretError::Public);
    }
    let end = now.after(overlap);
    for old in &mut client.secrets {
        old.expires_at = Some(old.expires_at.map_or(end, |earlier| earlier.min(end)));
    }
    client.secrets.splice(0..0, only_secret(secret, now));
    client
        .secrets
        .retain(|old| old.expires_at.is_none_or(|end| now < end));
    client.secrets.truncate(MAX_LIVE_SECRETS);
    Ok(())
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
    /// RFC 6749 §2.1: a public client cannot keep a secret.
    #[error("a public client has no secret")]
    Public,
}
