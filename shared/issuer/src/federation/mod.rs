//! Tokens of other issuers that speak for clients of this one: what a platform gives its workloads, such as
//! AWS, GitHub or Kubernetes (RFC 7521, RFC 7523).
//!
//! A *source* says whose keys, a *rule* which of its tokens speak for which client. The subject of a foreign
//! token never becomes one of ours: what is issued is the client's.

mod identify;
mod pattern;
mod token;

pub use identify::FederatedIdentity;
pub(crate) use identify::Federation;
pub use pattern::{Condition, InvalidPattern, Pattern};
pub use token::{ForeignIssuer, ForeignToken};
