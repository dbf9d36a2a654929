use tokensmith_issuer::{Endpoint, endpoint};

/// The endpoint at `path`, with pages or without.
pub(crate) fn endpoint_at(path: &str) -> Option<&'static Endpoint> {
    endpoint::at(path).or_else(|| tokensmith_people::at(path))
}
