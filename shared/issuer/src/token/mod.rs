//! Access tokens: what one may contain, how it is signed, and whether it is active.

mod judge;
mod mint;
mod policy;

pub use judge::{Judged, standing};
pub use mint::{MintedToken, mint, sign_document};
pub use policy::{ApprovedToken, GrantLimits, GrantedAccess, approve};
