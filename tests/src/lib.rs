//! The harness of the black-box scenarios: a running issuer, the `tokensmith` command, and an HTTP
//! client that can send what no correct client sends.
//!
//! With `ISSUER_URL` set, the scenarios run against that issuer instead of starting one;
//! `TOKENSMITH_DATA` or `TOKENSMITH_TABLE` then names the data that the command manages.

mod connection;
mod contents;
mod custody;
pub mod emulated;
pub mod fake_kms;
pub mod faults;
pub mod forge;
pub mod functions;
mod gateway;
mod grants;
mod http;
pub mod in_process;
mod keep_alive;
pub mod load;
pub mod logged;
mod message;
mod patience;
mod process;
mod running;
pub mod sandbox;
pub mod tls;
mod token;
mod tools;
mod world;

pub use connection::Connection;
pub use contents::all_bytes;
pub use custody::TestCustody;
pub use functions::{Functions, Setup, rotation_event};
pub use grants::{Granted, Tokens};
pub use http::{HttpRequest, HttpResponse, form_encode};
pub use keep_alive::KeepAlive;
pub use message::read_message;
pub use patience::eventually;
pub use running::{Registered, Running, command, unique};
pub use token::Token;
pub use tools::built;
pub use world::{AUDIENCE, CLIENT, World, assert_refused};
