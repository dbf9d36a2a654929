//! The grants: one file for each grant type, and what they share.
//!
//! A grant sees neither HTTP nor signing, and cannot be reached without client authentication.

mod authorization_code;
pub mod client_credentials;
pub mod jwt_bearer;
pub mod redeem;
pub mod refresh_token;
mod request;
pub mod token_exchange;

pub use authorization_code::PresentedTerms;
pub use request::{AskedAccess, TokenRequest};
pub use token_exchange::ACCESS_TOKEN_TYPE;
