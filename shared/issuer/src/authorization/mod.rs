//! What people are asked for by a client that sends them here (RFC 6749 §4.1.1, OpenID Connect Core 1.0 §3.1.2): the request, and the
//! grant that comes of it. Who the person is, and what they are shown, is not decided here.

mod approval;
mod parameters;
mod pushed;
mod redirect;
mod request;

pub use approval::{Approval, Approved};
pub use parameters::Parameters;
pub(crate) use pushed::PUSHED_LIFETIME;
pub use redirect::{Redirect, ResponseMode};
pub use request::{AuthorizationRequest, NotRedirected, Prompt, Refused, WantedAccess};
