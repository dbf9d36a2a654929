//! Access tokens: what one may say, how it is signed, and whether it is live.

mod judge;
mod mint;
mod policy;

pub use judge::Judged;
pub use mint::{MintedToken, mint, sign_document};
pub use policy::{ApprovedToken, GrantLimits, GrantedAccess, approve};
