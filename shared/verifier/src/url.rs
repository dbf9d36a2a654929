use std::net::IpAddr;

/// Whether `url` is https, or http on loopback, and has no part that two parsers could read
/// differently.
pub(crate) fn is_protected(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let plain = url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if !plain || authority.is_empty() || authority.contains('@') {
        return false;
    }
    match scheme {
        "https" => true,
        "http" => is_loopback(authority),
        _ => false,
    }
}

/// Whether `url` is an issuer URL of tokensmith: an origin, without path or query.
pub(crate) fn is_origin(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, authority)| authority);
    is_protected(url) && !authority.contains(['/', '?', '#'])
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_loopback_are_fetched_from() {
        for good in [
            "https://issuer.example",
            "https://issuer.example/.well-known/jwks.json?x=1",
            "http://localhost:8080/jwks",
            "http://127.0.0.1:8080",
            "http://127.8.0.1/",
            "http://[::1]:9/",
        ] {
            assert!(is_protected(good), "{good}");
        }
        for bad in [
            "http://issuer.example",
            "http://127.0.0.1.issuer.example",
            "http://localhost.example",
            "http://127.0.0.1@issuer.example",
            "http://[::2]",
            "https://user@issuer.example",
            "https:///path",
            "https://issuer.example/a b",
            "ftp://127.0.0.1",
            "//issuer.example",
            "",
        ] {
            assert!(!is_protected(bad), "{bad}");
        }
    }

    #[test]
    fn rfc8414_2_issuer_is_an_origin() {
        assert!(is_origin("https://issuer.example:8443"));
        for bad in [
            "https://a.example/",
            "https://a.example/b",
            "https://a?b",
            "https://a#b",
            "a",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
