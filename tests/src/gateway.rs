//! What the gateway of `cargo lambda watch` does to requests before a function sees them, and what only
//! bytes can say. It is the one place that says which requests of the scenarios do not reach an issuer;
//! what API Gateway does with the same requests is tested with recorded events.

use std::collections::BTreeSet;

use crate::{HttpRequest, TestIssuer};

/// A difference between what was sent and what the function is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Change {
    /// Of several header lines with one name, the function is told the first. API Gateway joins them
    /// with commas.
    OneLineOfEachHeader,
    /// A header that is not UTF-8 has no place in the event, which is JSON: the gateway answers 500.
    /// API Gateway answers 400.
    HeadersAreText,
    /// An issuer in this process is given a request, and not the bytes that would make one.
    NoHttpRequest,
}

impl HttpRequest {
    fn changed_by_gateway(&self) -> Option<Change> {
        let mut names = BTreeSet::new();
        let mut headers = self.headers();
        if headers.clone().any(|(_, value)| !value.is_ascii()) {
            return Some(Change::HeadersAreText);
        }
        let repeats = headers.any(|(name, _)| !names.insert(name.to_ascii_lowercase()));
        repeats.then_some(Change::OneLineOfEachHeader)
    }
}

impl TestIssuer {
    /// Whether the issuer itself is asked what `request` says. If another request reaches it,
    /// or none, that is printed.
    pub fn hears(&self, name: &str, request: &HttpRequest) -> bool {
        let change = if self.is_behind_gateway() {
            request.changed_by_gateway()
        } else if self.is_in_process() {
            let unsaid = request.try_in_process().is_none();
            unsaid.then_some(Change::NoHttpRequest)
        } else {
            None
        };
        if let Some(change) = change {
            println!("not to this issuer: {name} ({change:?})");
        }
        change.is_none()
    }
}
