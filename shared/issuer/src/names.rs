//! The names in requests and records. They are parsed once: a value of one of these types is valid.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tokensmith_verifier::is_same_resource;
use url::{Host, Url};

pub use crate::redirect_uri::RedirectUri;

/// The issuer identifier (RFC 8414 §2): an origin, without path, query or trailing slash.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct IssuerUrl(String);

impl IssuerUrl {
    /// The URL, without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses an issuer URL that may be `http` on any host, as in a network of containers on one
    /// machine. Everybody on the way reads the secrets and tokens that are sent to it.
    ///
    /// # Errors
    /// [`InvalidName`] when it is not an origin with `http` or `https`.
    pub fn parse_insecure(text: &str) -> Result<Self, InvalidName> {
        let invalid = InvalidName("an issuer URL is https://HOST[:PORT] without path or query");
        let url = Url::parse(text).map_err(|_| invalid)?;
        let origin = url.origin().ascii_serialization();
        // Comparing with the parsed origin refuses paths, queries, fragments, user names and upper
        // case.
        let is_origin = text.strip_suffix('/').unwrap_or(text) == origin;
        match is_origin && ["https", "http"].contains(&url.scheme()) {
            true => Ok(Self(origin)),
            false => Err(invalid),
        }
    }

    /// Whether this is `http` on a host that is not on loopback.
    pub fn is_insecure(&self) -> bool {
        self.0.starts_with("http:") && self.loopback_port().is_none()
    }

    /// The port of an `http` URL on loopback.
    pub fn loopback_port(&self) -> Option<u16> {
        let url = Url::parse(&self.0).ok()?;
        let loopback = match url.host()? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        match url.scheme() == "http" && loopback {
            true => url.port_or_known_default(),
            false => None,
        }
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
        match Self::parse_insecure(text) {
            Ok(issuer) if !issuer.is_insecure() => Ok(issuer),
            _ => Err(InvalidName(
                "an issuer URL is https://HOST[:PORT] without path or query (http only on loopback)",
            )),
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
    /// The name of a federation source or rule.
    FederationName,
    "a name is 1 to 128 letters, digits and -._~",
    |text| (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
);

name!(
    /// The name of an OpenID provider that people sign in through.
    UpstreamName,
    "the name of an upstream is 1 to 64 lower-case letters, digits and hyphens, with no hyphen at either end",
    |text| (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
);

name!(
    /// What people call an API key.
    ApiKeyName,
    "the name of an API key is 1 to 128 printable characters, with no space at either end",
    |text| (1..=128).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control)
);

name!(
    /// What a user signs in with. Two names that differ in case only are one.
    UserName,
    "a user name is 1 to 128 printable characters, with no space at either end",
    |text| (1..=128).contains(&text.chars().count())
        && text.trim() == text
        && !text.chars().any(char::is_control)
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

impl Audience {
    /// Whether both name one resource ([`is_same_resource`]).
    pub fn is_same_as(&self, other: &Self) -> bool {
        is_same_resource(&self.0, &other.0)
    }

    /// Its spelling in `registered`, if it is there: that is what tokens carry.
    pub fn registered_in<'a>(&self, registered: &'a [Self]) -> Option<&'a Self> {
        let exact = registered.iter().find(|one| *one == self);
        exact.or_else(|| registered.iter().find(|one| self.is_same_as(one)))
    }

    /// Whether it is a list of audiences, which someone meant to be several: a comma is legal in a
    /// URI, and yet no URI goes on with another one behind it.
    pub fn is_list(&self) -> bool {
        let mut behind = self.0.split(',').skip(1);
        behind.any(|part| Url::parse(part).is_ok())
    }
}

/// Adds `audience`, unless it is there already in one of its spellings.
pub(crate) fn add_audience(audiences: &mut Vec<Audience>, audience: &Audience) {
    if audience.registered_in(audiences).is_none() {
        audiences.push(audience.clone());
    }
}

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

    /// The scopes of this set, and then those of `other`.
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).cloned().collect()
    }

    /// The scopes by which a client learns who somebody is, or may act when they are away (OpenID Connect Core 1.0 §5.4, §11). They
    /// belong to no resource.
    pub fn about_people(&self) -> Self {
        let people = |scope: &&Scope| ABOUT_PEOPLE.contains(&scope.as_str());
        Self(self.0.iter().filter(people).cloned().collect())
    }

    /// Whether the scope called `name` is in this set.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|scope| scope.as_str() == name)
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

/// The scopes of OpenID Connect, as metadata lists them.
pub const ABOUT_PEOPLE: [&str; 6] = [
    OPENID,
    "profile",
    "email",
    "address",
    "phone",
    OFFLINE_ACCESS,
];

/// The scope that makes a request one of OpenID Connect.
pub const OPENID: &str = "openid";

/// The scope of a grant that outlives the session in which it was given.
pub const OFFLINE_ACCESS: &str = "offline_access";

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

    #[test]
    fn http_beyond_loopback_is_an_issuer_only_where_that_is_asked_for() {
        let issuer = IssuerUrl::parse_insecure("http://tokensmith:8080").expect("an origin");
        assert!(issuer.is_insecure());
        for secure in ["https://issuer.example", "http://127.0.0.1:8080"] {
            let issuer = IssuerUrl::parse_insecure(secure).expect("an origin");
            assert!(!issuer.is_insecure(), "{secure}");
        }
        for bad in [
            "http://tokensmith:8080/path",
            "http://user@tokensmith",
            "http://tokensmith//",
            "ftp://tokensmith",
            "tokensmith:8080",
        ] {
            assert!(IssuerUrl::parse_insecure(bad).is_err(), "{bad}");
        }
    }
}
