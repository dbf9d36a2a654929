//! DPoP at the issuer (RFC 9449): the proof of a request, and the nonces that it may have to be made with.

mod nonce;
mod proof;

pub(crate) use proof::single_use;
