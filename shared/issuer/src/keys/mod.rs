//! Key custody: who holds the private keys, and which of them sign.

mod active;
mod signer;
mod wrap;

pub use active::{ActiveKey, KeySet, SigningKeys, load_signing_keys};
pub use signer::{InProcessSigner, Signer, generate_private_key};
pub use wrap::{EncryptionContext, KeyUse, KeyWrap, WrapError, Wrapped};
