//! Scenarios against an issuer in the test's own process: its clock is set by the test, its table
//! counts calls and fails as planned.

mod access_token_abuse;
mod access_token_corruption;
mod administration;
mod claims;
mod client_lifecycle;
mod credential_abuse;
mod fake_kms;
mod feed_bounds;
mod grant_access;
mod grant_lifetimes;
mod grant_secrets;
mod grants_in_an_outage;
mod grants_under_faults;
mod heartbeats;
mod hmac_key_rotation;
mod introspection;
mod key_rotation;
mod kms_custody;
mod listing;
mod moments;
mod operation_counts;
mod own_records;
mod ownership;
mod parallel_refreshes;
mod private_key_forms;
mod refresh_reuse;
mod refresh_tokens;
mod resources;
mod revocation;
mod revocation_until_now;
mod revocation_views;
mod store_verbs;
mod strangers;
mod table_use;
mod withdrawn_keys;
