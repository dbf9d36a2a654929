//! Devices without a browser, or without a keyboard (RFC 8628). A device asks ([`ask`](Issuer::ask_for_device)), and polls the
//! token endpoint with its device code; meanwhile a person types the user code that it shows, in another device's browser, and
//! answers ([`answer`](Issuer::approve_device)). Who the person is, and what they are shown, is not decided here.
//!
//! Nothing half-made matters, wherever a process is killed: a user code whose request was never made is unknown, a request whose
//! user code nobody was told expires, and so does a grant that its request does not name.

mod answer;
mod ask;
mod poll;

pub use answer::{DeviceAnswered, DeviceApproval};
pub use ask::{AskedOnDevice, DeviceAccess, INTERVAL, LIFETIME};
pub use poll::{Polls, grant_of};

use tokensmith_verifier::Timestamp;

use crate::Issuer;
use crate::credential::UserCode;
use crate::error::{Error, Unavailable};
use crate::store::records::{DeviceRequest, UserCodeEntry};
use crate::store::{Key, StoreError};

impl Issuer {
    /// The request of the device that shows this user code, however it was typed; `None` when there is none, or when its time is
    /// over. Whoever asks must be signed in and must not ask often: user codes can be guessed.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the HMAC key fails.
    pub async fn find_by_user_code(
        &self,
        typed: &str,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, Unavailable> {
        let Ok(code) = typed.parse::<UserCode>() else {
            return Ok(None);
        };
        let newest = self.hmac_keys()?.newest(now).await?.version();
        // The code is of the version that was newest when it was made, as the function knew it that made it: the one before may
        // have been, and so may one that is newer than this function knows.
        let before = newest.checked_sub(1).filter(|version| *version > 0);
        let mut known = vec![newest];
        known.extend(before);
        match self.entry_of(&code, &known, now).await? {
            None => match self
                .entry_of(&code, &[newest.saturating_add(1)], now)
                .await?
            {
                None => Ok(None),
                Some(entry) => self.device_request(&entry.request, now).await,
            },
            Some(entry) => self.device_request(&entry.request, now).await,
        }
    }

    /// The request of a device with this id; `None` when there is none, or when its time is over.
    ///
    /// # Errors
    /// [`Unavailable`] when the table fails.
    pub async fn device_request(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<DeviceRequest>, Unavailable> {
        let found = self.table.get(&DeviceRequest::key_of(id)).await?;
        let lives = found.filter(|request| now < request.expires_at);
        Ok(lives.map(|request| request.record))
    }

    /// The entry of a user code by one of these versions of the HMAC key, found in one read.
    async fn entry_of(
        &self,
        code: &UserCode,
        versions: &[u32],
        now: Timestamp,
    ) -> Result<Option<UserCodeEntry>, Unavailable> {
        let mut keys: Vec<Key<UserCodeEntry>> = Vec::new();
        for version in versions {
            match self.hmac_keys()?.version(*version, now).await {
                Ok(key) => {
                    let hash = code.hash(&key, &self.config.issuer);
                    keys.push(UserCodeEntry::key_of(&hash));
                }
                // There is no such key, or it was withdrawn.
                Err(Error::Denied(_)) => {}
                Err(Error::Unavailable(err)) => return Err(err),
            }
        }
        Ok(self.first_entry(&keys, now).await?)
    }

    async fn first_entry(
        &self,
        keys: &[Key<UserCodeEntry>],
        now: Timestamp,
    ) -> Result<Option<UserCodeEntry>, StoreError> {
        for key in keys {
            let found = self.table.get(key).await?;
            if let Some(entry) = found.filter(|entry| now < entry.expires_at) {
                return Ok(Some(entry.record));
            }
        }
        Ok(None)
    }
}
