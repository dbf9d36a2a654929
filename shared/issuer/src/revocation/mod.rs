//! Revocation: how something is revoked, whether one token is, and which revocations there are.

mod api_key;
mod feed;
mod given;
mod heartbeat;
mod links;
mod own_records;
mod pass;
mod revoke;
mod sessions;
mod status;
mod sweep;
mod view;

pub(crate) use api_key::end_api_key;
pub use api_key::revoke_api_key;
pub(crate) use feed::{FEED_INTERVAL, ServedFeed, SignedFeed};
pub use given::{GivenPage, given_grants, revoke_given};
pub use heartbeat::beat;
pub use links::Link;
pub use revoke::{
    RevokeOutcome, made_after, revoke_access_token, revoke_client, revoke_grant, revoke_subject,
};
pub(crate) use revoke::{cut_off, in_feed, revoked_until, with_revocation};
pub use sessions::{EndSessions, end_sessions};
pub(crate) use status::{ReadLinks, read_links, read_status};
pub use sweep::sweep_feed;
pub use view::TableRevocations;
