//! Clients: what a request presents, where their records are found, and how they are authenticated.

mod authenticate;
mod cache;
mod presented;

pub use authenticate::{AuthenticatedClient, Claim, Evidence};
pub use cache::Clients;
pub use presented::PresentedCredentials;
