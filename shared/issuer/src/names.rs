//! The names in requests and records. They are parsed once: a value of one of these types is valid.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The issuer identifier (RFC 8414 §2): an origin, without path, query or trailing slash.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct IssuerUrl(String);

impl IssuerUrl {
    /// The URL, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The port, if the URL names one.
    pub fn port(&self) -> Option<u16> {
        Url::parse(&self.0).ok()?.port()
    }

    /// The URL of `path`, which starts with a slash.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl FromStr for IssuerUrl {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = InvalidName(
            "an issuer URL is https://HOST[:PORT] without path or query (http only on loopback)",
        );
        let url = Url::parse(text).map_err(|_| invalid)?;
        let loopback = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        let scheme_allowed = url.scheme() == "https" || (url.scheme() == "http" && loopback);
        let origin = url.origin().ascii_serialization();
        // Comparing with the parsed origin refuses paths, queries, fragments, user names and upper
        // case.
        if scheme_allowed && text.trim_end_matches('/') == origin && text.len() <= origin.len() + 1
        {
            Ok(Self(origin))
        } else {
            Err(invalid)
        }
    }
}

/// Declares a newtype over a validated string.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $message:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                match valid(text) {
                    true => Ok(Self(text.to_owned())),
                    false => Err(InvalidName($message)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// A client identifier (RFC 6749 §2.2): unreserved URL characters only, so that it means the
    /// same in a form, a Basic header and a URL.
    ClientId,
    "a client id is 1 to 128 letters, digits and -._~",
    |text| (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
);

name!(
    /// One scope token (RFC 6749 §3.3).
    Scope,
    "a scope is 1 to 128 printable ASCII characters without space, quote or backslash",
    |text| (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
);

name!(
    /// A resource that tokens are issued for: an absolute URI without a fragment (RFC 8707 §2).
    Audience,
    "an audience is an absolute URI of at most 512 ASCII characters, without a fragment",
    |text| (1..=512).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && !text.contains('#')
        && Url::parse(text).is_ok()
);

name!(
    /// The subject that granted access: `sub` of its tokens (RFC 9068 §2.2).
    SubjectName,
    "a subject is 1 to 255 printable ASCII characters without spaces",
    |text| (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
);

/// A set of scopes, in the order in which they were given.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// The scopes that are in this set and in `other`, in this set's order.
    pub fn intersection(&self, other: &Self) -> Self {
        let both = self.0.iter().filter(|scope| other.0.contains(scope));
        Self(both.cloned().collect())
    }

    /// Whether every one of `asked` is in this set.
    pub fn contains_all(&self, asked: &Self) -> bool {
        asked.0.iter().all(|scope| self.0.contains(scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut distinct = Vec::new();
        for scope in scopes {
            if !distinct.contains(&scope) {
                distinct.push(scope);
            }
        }
        Self(distinct)
    }
}

impl FromStr for Scopes {
    type Err = InvalidName;

    /// Parses a `scope` parameter: scope tokens separated by spaces (RFC 6749 §3.3).
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let tokens = text.split(' ').filter(|token| !token.is_empty());
        tokens.map(str::parse).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, scope) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{scope}")?;
        }
        Ok(())
    }
}

/// A name that breaks its rule; the message is the rule.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(pub(crate) &'static str);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc8414_2_issuer_is_an_origin() {
        for good in [
            "https://issuer.example",
            "https://issuer.example/",
            "http://127.0.0.1:8080",
            "http://[::1]:9",
            "http://localhost:1",
        ] {
            let issuer: IssuerUrl = good.parse().expect(good);
            assert_eq!(issuer.as_str(), good.trim_end_matches('/'));
        }
        for bad in [
            "http://issuer.example",
            "https://issuer.example/path",
            "https://issuer.example//",
            "https://issuer.example?x",
            "https://issuer.example#x",
            "https://user@issuer.example",
            "HTTPS://issuer.example",
            "ftp://127.0.0.1",
            "issuer.example",
            "",
        ] {
            assert!(bad.parse::<IssuerUrl>().is_err(), "{bad}");
        }
    }
}
