//! Key custody: who holds the private keys, and which of them sign.

mod cache;
mod hmac;
mod signer;
mod signing;
mod wrap;

pub use hmac::HmacKeys;
pub use signer::{InProcessSigner, Signer, generate_private_key};
pub use signing::{ActiveKey, KeySet, SigningKeys};
pub use wrap::{EncryptionContext, KeyUse, KeyWrap, WrapError, Wrapped};
