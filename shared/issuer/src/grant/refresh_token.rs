//! RFC 6749 §6: a client exchanges a refresh token for a new access token and the next refresh
//! token.

use super::AskedAccess;
use super::redeem::GrantState;
use crate::token::{GrantLimits, GrantedAccess};

/// The access that the new token may have.
pub fn grant(state: &GrantState, asked: AskedAccess) -> GrantedAccess {
    let grant = &state.grant;
    GrantedAccess {
        subject: grant.subject.to_string(),
        asked,
        limits: Some(GrantLimits {
            grant_id: Some(grant.id),
            scopes: grant.scopes.clone(),
            audiences: grant.audiences.clone(),
            expires_at: grant.expires_at,
            not_before: state.subject_not_before(),
            read_at: state.read_at,
            auth_time: grant.sign_in.as_ref().map(|sign_in| sign_in.at),
        }),
        until: None,
        delegated: None,
        parents: Vec::new(),
    }
}
