//! The Lambda authorizer on events as API Gateway sends them. `events/` has one of each; a test
//! changes only what it is about.

mod answers;
mod api_keys;
mod bad_tokens;
mod caching;
mod claims;
mod dpop;
mod exchange;
mod headers;
mod limits;
mod logs;
mod outages;
mod revocations;
mod routes;
mod support;
mod wire;
