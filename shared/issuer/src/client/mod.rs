//! Clients: what a request presents, where their records are found, and how they are authenticated.

mod cache;
mod presented;

pub use cache::{Clients, FoundClient};
pub use presented::{AuthenticatedClient, PresentedCredentials};
