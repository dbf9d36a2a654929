//! The harness of the scenarios. It has one word for each thing, whatever the host of an issuer is: a
//! [`TestIssuer`] is `tokensmith serve`, functions, or an issuer in this process; an [`InProcess`] is
//! one whose clock and faults a scenario sets; both are sent an [`HttpRequest`] by a [`TestClient`],
//! which may have a [`TestGrant`], and give an [`Answer`].
//!
//! What a scenario takes for granted is asserted here: everything panics where that does not hold.
//!
//! With `ISSUER_URL` set, the scenarios of the test `scenarios` run against that issuer instead of
//! starting one; `TOKENSMITH_DATA` or `TOKENSMITH_TABLE` then names the data that the command manages.
//! `ISSUER_URL=in-process` starts one that has no port.

mod answer;
pub mod assertion;
pub mod authorizer;
mod client;
pub mod connection;
mod contents;
mod custody;
pub mod documented;
pub mod emulated;
pub mod faults;
mod flow;
mod followed;
pub mod foreign;
pub mod forge;
pub mod functions;
mod gateway;
mod in_process;
mod issuer;
pub mod logged;
mod operator;
mod over_http;
mod patience;
mod person;
mod process;
mod proof;
mod provider;
pub mod records;
mod request;
pub mod sandbox;
mod secrets;
mod served;
pub mod strangers;
pub mod terminal;
pub mod tls;
mod tools;
mod turn;
mod world;

pub use answer::{Answer, Token, Tokens};
pub use client::{TestClient, TestGrant};
pub use connection::Connection;
pub use contents::{Item, Items, all_bytes};
pub use custody::TestCustody;
pub use flow::{CodeFlow, parameter};
pub use followed::Followed;
pub use functions::{Functions, Setup, rotation_event};
pub use in_process::{Direct, InProcess, START};
pub use issuer::{TestIssuer, command, unique};
pub use operator::TestOperator;
pub use over_http::OverHttp;
pub use patience::eventually;
pub use person::{Page, PageForm, Person, Place};
pub use proof::TestProof;
pub use provider::TestProvider;
pub use request::{Form, HttpRequest, form_encode};
pub use secrets::{Secrets, contains};
pub use tools::built;
pub use world::{CLIENT, World};
