//! The harness of the black-box scenarios: a running issuer, the `tokensmith` command, and an HTTP
//! client that can send what no correct client sends.
//!
//! With `ISSUER_URL` set, the scenarios run against that issuer instead of starting one;
//! `TOKENSMITH_DATA` then names the data that the command manages.

pub mod faults;
pub mod forge;
mod http;
pub mod in_process;
pub mod load;
pub mod logged;
mod running;

pub use http::{HttpRequest, HttpResponse};
pub use running::{Registered, Running, command};
