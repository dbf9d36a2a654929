//! The language of a page.

use crate::texts::{ENGLISH, GERMAN, Texts};

/// A language that the pages are written in.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Language {
    /// English, for everybody who asks for nothing else.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language for a browser with this `Accept-Language` (RFC 9110 §12.5.4), when the client asks for
    /// `ui_locales` (OpenID Connect Core 1.0 §3.1.2.1), which comes first.
    pub fn from_accept(header: Option<&str>, ui_locales: Option<&str>) -> Self {
        let asked = ui_locales.unwrap_or("").split(' ').find_map(Self::of_tag);
        asked
            .or_else(|| Self::accepted(header.unwrap_or("")))
            .unwrap_or_default()
    }

    /// The tag of the language (RFC 5646).
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    pub(crate) const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }

    /// The language of a tag such as `de-AT`, by its first part.
    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next().unwrap_or(tag);
        Self::ALL
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The best of what is accepted. Among equals, the first that is named.
    fn accepted(header: &str) -> Option<Self> {
        let ranges: Vec<Range<'_>> = header.split(',').filter_map(Range::parse).collect();
        let mut best: Option<(u16, Self)> = None;
        for range in &ranges {
            let language = match range.tag {
                "*" => Self::ALL
                    .into_iter()
                    .find(|language| !ranges.iter().any(|range| range.names(*language))),
                tag => Self::of_tag(tag),
            };
            if let Some(language) = language
                && range.quality > best.map_or(0, |(quality, _)| quality)
            {
                best = Some((range.quality, language));
            }
        }
        best.map(|(_, language)| language)
    }
}

/// One range of `Accept-Language`, with its quality in thousandths.
struct Range<'a> {
    tag: &'a str,
    quality: u16,
}

impl<'a> Range<'a> {
    /// Parses `tag[;q=value]`. What is not understood is left out, as if it had not been sent.
    fn parse(text: &'a str) -> Option<Self> {
        let (tag, parameter) = match text.split_once(';') {
            Some((tag, parameter)) => (tag, Some(parameter)),
            None => (text, None),
        };
        let quality = match parameter {
            Some(parameter) => quality(parameter.trim())?,
            None => 1000,
        };
        let tag = tag.trim();
        Some(Self { tag, quality })
    }

    fn names(&self, language: Language) -> bool {
        Language::of_tag(self.tag) == Some(language)
    }
}

/// A weight, `q=0.8`, in thousandths (RFC 9110 §12.4.2).
fn quality(weight: &str) -> Option<u16> {
    let (name, value) = weight.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let value = value.trim();
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let are_digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, decimals.len()) {
        ("0", 0..=3) if are_digits => Some(thousandths),
        ("1", 0..=3) if thousandths == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{English, German};
    use super::*;

    /// RFC 9110 §12.4.2 and §12.5.4.
    #[test]
    fn the_language_is_the_best_of_those_that_a_browser_accepts() {
        for (header, expected) in [
            ("", English),
            ("de", German),
            ("DE-at", German),
            ("en", English),
            ("fr", English),
            ("fr, de;q=0.5", German),
            ("de;q=0.5, en;q=0.7", English),
            ("en;q=0.5, de;q=0.7", German),
            ("en;q=0.7, de-CH;q=0.701", German),
            ("de, en", German),
            ("en, de", English),
            ("de;q=0", English),
            ("*", English),
            ("en;q=0, *", German),
            ("*;q=0.9, de;q=0.5", English),
            ("de ; q=1.000 , en ; q=0.999", German),
            ("de;Q=1, en;q=0.3", German),
            // What is malformed is as if it were not there.
            ("de;q=2, en;q=0.1", English),
            ("de;q=1.001, en;q=0.1", English),
            ("de;q=0.1234, en;q=0.1", English),
            ("de;q=0.+1, en;q=0.1", English),
            ("de;level=1, en;q=0.1", English),
            ("de;q, en;q=0.1", English),
            (";;,,=,de", German),
            ("deutsch", English),
        ] {
            assert_eq!(
                Language::from_accept(Some(header), None),
                expected,
                "{header}"
            );
        }
        assert_eq!(Language::from_accept(None, None), English);
    }

    /// OpenID Connect Core 1.0 §3.1.2.1: in the order of preference; what is not supported is no error.
    #[test]
    fn ui_locales_come_before_what_the_browser_accepts() {
        for (locales, header, expected) in [
            ("de", "en", German),
            ("en-GB", "de", English),
            ("fr-CA fr de-CH en", "en", German),
            ("fr", "de", German),
            ("", "de", German),
        ] {
            let language = Language::from_accept(Some(header), Some(locales));
            assert_eq!(language, expected, "{locales}");
        }
    }
}
