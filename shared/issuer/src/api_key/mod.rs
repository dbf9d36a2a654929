//! API keys: which of them are accepted, and what they open.
//!
//! The issuer exchanges a key for a token, and the authorizer takes it directly. Both decide by the functions here.

mod found;
mod last_use;
mod standing;

pub use found::{ApiKeys, FoundApiKey, is_same_key, read_presented};
pub use last_use::LastUses;
pub use standing::{may_be_used_from, rights, standing};
