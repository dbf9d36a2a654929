//! URLs of documents, and which of them the issuer asks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::names::InvalidName;

/// How far the issuer reaches for documents.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reach {
    /// To port 443 of public addresses, with TLS.
    Public,
    /// To any address and port that this machine reaches, and without TLS on loopback: for development.
    Private,
}

impl Reach {
    /// Parses the URL of a document within this reach.
    ///
    /// # Errors
    /// [`InvalidName`] says what such a URL is like.
    pub fn parse(self, text: &str) -> Result<DocumentUrl, InvalidName> {
        let (is_within, invalid): (fn(&Url) -> bool, _) = match self {
            Self::Public => (is_public, NOT_PUBLIC),
            Self::Private => (is_protected, NOT_PROTECTED),
        };
        let url = Url::parse(text).map_err(|_| invalid)?;
        // The parser mends much, such as `https:\\host` and `https:///host`; what is fetched by is stricter.
        let strict = text.parse::<http::Uri>();
        let is_plain = strict.is_ok_and(|url| url.scheme().is_some());
        let is_short = text.len() <= LONGEST && url.as_str().len() <= LONGEST;
        let no_user = url.username().is_empty() && url.password().is_none();
        let is_url = is_plain && is_short && no_user && url.fragment().is_none() && url.has_host();
        match is_url && is_within(&url) {
            true => Ok(DocumentUrl(url.into())),
            false => Err(invalid),
        }
    }

    /// Whether a URL is within this reach.
    pub fn has(self, url: &str) -> bool {
        self.parse(url).is_ok_and(|parsed| parsed.as_str() == url)
    }
}

/// The parser knows an address in any spelling: `2130706433` and `0x7f.1` are 127.0.0.1.
fn is_public(url: &Url) -> bool {
    let is_name = matches!(url.host(), Some(Host::Domain(_)));
    url.scheme() == "https" && url.port().is_none() && is_name
}

/// Without TLS, others on the way could change the document.
fn is_protected(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

/// The URL of a document that somebody else publishes, such as a key set: normalized, without user name or
/// fragment, at most 512 bytes long.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String")]
pub struct DocumentUrl(String);

impl DocumentUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host, for the log: the rest may be known to few.
    pub fn host(&self) -> &str {
        let authority = self.0.split("://").nth(1).unwrap_or_default();
        authority.split(['/', '?']).next().unwrap_or_default()
    }
}

/// A URL within [`Reach::Public`].
impl FromStr for DocumentUrl {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Reach::Public.parse(text)
    }
}

/// A URL that was within some reach when it was stored. Whoever fetches it compares it with their own.
impl TryFrom<String> for DocumentUrl {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        Reach::Private.parse(&text)
    }
}

impl fmt::Display for DocumentUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const NOT_PUBLIC: InvalidName = InvalidName(
    "the URL of a document is https://HOST/PATH of at most 512 characters, where HOST is a name and no \
     IP address, without port, user name and fragment",
);
const NOT_PROTECTED: InvalidName = InvalidName(
    "the URL of a document is https://HOST[:PORT]/PATH of at most 512 characters, without user name and \
     fragment (http only on loopback)",
);

/// Bounds what a record can hold, and a request line.
const LONGEST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_https_on_443_at_a_name() {
        for (good, normalized) in [
            ("https://keys.example/jwks", "https://keys.example/jwks"),
            ("HTTPS://Keys.Example:443", "https://keys.example/"),
            (
                "https://keys.example/a/../b?c=d",
                "https://keys.example/b?c=d",
            ),
            (
                "https://xn--bcher-kva.example/",
                "https://xn--bcher-kva.example/",
            ),
        ] {
            let url: DocumentUrl = good.parse().expect(good);
            assert_eq!(url.as_str(), normalized);
            assert!(Reach::Public.has(normalized), "{normalized}");
        }
        for bad in [
            "http://keys.example/",
            "https://keys.example:8443/",
            "https://keys.example:80/",
            "https://user@keys.example/",
            "https://:password@keys.example/",
            "https://keys.example/#fragment",
            "https://keys.example/#",
            "https:///jwks",
            "https:\\\\keys.example\\jwks",
            "https:keys.example",
            " https://keys.example/",
            "https://keys.exa\tmple/",
            "https://bücher.example/",
            "https://",
            "ftp://keys.example/",
            "file:///etc/passwd",
            "data:application/json,{}",
            "keys.example",
            "",
        ] {
            assert!(bad.parse::<DocumentUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_no_public_host_in_any_spelling() {
        for bad in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0x7f.0.0.1/",
            "https://0177.0.0.1/",
            "https://127.0.0.1./",
            "https://%31%32%37.0.0.1/",
            "https://127.0.0.１/",
            "https://127。0。0。1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://8.8.8.8/",
            "https://[2600:9000::1]/",
        ] {
            assert!(bad.parse::<DocumentUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_url_has_at_most_512_bytes() {
        let url = |length: usize| format!("https://keys.example/{:a>1$}", "", length - 21);
        assert!(url(512).parse::<DocumentUrl>().is_ok());
        assert!(url(513).parse::<DocumentUrl>().is_err());
        // Normalized, each of these takes three.
        let quotes = format!("https://keys.example/{}", "\"".repeat(200));
        assert!(quotes.parse::<DocumentUrl>().is_err());
    }

    #[test]
    fn only_a_private_reach_has_ports_addresses_and_http_on_loopback() {
        for private in [
            "https://keys.example:8443/",
            "https://10.0.0.1/",
            "http://localhost:8080/jwks",
            "http://127.0.0.1:8080/",
            "http://[::1]:8080/",
        ] {
            assert!(Reach::Private.has(private), "{private}");
            assert!(!Reach::Public.has(private), "{private}");
            let stored: DocumentUrl = private.to_owned().try_into().expect(private);
            assert_eq!(stored.as_str(), private);
        }
        for neither in [
            "http://keys.example/",
            "http://10.0.0.1/",
            "http://localhost.example/",
            "https://user@localhost/",
        ] {
            assert!(Reach::Private.parse(neither).is_err(), "{neither}");
        }
    }

    #[test]
    fn the_log_has_the_host_alone() {
        for (url, host) in [
            ("https://keys.example/secret?of=few", "keys.example"),
            ("https://keys.example:8443/", "keys.example:8443"),
        ] {
            assert_eq!(Reach::Private.parse(url).expect(url).host(), host);
        }
    }
}
