//! The pages that people see: templates, style and translations.
//!
//! Each page is a struct of borrowed values with `html`, which makes the whole document. Nothing here reads,
//! keeps or decides anything. A page is sent with the policy of the [`Look`] that it was made with, because its
//! style is inline: [`Look::content_security_policy`], or [`Look::form_post_policy`] for [`FormPost`].
//!
//! The pages work without a script, and what a person enters comes back as plain forms. Every form has the
//! hidden field `form`.

mod account;
mod brand;
mod colour;
mod consent;
mod device;
mod form_post;
mod frame;
mod language;
mod look;
mod moment;
mod parts;
mod problem;
mod sign_in;
mod sign_out;
mod texts;

pub use account::{Account, AccountNotice, ConsentRow, GrantRow, LinkRow, SessionRow};
pub use brand::{Brand, InvalidLogo, Logo};
pub use colour::{Colour, InvalidColour};
pub use consent::{Consent, ConsentAccess};
pub use device::{DeviceCode, DeviceConfirm, DeviceDone, DeviceProblem};
pub use form_post::FormPost;
pub use language::Language;
pub use look::Look;
pub use moment::Moment;
pub use parts::SignedIn;
pub use problem::{Problem, ProblemKind};
pub use sign_in::{SignIn, SignInProblem, UpstreamLink};
pub use sign_out::{SignOut, SignedOut};
