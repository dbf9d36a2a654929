//! The Lambda authorizer of API Gateway: it allows requests that bring a valid access token, or
//! an API key if it takes them.
//!
//! It is a [`Verifier`](tokensmith_verifier::Verifier) whose keys and revocations come from the
//! issuer's table. This crate turns events into answers; `functions/authorizer` is the function
//! that Lambda calls. A warm request makes no call to AWS, except one query of the revocation feed
//! in each interval, and what a limit of the resource costs where limits are on.

mod answer;
mod api_keys;
mod arn;
mod authorizer;
mod config;
mod decision;
mod event;
mod keys;
mod log;
mod pattern;
mod policy;
mod principal;
mod route;
mod route_name;
mod route_scopes;
mod size;

pub use answer::{AuthorizerAnswer, TokenContext};
pub use authorizer::{Authorizer, AuthorizerError};
pub use config::{AuthorizerConfig, MalformedPublicUrl, PublicUrl, ResponseFormat};
pub use event::{AuthorizerEvent, NotFromAuthorizer};
pub use policy::PolicyDocument;
pub use route::InvalidRoute;
pub use route_scopes::RouteScopes;
pub use size::MAX_ANSWER_BYTES;
