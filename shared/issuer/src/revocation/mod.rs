//! Revocation: how something is revoked, whether one token is, and which revocations there are.

mod revoke;
mod status;
mod view;

pub use revoke::{
    RevokeOutcome, revoke_access_token, revoke_client, revoke_grant, revoke_subject,
    with_revocation,
};
pub(crate) use status::read_status;
pub use view::TableRevocations;
