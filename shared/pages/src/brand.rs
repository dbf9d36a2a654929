//! Whose pages these are.

use std::str::FromStr;

use crate::colour::Colour;

/// Whose pages these are, as the operator configures it.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The name that people know the service by.
    pub name: String,
    /// Its logo. Without one, the first letter of the name is shown.
    pub logo: Option<Logo>,
    /// The colour of buttons and links.
    pub colour: Option<Colour>,
}

/// Where a logo is: an `https` URL, or a `data:` URI of an image.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Logo(String);

/// What cannot be a logo.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a logo is an https URL or a data URI of an image, in ASCII and without spaces")]
pub struct InvalidLogo;

impl Logo {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a policy must name so that a browser fetches it: the origin, if it is not in the page itself.
    pub(crate) fn origin(&self) -> Option<&str> {
        let rest = self.0.strip_prefix(HTTPS)?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        self.0.get(..HTTPS.len() + end)
    }
}

impl FromStr for Logo {
    type Err = InvalidLogo;

    fn from_str(text: &str) -> Result<Self, InvalidLogo> {
        let logo = Self(text.to_owned());
        let is_url = text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_image = match logo.origin() {
            Some(origin) => is_origin(origin),
            None => text.starts_with("data:image/"),
        };
        match is_url && is_image {
            true => Ok(logo),
            false => Err(InvalidLogo),
        }
    }
}

/// Whether this is `https://host[:port]` and nothing that would end or extend a directive of a policy.
fn is_origin(origin: &str) -> bool {
    let authority = origin.strip_prefix(HTTPS).unwrap_or("");
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    !host.is_empty() && host.bytes().all(in_host) && port.parse::<u16>().is_ok()
}

const HTTPS: &str = "https://";

#[cfg(test)]
mod tests {
    use super::*;

    /// A logo's origin becomes a part of a policy (CSP level 3, §2.3.1), which `;` and `,` would end.
    #[test]
    fn a_logo_cannot_change_the_policy() {
        for text in [
            "",
            "logo.svg",
            "/logo.svg",
            "http://example.com/logo.svg",
            "https://",
            "https:///logo.svg",
            "https://example.com;script-src/logo.svg",
            "https://example.com,x/logo.svg",
            "https://user@example.com/logo.svg",
            "https://example.com:port/logo.svg",
            "https://example.com:65536/logo.svg",
            "https://*.example.com/logo.svg",
            "https://example.com/lo go.svg",
            "https://example.com/logo.svg\n",
            "https://exämple.com/logo.svg",
            "data:text/html,hello",
            "javascript:alert(1)",
        ] {
            assert_eq!(text.parse::<Logo>(), Err(InvalidLogo), "{text}");
        }
    }

    #[test]
    fn a_logo_in_the_page_has_no_origin() {
        let origin = |text: &str| text.parse::<Logo>().unwrap().origin().map(str::to_owned);
        assert_eq!(origin("data:image/svg+xml,%3Csvg/%3E"), None);
        let plain = Some("https://example.com".to_owned());
        assert_eq!(origin("https://example.com"), plain);
        assert_eq!(origin("https://example.com/a/logo.svg"), plain);
        assert_eq!(origin("https://example.com?logo"), plain);
    }
}
