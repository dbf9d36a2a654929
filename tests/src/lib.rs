//! The harness of the black-box scenarios: a running issuer, the `tokensmith` command, and an HTTP
//! client that can send what no correct client sends.
//!
//! With `ISSUER_URL` set, the scenarios run against that issuer instead of starting one;
//! `TOKENSMITH_DATA` then names the data that the command manages.

pub mod faults;
mod grants;
mod http;
mod keep_alive;
pub mod load;
mod running;
mod world;

pub use grants::{Granted, Tokens};
pub use http::{HttpRequest, HttpResponse};
pub use keep_alive::KeepAlive;
pub use running::{Registered, Running, command, unique};
pub use world::{AUDIENCE, CLIENT, World, assert_refused};
