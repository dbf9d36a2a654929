//! What goes wrong, for whoever collects it with the crate `tracing` (feature `tracing`). No token is in it.

use std::fmt::Display;

use crate::Refusal;

/// A request was refused: its caller is at fault, so that this is no more than `debug`.
#[cfg(feature = "tracing")]
pub(crate) fn refused(refusal: &Refusal) {
    tracing::debug!(reason = refusal.name(), "a request is refused");
}

/// Keys or revocations cannot be renewed: what is known goes on being used for a while.
#[cfg(feature = "tracing")]
pub(crate) fn not_renewed(what: &'static str, failure: &dyn Display) {
    tracing::warn!(what, %failure, "the issuer cannot be asked");
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn refused(_: &Refusal) {}

#[cfg(not(feature = "tracing"))]
pub(crate) fn not_renewed(_: &'static str, _: &dyn Display) {}
