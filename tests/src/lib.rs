//! The harness of the black-box scenarios: a running issuer, the `tokensmith` command, and an HTTP
//! client that can send what no correct client sends.
//!
//! With `ISSUER_URL` set, the scenarios run against that issuer instead of starting one;
//! `TOKENSMITH_DATA` then names the data that the command manages.

mod connection;
mod contents;
pub mod fake_kms;
pub mod faults;
pub mod forge;
mod grants;
mod http;
pub mod in_process;
mod keep_alive;
pub mod load;
pub mod logged;
mod patience;
mod running;
mod token;
mod world;

pub use connection::Connection;
pub use contents::{all_bytes, table_items};
pub use grants::{Granted, Tokens};
pub use http::{HttpRequest, HttpResponse, form_encode};
pub use keep_alive::KeepAlive;
pub use patience::eventually;
pub use running::{Registered, Running, command, unique};
pub use token::Token;
pub use world::{AUDIENCE, CLIENT, World, assert_refused};
