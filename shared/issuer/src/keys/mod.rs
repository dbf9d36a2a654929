//! Signing keys and HMAC keys: where they are kept, which of them are in use, and how they are
//! rotated.

mod cache;
mod custody;
mod hmac;
mod hmac_rotation;
mod lifecycle;
mod public_jwk;
mod rotation;
mod signer;
mod signing;

pub use custody::{
    Custody, CustodyError, EncryptionContext, KeyAccess, KeyUse, Make, Open, PrivateKey, Sign,
    Wrapped,
};
pub use hmac::HmacKeys;
pub use hmac_rotation::{HmacRotation, ReplacedHmacKeys};
pub use lifecycle::{KeyEnd, KeyState, Succession};
pub use public_jwk::{PublicJwk, UnfitJwk};
pub use rotation::{KeyRotation, RetireError, RotatedNow, Rotation, RotationPolicy, SuccessorKey};
pub use signer::{InProcessSigner, Signer, generate_private_key};
pub use signing::{ActiveKey, ID_TOKEN_TYPE, KeySet, SigningKeys};
