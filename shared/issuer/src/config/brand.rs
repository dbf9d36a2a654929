//! Whose pages people see. Most functions have none, so that only the form is checked here: what makes pages of it is elsewhere.

use std::fmt;
use std::str::FromStr;

/// Whose pages people see.
#[derive(Clone, Debug, Default)]
pub struct Brand {
    /// Whose they are; `None` is the host of the issuer.
    pub name: Option<BrandName>,
    /// A picture in front of the name.
    pub logo: Option<BrandLogo>,
    /// The colour of buttons and links.
    pub colour: Option<BrandColour>,
}

/// The name that people know a service by: at most 64 characters in one line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BrandName(String);

/// Where a logo is: an `https` URL.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BrandLogo(String);

/// A colour: `#rrggbb`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BrandColour(String);

/// What cannot be part of a brand, with what can.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidBrand(&'static str);

impl BrandName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BrandName {
    type Err = InvalidBrand;

    fn from_str(text: &str) -> Result<Self, InvalidBrand> {
        let is_short = (1..=MAX_NAME).contains(&text.chars().count());
        match is_short && text == text.trim() && !text.chars().any(char::is_control) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidBrand(
                "a name has 1 to 64 characters in one line, and no space around them",
            )),
        }
    }
}

impl BrandLogo {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BrandLogo {
    type Err = InvalidBrand;

    fn from_str(text: &str) -> Result<Self, InvalidBrand> {
        let rest = text.strip_prefix("https://").unwrap_or_default();
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_url = text.bytes().all(|byte| byte.is_ascii_graphic()) && text.len() <= MAX_LOGO;
        match is_url && is_host_and_port(authority) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidBrand(
                "a logo is an https URL of at most 512 characters, such as https://www.example.com/logo.svg",
            )),
        }
    }
}

/// Whether this is `host[:port]`, and nothing that would end or extend a directive of a policy.
fn is_host_and_port(authority: &str) -> bool {
    let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    !host.is_empty() && host.bytes().all(in_host) && is_port
}

impl BrandColour {
    /// The colour, as `#rrggbb`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BrandColour {
    type Err = InvalidBrand;

    fn from_str(text: &str) -> Result<Self, InvalidBrand> {
        let digits = text.strip_prefix('#').unwrap_or_default();
        match digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            true => Ok(Self(text.to_owned())),
            false => Err(InvalidBrand(
                "a colour is # and six hexadecimal digits, such as #0a6a5c",
            )),
        }
    }
}

impl fmt::Display for BrandName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What fits into the head of a page on a phone.
const MAX_NAME: usize = 64;

/// All variables of a function may have 4 KB.
const MAX_LOGO: usize = 512;

#[cfg(test)]
mod tests {
    use super::{BrandColour, BrandLogo, BrandName};

    #[test]
    fn a_name_is_one_line() {
        for name in ["A", "Bäckerei Müller & Söhne", &"x".repeat(64)] {
            let parsed: BrandName = name.parse().expect("a name");
            assert_eq!(parsed.as_str(), name);
        }
        for name in ["", " ", " A", "A\nB", "A\u{0}", &"x".repeat(65)] {
            name.parse::<BrandName>().expect_err(name);
        }
    }

    /// What follows the host is no matter; the host becomes part of a policy, which a semicolon or a space would end.
    #[test]
    fn a_logo_is_on_one_host_by_https() {
        for logo in [
            "https://a.example",
            "https://a.example:8443/logo.svg?v=1;2#top",
        ] {
            let parsed: BrandLogo = logo.parse().expect("a logo");
            assert_eq!(parsed.as_str(), logo);
        }
        for logo in [
            "",
            "https://",
            "http://a.example/logo.svg",
            "//a.example/logo.svg",
            "javascript:alert(1)",
            "https://a.example;script-src/logo.svg",
            "https://*.example/logo.svg",
            "https://user@a.example/logo.svg",
            "https://a.example:+80/logo.svg",
            "https://a.example:/logo.svg",
            "https://a.example:65536/logo.svg",
            "https://a.example/a logo.svg",
            "https://a.example/lögo.svg",
        ] {
            logo.parse::<BrandLogo>().expect_err(logo);
        }
        let long = format!("https://a.example/{}", "x".repeat(500));
        long.parse::<BrandLogo>().expect_err("it is too long");
    }

    #[test]
    fn a_colour_is_six_digits() {
        for colour in ["#0a6a5c", "#FFFFFF"] {
            let parsed: BrandColour = colour.parse().expect("a colour");
            assert_eq!(parsed.as_str(), colour);
        }
        for colour in ["", "0a6a5c", "#fff", "#0a6a5", "#0a6a5c0", "#+a6a5c", "red"] {
            colour.parse::<BrandColour>().expect_err(colour);
        }
    }
}
