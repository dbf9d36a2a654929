//! Resources (RFC 8707), as clients, tokens and resource servers spell them.

/// Whether two URIs name one resource: byte by byte, except that an `http` or `https` URI without a
/// path is the one with the path `/` (RFC 3986 §6.2.3, RFC 9110 §4.2.3). Nothing else is normalized.
pub fn is_same_resource(one: &str, other: &str) -> bool {
    one == other || split_at_root(one) == split_at_root(other)
}

/// The shortest spelling of a URI that names the same resource ([`is_same_resource`]): the key under which something
/// about a resource is kept.
pub fn canonical_resource(uri: &str) -> String {
    let (origin, rest) = split_at_root(uri);
    format!("{origin}{rest}")
}

/// What stands before and behind the path, when that is empty or the root; otherwise all of it.
fn split_at_root(uri: &str) -> (&str, &str) {
    let authority = uri
        .strip_prefix("https://")
        .or_else(|| uri.strip_prefix("http://"));
    let Some(authority) = authority else {
        return (uri, "");
    };
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    let (origin, rest) = uri.split_at(uri.len() - authority.len() + end);
    match rest.strip_prefix('/') {
        Some(behind) if behind.is_empty() || behind.starts_with(['?', '#']) => (origin, behind),
        Some(_) => (uri, ""),
        None => (origin, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3986_section_6_2_3_an_empty_path_is_the_root_and_nothing_else_is_normalized() {
        for (one, other) in [
            ("https://api.example", "https://api.example/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("https://api.example?x=/", "https://api.example/?x=/"),
            ("urn:example:one", "urn:example:one"),
        ] {
            assert!(is_same_resource(one, other), "{one} {other}");
            assert!(is_same_resource(other, one), "{one} {other}");
            assert_eq!(canonical_resource(one), canonical_resource(other));
        }
        for (one, other) in [
            ("https://api.example", "https://api.example//"),
            ("https://api.example/v1", "https://api.example/v1/"),
            ("https://api.example", "http://api.example/"),
            ("https://api.example", "https://API.example/"),
            ("https://api.example", "https://api.example:443/"),
            ("https://api.example/?x", "https://api.example/"),
            ("https://api.example/?", "https://api.example/#"),
            ("https://api.example", "https://api.example.org/"),
            ("urn:example:one", "urn:example:one/"),
            ("api://one", "api://one/"),
        ] {
            assert!(!is_same_resource(one, other), "{one} {other}");
            assert!(!is_same_resource(other, one), "{one} {other}");
            assert_ne!(canonical_resource(one), canonical_resource(other));
        }
    }
}
