//! Clients: what a request presents, where the records of a client and of its resources are found, and how it authenticates.

mod assertion;
mod authenticate;
mod cache;
pub(crate) mod jwt;
mod keys;
mod presented;
mod request_object;
mod resources;
mod target;

pub use assertion::UnverifiedAssertion;
pub(crate) use authenticate::AssertionVerifier;
pub use authenticate::{AuthenticatedClient, Claim, Evidence};
pub use cache::Clients;
pub(crate) use keys::ClientKeys;
pub(crate) use presented::client_named_in;
pub use presented::{PresentedCredentials, Proof};
pub use resources::FoundResources;
pub(crate) use resources::Resources;
pub use target::Target;
