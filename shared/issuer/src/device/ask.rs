use std::time::Duration;

use tokensmith_verifier::Timestamp;

use crate::Issuer;
use crate::credential::{DeviceCode, UserCode};
use crate::error::Unavailable;
use crate::names::{Audience, ClientId, Scopes};
use crate::store::Insert;
use crate::store::records::{DeviceRequest, UserCodeEntry};

/// What a device asks for, which policy allows its client.
#[derive(Clone, Debug)]
pub struct DeviceAccess {
    /// The client that runs on it.
    pub client_id: ClientId,
    /// The scopes.
    pub scopes: Scopes,
    /// The audiences.
    pub audiences: Vec<Audience>,
    /// Where the request came from.
    pub source: Option<String>,
    /// What the device calls itself.
    pub user_agent: Option<String>,
}

/// The codes of a device that has asked. Neither is stored.
#[derive(Debug)]
pub struct AskedOnDevice {
    /// What the device polls with.
    pub device_code: DeviceCode,
    /// What it shows to a person.
    pub user_code: UserCode,
}

impl Issuer {
    /// Records what a device asks for (RFC 8628 §3.1): two inserts. The user code comes first, so that there is never a request that
    /// has no user code; an entry whose request was never made is as good as none.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the HMAC key fails.
    pub async fn ask_for_device(
        &self,
        access: DeviceAccess,
        now: Timestamp,
    ) -> Result<AskedOnDevice, Unavailable> {
        let device_code = DeviceCode::generate();
        let request = DeviceRequest {
            id: device_code.request_id(),
            client_id: access.client_id,
            scopes: access.scopes,
            audiences: access.audiences,
            nonce_hash: device_code.nonce().hash(),
            source: access.source,
            user_agent: access.user_agent,
            created_at: now,
            expires_at: now.after(LIFETIME),
            answer: None,
        };
        let user_code = self.claim_user_code(&request, now).await?;
        match self.table.insert(&request).await? {
            Insert::Inserted => Ok(AskedOnDevice {
                device_code,
                user_code,
            }),
            // 256 random bits are never drawn twice.
            Insert::Exists(_) => Err(Unavailable::Key("a device code was repeated".to_owned())),
        }
    }

    /// A user code that means this request and no other.
    async fn claim_user_code(
        &self,
        request: &DeviceRequest,
        now: Timestamp,
    ) -> Result<UserCode, Unavailable> {
        let key = self.hmac_keys()?.newest(now).await?;
        loop {
            let code = UserCode::generate();
            let entry = UserCodeEntry {
                hash: code.hash(&key, &self.config.issuer),
                request: request.id.clone(),
                expires_at: request.expires_at,
            };
            match self.table.insert(&entry).await? {
                Insert::Inserted => return Ok(code),
                // Another device has drawn the same letters: one in a thousand, while 25 million of them wait.
                Insert::Exists(_) => {}
            }
        }
    }
}

/// How long a person has to answer (`expires_in`).
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// How often a device may poll (`interval`).
pub const INTERVAL: Duration = Duration::from_secs(5);
