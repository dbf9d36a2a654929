//! Access tokens: what one may contain, how it is signed, and whether it is active. And the ID tokens beside them.

mod chain;
mod id_token;
mod judge;
mod mint;
mod policy;
mod registered_claims;
mod static_claims;

pub use chain::TokenChain;
pub(crate) use id_token::PASSWORD_OR_MORE;
pub use id_token::{IdToken, IdTokenHint, MintedIdToken};
pub use judge::{Judged, standing};
pub use mint::{MintedToken, mint, sign_document};
pub use policy::{ApprovedToken, Delegated, GrantLimits, GrantedAccess, approve, wanted_access};
pub use static_claims::{InvalidClaims, StaticClaims};
