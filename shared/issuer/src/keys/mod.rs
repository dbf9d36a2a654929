//! Signing keys and HMAC keys: who holds them, which of them sign, and how they succeed each other.

mod cache;
mod custody;
mod hmac;
mod lifecycle;
mod public_jwk;
mod rotation;
mod signer;
mod signing;

pub use custody::{CustodyError, EncryptionContext, KeyCustody, KeyUse, PrivateKey, Wrapped};
pub use hmac::{HmacKeys, ReplacedHmacKeys};
pub use lifecycle::{KeyState, Succession};
pub use public_jwk::{PublicJwk, UnfitJwk};
pub use rotation::{KeyRotation, RetireError, RotatedNow, Rotation, RotationPolicy, SuccessorKey};
pub use signer::{InProcessSigner, Signer, generate_private_key};
pub use signing::{ActiveKey, KeySet, SigningKeys};
