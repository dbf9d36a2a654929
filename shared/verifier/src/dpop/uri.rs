/// Whether two `http` or `https` URLs are the same without query and fragment, after the normalization of RFC 3986 §6.2.2 and
/// §6.2.3 that RFC 9449 §4.3 asks for: the case of scheme and host, the default port, an empty path, escapes that
/// need not be, and dot segments.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    one == other || (normalized(one).is_some() && normalized(one) == normalized(other))
}

fn normalized(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let host = authority.strip_suffix(default_port).unwrap_or(&authority);
    let host = host.strip_suffix(':').unwrap_or(host);
    let path = without_dot_segments(&with_needed_escapes(path)?);
    Some(format!("{scheme}://{host}{path}"))
}

/// RFC 3986 §6.2.2.1, §6.2.2.2; `None` for a percent sign that is no escape.
fn with_needed_escapes(path: &str) -> Option<String> {
    let mut parts = path.split('%');
    let mut escaped = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        let is_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16)
            .ok()
            .filter(|_| is_hexadecimal)?;
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => escaped.push(char::from(byte)),
            false => escaped.push_str(&format!("%{byte:02X}")),
        }
        escaped.push_str(rest);
    }
    Some(escaped)
}

/// RFC 3986 §5.2.4, for a path that is empty or starts with a slash.
fn without_dot_segments(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            other => kept.push(other),
        }
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9449_4_3_urls_are_compared_after_normalization() {
        for (one, other) in [
            ("https://api.example/a", "https://api.example/a"),
            ("https://api.example", "https://api.example/"),
            ("HTTPS://API.Example/a", "https://api.example/a"),
            ("https://api.example:443/a", "https://api.example/a"),
            ("https://api.example:/a", "https://api.example/a"),
            ("http://127.0.0.1:80/a", "http://127.0.0.1/a"),
            ("https://api.example/a?b=c#d", "https://api.example/a"),
            ("https://api.example/%7ea%2f", "https://api.example/~a%2F"),
            ("https://api.example/x/../a/./b", "https://api.example/a/b"),
            ("https://api.example/a/.", "https://api.example/a/"),
            ("https://api.example/../a", "https://api.example/a"),
        ] {
            assert!(is_same(one, other), "{one} {other}");
            assert!(is_same(other, one), "{one} {other}");
        }
    }

    #[test]
    fn rfc9449_4_3_other_urls_are_others() {
        for (one, other) in [
            ("https://api.example/a", "https://api.example/A"),
            ("https://api.example/a", "http://api.example/a"),
            ("https://api.example/a", "https://api.example/a/"),
            ("https://api.example/a", "https://api.example:8443/a"),
            ("https://api.example/a", "https://evil.example/a"),
            ("https://api.example/a", "https://api.example.evil/a"),
            ("https://api.example/a%2Fb", "https://api.example/a/b"),
            ("https://api.example/a", "https://user@api.example/a"),
            ("https://api.example/%zz", "https://api.example/%ZZ"),
            ("https://api.example/%+1", "https://api.example/%01"),
            ("/a", "https://api.example/a"),
            ("", "https://api.example/"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
            assert!(!is_same(other, one), "{one} {other}");
        }
    }
}
