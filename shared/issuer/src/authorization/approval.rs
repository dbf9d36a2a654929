use std::time::Duration;

use secrecy::SecretString;
use tokensmith_verifier::Timestamp;

use super::AuthorizationRequest;
use crate::Issuer;
use crate::credential::{CredentialKind, GrantId, HmacKey, Nonce};
use crate::error::Unavailable;
use crate::names::{Scopes, SubjectName};
use crate::revocation::made_after;
use crate::store::Insert;
use crate::store::records::{CodeTerms, Grant, Origin, SignIn, Subject};

/// That a person lets a client have what it has asked for.
#[derive(Debug)]
pub struct Approval<'a> {
    /// What was asked for.
    pub request: &'a AuthorizationRequest,
    /// The random name of this request in the pages that it has gone through. Whoever approves it twice makes one grant.
    pub request_id: &'a str,
    /// The scopes that were shown, and are given.
    pub scopes: &'a Scopes,
    /// The record of who gives it.
    pub subject: &'a Subject,
    /// The same, as a grant names them.
    pub subject_name: &'a SubjectName,
    /// How they have signed in.
    pub sign_in: SignIn,
}

/// What became of an approval.
#[derive(Debug)]
pub enum Approved {
    /// There is a grant, with this code.
    Code(GrantId, SecretString),
    /// The same request was approved before, and its code was redeemed.
    Already,
}

impl Issuer {
    /// Makes the grant that a person gives, and its code (RFC 6749 §4.1.2). One insert.
    ///
    /// # Errors
    /// [`Unavailable`] when the table or the HMAC key fails. Repeating it is safe.
    pub async fn approve(&self, approval: Approval<'_>) -> Result<Approved, Unavailable> {
        let now = self.clock().now();
        let key = self.hmac_keys()?.newest(now).await?;
        let seed = |purpose: &str| {
            let parts = [approval.request_id, approval.subject_name.as_str()];
            key.derive(purpose, &parts)
        };
        let nonce = Nonce::derived(seed("code nonce"));
        let id = GrantId::derived(seed("grant id"), approval.subject_name);
        let grant = grant_of(&approval, id, &nonce, &key, now);
        let code = || {
            let kind = CredentialKind::AuthorizationCode;
            let code = key.print(&self.config().issuer, kind, id, 0, &nonce);
            Approved::Code(id, code)
        };
        match self.table().insert(&grant).await? {
            Insert::Inserted => Ok(code()),
            // The answer was lost, or the button was pressed twice: the same code goes out again.
            Insert::Exists(same) if same.generation == 0 && same.nonce_hash == nonce.hash() => {
                Ok(code())
            }
            Insert::Exists(_) => Ok(Approved::Already),
        }
    }
}

fn grant_of(
    approval: &Approval<'_>,
    id: GrantId,
    nonce: &Nonce,
    key: &HmacKey,
    now: Timestamp,
) -> Grant {
    let (request, client) = (approval.request, &approval.request.client);
    let covered = client.not_before.max(approval.subject.not_before);
    let created_at = made_after(covered, now);
    Grant {
        id,
        client_id: client.id.clone(),
        subject: approval.subject_name.clone(),
        origin: Origin::Code,
        scopes: approval.scopes.clone(),
        audiences: request.access.audiences.clone(),
        nonce_hash: nonce.hash(),
        generation: 0,
        hmac_version: key.version(),
        rotated_at: created_at,
        created_at,
        idle_expires_at: created_at.after(CODE_LIFETIME),
        expires_at: created_at.after(Duration::from_secs(client.grant_ttl)),
        revoked_at: None,
        code: Some(CodeTerms {
            redirect_uri: request.named_redirect_uri.clone(),
            challenge: request.challenge.clone(),
            bound_to: request.bound_to.clone(),
            nonce: request.nonce.clone(),
        }),
        sign_in: Some(approval.sign_in.clone()),
        bound_to: None,
    }
}

/// How long a code can be redeemed (OAuth 2.1 §4.1.2).
pub const CODE_LIFETIME: Duration = Duration::from_secs(60);
