use std::time::Duration;

use tokensmith_verifier::Timestamp;

use crate::Issuer;
use crate::credential::GrantId;
use crate::error::Unavailable;
use crate::names::{Scopes, SubjectName};
use crate::revocation::{made_after, revoke_grant};
use crate::store::records::{Client, DeviceAnswer, DeviceRequest, Grant, Origin, SignIn, Subject};
use crate::store::{Change, Insert, Update};

/// That a person lets a device have what it has asked for.
#[derive(Debug)]
pub struct DeviceApproval<'a> {
    /// What was asked for.
    pub request: &'a DeviceRequest,
    /// The scopes that were shown, and are given: some of those that were asked for.
    pub scopes: &'a Scopes,
    /// The record of who gives it.
    pub subject: &'a Subject,
    /// The same, as a grant names them.
    pub subject_name: &'a SubjectName,
    /// How they have signed in.
    pub sign_in: SignIn,
}

/// What became of the answer of a person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceAnswered {
    /// The device gets tokens of this grant.
    Approved(GrantId),
    /// The device gets none.
    Denied,
    /// Somebody has answered before, and that holds.
    Already,
    /// The time to answer is over.
    TooLate,
    /// The client was disabled or deleted meanwhile.
    WithoutClient,
}

impl Issuer {
    /// Makes the grant that a person gives to a device, and then names it in the device's request (RFC 8628 §3.3): an insert and a
    /// conditional update. The update decides: what was inserted without it opens nothing, and expires with the request.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the HMAC key fails. Repeating it is safe, and makes one grant.
    pub async fn approve_device(
        &self,
        approval: DeviceApproval<'_>,
    ) -> Result<DeviceAnswered, Unavailable> {
        let (request, now) = (approval.request, self.clock.now());
        if now >= request.expires_at {
            return Ok(DeviceAnswered::TooLate);
        }
        let client = self.table.get(&Client::key_of(&request.client_id)).await?;
        let Some(client) = client.filter(|client| client.is_usable()) else {
            return Ok(DeviceAnswered::WithoutClient);
        };
        let key = self.hmac_keys()?.newest(now).await?;
        let scopes = approval.scopes.intersection(&request.scopes);
        let given = scopes.to_string();
        let parts = [&request.id, approval.subject_name.as_str(), &given];
        let id = GrantId::derived(key.derive("device grant", &parts), approval.subject_name);
        let grant = grant_of(&approval, id, scopes, &client, now);
        match self.table.insert(&grant).await? {
            // The same person has given the same before, and was not told.
            Insert::Inserted | Insert::Exists(_) => {}
        }
        let answered = self
            .answer_device(request, DeviceAnswer::Approved(id))
            .await?;
        if answered != DeviceAnswered::Approved(id) {
            revoke_grant(&self.table, id, None, now).await?;
        }
        Ok(answered)
    }

    /// Refuses what a device has asked for: one conditional update.
    ///
    /// # Errors
    /// [`Unavailable`] when the table fails. Repeating it is safe.
    pub async fn deny_device(
        &self,
        request: &DeviceRequest,
    ) -> Result<DeviceAnswered, Unavailable> {
        self.answer_device(request, DeviceAnswer::Denied).await
    }

    /// Notes the answer, unless there is one.
    async fn answer_device(
        &self,
        request: &DeviceRequest,
        answer: DeviceAnswer,
    ) -> Result<DeviceAnswered, Unavailable> {
        let change = Change::of_existing()
            .if_absent("answer")
            .set("answer", answer)?;
        let key = DeviceRequest::key_of(&request.id);
        Ok(match self.table.update(&key, change).await? {
            Update::Applied(_) => answered(answer),
            Update::Refused(Some(found)) if found.answer == Some(answer) => answered(answer),
            Update::Refused(Some(_)) => DeviceAnswered::Already,
            Update::Refused(None) => DeviceAnswered::TooLate,
        })
    }
}

const fn answered(answer: DeviceAnswer) -> DeviceAnswered {
    match answer {
        DeviceAnswer::Approved(grant) => DeviceAnswered::Approved(grant),
        DeviceAnswer::Denied => DeviceAnswered::Denied,
    }
}

fn grant_of(
    approval: &DeviceApproval<'_>,
    id: GrantId,
    scopes: Scopes,
    client: &Client,
    now: Timestamp,
) -> Grant {
    let request = approval.request;
    let covered = client.not_before.max(approval.subject.not_before);
    let created_at = made_after(covered, now);
    Grant {
        id,
        client_id: request.client_id.clone(),
        subject: approval.subject_name.clone(),
        origin: Origin::Device,
        scopes,
        audiences: request.audiences.clone(),
        nonce_hash: request.nonce_hash.clone(),
        generation: 0,
        // Nothing of this generation is printed: the device has its code already.
        hmac_version: 0,
        rotated_at: created_at,
        created_at,
        idle_expires_at: request.expires_at,
        expires_at: created_at.after(Duration::from_secs(client.grant_ttl)),
        revoked_at: None,
        code: None,
        sign_in: Some(approval.sign_in.clone()),
        bound_to: None,
    }
}
