//! One file for each grant type: an authenticated client's request becomes [`GrantedAccess`].
//!
//! A grant sees neither HTTP nor signing, and cannot be reached without client authentication.
//!
//! [`GrantedAccess`]: crate::policy::GrantedAccess

pub mod client_credentials;
pub mod refresh_token;
