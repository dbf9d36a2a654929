use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::names::InvalidName;

/// Where a client has people sent back to: an absolute URI without a fragment (RFC 6749 §3.1.2), by `https`, by `http` on loopback,
/// or by a scheme of an app (RFC 8252 §7.1).
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is this one: the same characters (RFC 9700 §2.1), but for the port of an app that listens on loopback
    /// (RFC 8252 §7.3).
    pub fn allows(&self, presented: &str) -> bool {
        if self.0 == presented {
            return true;
        }
        match (
            without_loopback_port(&self.0),
            without_loopback_port(presented),
        ) {
            (Some(registered), Some(presented)) => registered == presented,
            _ => false,
        }
    }

    /// Whether anybody on the same machine, or any app on the same device, may get what is sent there (RFC 8252 §8.6).
    pub fn is_of_an_app(&self) -> bool {
        !self.0.starts_with("https:")
    }
}

impl FromStr for RedirectUri {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !printable || text.len() > MAX_BYTES || text.contains('#') {
            return Err(RULE);
        }
        let url = Url::parse(text).map_err(|_| RULE)?;
        let has_user = !url.username().is_empty() || url.password().is_some();
        let allowed = match url.scheme() {
            "https" => url.host().is_some(),
            "http" => without_loopback_port(text).is_some(),
            scheme => !SCHEMES_OF_BROWSERS.contains(&scheme),
        };
        match allowed && !has_user {
            true => Ok(Self(text.to_owned())),
            false => Err(RULE),
        }
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An `http` URI on loopback, without its port.
fn without_loopback_port(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let loopback = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    // What the parser has to mend is no URI that a client means.
    let is_exact = url.as_str() == text || url.as_str() == format!("{text}/");
    let is_plain = url.scheme() == "http" && url.username().is_empty() && is_exact;
    if !loopback || !is_plain || text.contains('#') {
        return None;
    }
    let mut url = url;
    url.set_port(None).ok()?;
    Some(url.into())
}

const RULE: InvalidName = InvalidName(
    "a redirect URI is an absolute URI without a fragment: https, http on 127.0.0.1, [::1] or localhost, or an app's own scheme",
);

const MAX_BYTES: usize = 1024;

/// What a browser may run or show instead of handing it to an app.
const SCHEMES_OF_BROWSERS: [&str; 12] = [
    "about",
    "blob",
    "chrome",
    "data",
    "file",
    "filesystem",
    "ftp",
    "javascript",
    "mailto",
    "vbscript",
    "view-source",
    "ws",
];

#[cfg(test)]
mod tests {
    use super::RedirectUri;

    #[test]
    fn rfc9700_2_1_redirect_uris_are_compared_exactly() {
        let registered: RedirectUri = "https://app.example/cb?tenant=1".parse().expect("good");
        assert!(registered.allows("https://app.example/cb?tenant=1"));
        for other in [
            "https://app.example/cb",
            "https://app.example/cb?tenant=1&x",
            "https://app.example/cb/?tenant=1",
            "https://app.example:443/cb?tenant=1",
            "https://APP.example/cb?tenant=1",
            "https://app.example/cb?tenant=1#",
            "http://app.example/cb?tenant=1",
            "https://app.example/./cb?tenant=1",
        ] {
            assert!(!registered.allows(other), "{other}");
        }
    }

    #[test]
    fn rfc8252_7_3_any_port_of_a_loopback_redirect_is_allowed() {
        for host in ["127.0.0.1", "[::1]", "localhost"] {
            let registered: RedirectUri = format!("http://{host}/cb").parse().expect("good");
            assert!(registered.allows(&format!("http://{host}:49152/cb")));
            for other in [
                format!("http://{host}:49152/cb/"),
                format!("http://{host}:49152/other"),
                format!("https://{host}:49152/cb"),
                format!("http://{host}.evil.example:80/cb"),
                format!("http://{host}@evil.example/cb"),
                format!("http://evil.example@{host}:1/cb"),
                format!("http://{host}:1/x/../cb"),
                format!("http://{host}:1/cb#x"),
                format!("http://{host}:99999/cb"),
            ] {
                assert!(!registered.allows(&other), "{other}");
            }
        }
        let registered: RedirectUri = "http://127.0.0.1/cb".parse().expect("good");
        assert!(!registered.allows("http://localhost:1/cb"));
    }

    #[test]
    fn rfc6749_3_1_2_what_a_redirect_uri_is() {
        for good in [
            "https://app.example/cb",
            "com.example.app:/cb",
            "vscode://vendor.extension/cb",
            "http://localhost:3000/cb",
        ] {
            assert!(good.parse::<RedirectUri>().is_ok(), "{good}");
        }
        for bad in [
            "http://app.example/cb",
            "https://app.example/cb#x",
            "https://app.example/c b",
            "https://user@app.example/cb",
            "/cb",
            "javascript:alert(1)",
            "data:text/html,x",
            "",
        ] {
            assert!(bad.parse::<RedirectUri>().is_err(), "{bad}");
        }
    }
}
