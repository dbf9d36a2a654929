//! Clients: what a request presents, where a client's record is found, and how it authenticates.

mod authenticate;
mod cache;
mod presented;

pub use authenticate::{AuthenticatedClient, Claim, Evidence};
pub use cache::Clients;
pub use presented::PresentedCredentials;
pub(crate) use presented::client_named_in;
