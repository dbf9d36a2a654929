//! What an embedder sees, against an issuer in this process and a clock that the tests set.

mod bad_tokens;
mod bearer_requests;
mod dpop;
mod embedding;
mod exchanged_tokens;
mod feed_documents;
mod http_client;
mod key_caching;
mod key_outages;
mod other_claims;
mod provider;
mod revocation_feed;
mod revocation_view;
mod scope_expressions;
mod support;
mod tower_layer;
mod vectors;
