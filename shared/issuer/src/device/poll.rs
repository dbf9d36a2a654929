use quick_cache::sync::Cache;
use tokensmith_verifier::Timestamp;

use super::INTERVAL;
use crate::credential::GrantId;
use crate::error::{DeviceDenied, Error, GrantDenied};
use crate::names::ClientId;
use crate::store::records::{DeviceAnswer, DeviceRequest};

/// The grant that a device polls for, once a person has given it. Pure.
///
/// # Errors
/// [`DeviceDenied`] says what the device has to do instead (RFC 8628 §3.5); [`GrantDenied`] when there is no such request of this
/// client.
pub fn grant_of(
    request: Option<&DeviceRequest>,
    client: &ClientId,
    now: Timestamp,
) -> Result<GrantId, Error> {
    let request = request.ok_or(GrantDenied::UnknownGrant)?;
    if request.client_id != *client {
        return Err(GrantDenied::GrantOfAnotherClient.into());
    }
    if now >= request.expires_at {
        return Err(DeviceDenied::ExpiredDeviceCode.into());
    }
    match request.answer {
        Some(DeviceAnswer::Approved(grant)) => Ok(grant),
        Some(DeviceAnswer::Denied) => Err(DeviceDenied::RefusedByPerson.into()),
        None => Err(DeviceDenied::AuthorizationPending.into()),
    }
}

/// When devices have polled this process. Others do not know of it: a device that polls several is let poll more often, and a
/// process that was started anew has forgotten. Nothing but the pace rests on it.
#[derive(Debug)]
pub struct Polls(Cache<String, Timestamp>);

impl Default for Polls {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED_DEVICES))
    }
}

impl Polls {
    /// Notes a poll for a request that nobody has answered yet.
    ///
    /// # Errors
    /// [`DeviceDenied::SlowDown`] when the last one was too short a time ago.
    pub fn note(&self, request: &DeviceRequest, now: Timestamp) -> Result<(), DeviceDenied> {
        let last = self.0.get(&request.id);
        self.0.insert(request.id.clone(), now);
        // Time is counted in whole seconds here, and a poll may be delayed more than the next: so a second less will do.
        let least = INTERVAL.as_secs() - 1;
        match last {
            Some(last) if now.since(last).as_secs() < least => Err(DeviceDenied::SlowDown),
            _ => Ok(()),
        }
    }
}

/// Bounds the memory that devices can take.
const REMEMBERED_DEVICES: usize = 10_000;
