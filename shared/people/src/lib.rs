//! Signing people in: sessions, passwords, consent, and the endpoints with pages.
//!
//! A function that signs nobody in does not link this crate, and has neither pages nor a password hash in its tree.
//!
//! `visit.rs` has the rules that every page keeps; `authorize.rs`, `sign_in.rs` and `consent.rs` are the way of an authorization
//! request, and `flow.rs` decides what comes next on it. `upstream/` lets people sign in elsewhere. `account/` and `logout.rs` end what was given, by `ending.rs`.

mod account;
mod authorize;
mod backoff;
mod check;
mod consent;
mod cookies;
mod device;
mod ending;
mod flow;
mod logout;
mod password;
mod password_rules;
mod pending;
mod problem;
mod session;
mod shown;
mod sign_in;
mod upstream;
mod visit;

use std::sync::Arc;

use tokensmith_issuer::fetched::{Fetcher, Reach, Web};
use tokensmith_issuer::keys::Custody;
use tokensmith_issuer::store::Table;
use tokensmith_issuer::{Abilities, Endpoint, Mount};

pub use account::ACCOUNT;
pub use authorize::AUTHORIZE;
pub use consent::CONSENT;
pub use device::DEVICE;
pub use logout::LOGOUT;
pub use password::Passwords;
pub use password_rules::{PasswordDenied, check_password};
pub use sign_in::LOGIN;
pub use upstream::UPSTREAM;

/// Every endpoint with pages.
pub const ALL: [&Endpoint; 7] = [
    &AUTHORIZE, &LOGIN, &UPSTREAM, &CONSENT, &ACCOUNT, &LOGOUT, &DEVICE,
];

/// The endpoint at `path`, for a host that serves all of them.
pub fn at(path: &str) -> Option<&'static Endpoint> {
    ALL.into_iter().find(|endpoint| endpoint.path == path)
}

/// [`AUTHORIZE`], which proves what it has sealed.
pub const fn authorize<C: Custody>() -> Mount<C> {
    with_pages(&AUTHORIZE)
}

/// [`LOGIN`], which also hashes passwords.
pub const fn login<C: Custody>() -> Mount<C> {
    with_pages(&LOGIN)
}

/// [`UPSTREAM`], which also asks other OpenID providers.
pub const fn upstream<C: Custody>() -> Mount<C> {
    with_pages(&UPSTREAM)
}

/// [`CONSENT`], which proves what it has sealed.
pub const fn consent<C: Custody>() -> Mount<C> {
    with_pages(&CONSENT)
}

/// [`ACCOUNT`], which also hashes passwords.
pub const fn account<C: Custody>() -> Mount<C> {
    with_pages(&ACCOUNT)
}

/// [`DEVICE`], which proves what it has sealed.
pub const fn device<C: Custody>() -> Mount<C> {
    with_pages(&DEVICE)
}

/// [`LOGOUT`], which proves what it has sealed.
pub const fn logout<C: Custody>() -> Mount<C> {
    with_pages(&LOGOUT)
}

/// What all pages need: they prove what they have sealed, and sign nothing. Whoever serves one serves them all, so that each has
/// the password hash, and asks other OpenID providers.
const fn with_pages<C: Custody>(endpoint: &'static Endpoint) -> Mount<C> {
    Mount {
        endpoint,
        prepare: prepare::<C>,
    }
}

fn prepare<C: Custody>(custody: &C, table: &Table, abilities: &mut Abilities) {
    abilities.keys.open = Some(custody.open());
    let web = Arc::new(Web::new(Reach::Public));
    abilities.documents = Some(Arc::new(Fetcher::new(table.clone(), web.clone())));
    abilities.web = Some(web);
    abilities
        .passwords
        .get_or_insert_with(|| Arc::new(Passwords::default()));
}
