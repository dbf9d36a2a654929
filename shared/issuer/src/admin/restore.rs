//! Data that was restored from a backup.
//!
//! A backup does not contain what was revoked or used up after it was made. So all keys are
//! replaced, and every token that was issued before is refused. Clients stay as they are in the
//! backup.

use super::keys::names;
use super::revived::{Revived, back_to_life};
use super::settings::take_over;
use super::{AdminEvent, Administrator, Changed, SettleError, TableScan};
use crate::error::Unavailable;
use crate::keys::{ReplacedHmacKeys, RotatedNow};
use crate::store::records::Settings;
use crate::store::{CheckedTime, StoreError};

impl Administrator {
    /// Replaces all keys, and gives the data to the configured issuer and wrapping key. If the table
    /// that the backup was made of still exists as `old`, also lists the clients that can do more in the
    /// backup than there.
    ///
    /// Safe to repeat: if it is killed at any point, another call withdraws the keys that are left. The
    /// data change their owner last: until then, no function of the new owner uses them.
    ///
    /// # Errors
    /// [`RestoreError`] when table or custody fail, or another process gives the data away at the same
    /// time.
    pub async fn restore(
        &self,
        old: Option<&TableScan>,
    ) -> Result<Changed<Restored>, RestoreError> {
        let change = |_: CheckedTime| async move {
            let restored = self.restore_from(old).await?;
            let event = AdminEvent::Restored {
                created: names(&restored.signing_keys.created),
                withdrawn: restored.signing_keys.withdrawn.clone(),
                hmac_key_version: Some(restored.hmac_keys.version),
                belonged_to: restored.belonged_to.clone(),
            };
            // Replacing all keys may have taken a while.
            let time = self.time().await?;
            Ok(self.in_feed(restored, event, time))
        };
        let event = AdminEvent::Restored {
            created: Vec::new(),
            withdrawn: Vec::new(),
            hmac_key_version: None,
            belonged_to: None,
        };
        self.recorded(event, change).await
    }

    async fn restore_from(&self, old: Option<&TableScan>) -> Result<Restored, RestoreError> {
        let (signing_keys, hmac_keys) = self.replace_all_keys().await?;
        let belonged_to = take_over(&self.table, &self.config.owner()).await?;
        let back_to_life = match old {
            None => None,
            Some(old) => {
                let now = self.time().await?.now();
                Some(back_to_life(&self.scan(), old, now).await?)
            }
        };
        Ok(Restored {
            signing_keys,
            hmac_keys,
            belonged_to,
            back_to_life,
        })
    }

    /// Withdraws every signing key and every HMAC key, and makes new ones: no token that was issued
    /// before is accepted any more.
    pub(super) async fn replace_all_keys(
        &self,
    ) -> Result<(RotatedNow, ReplacedHmacKeys), Unavailable> {
        let now = self.time().await?.now();
        let signing_keys = self.replace_signing_keys(Vec::new(), now).await?;
        let (issuer, now) = (&self.config.issuer, self.time().await?.now());
        let hmac_keys = self.hmac_rotation().replace(issuer, now).await?;
        Ok((signing_keys, hmac_keys))
    }
}

/// Why data were not restored. Another call does what is left.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// They could not be given to their owner.
    #[error("{0}")]
    Settle(#[from] SettleError),
    /// Table or custody failed.
    #[error("{0}")]
    Unavailable(#[from] Unavailable),
}

impl From<StoreError> for RestoreError {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.into())
    }
}

/// What a restore has done.
#[derive(Debug)]
pub struct Restored {
    /// The signing keys that were made and withdrawn.
    pub signing_keys: RotatedNow,
    /// The HMAC keys that were made and withdrawn.
    pub hmac_keys: ReplacedHmacKeys,
    /// To whom the data belonged, if that was another issuer or wrapping key.
    pub belonged_to: Option<Settings>,
    /// The clients that can do more than in the old data; `None` when the old data is gone.
    pub back_to_life: Option<Vec<Revived>>,
}
