use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::{HmacKey, Malformed, random_bytes};
use crate::names::IssuerUrl;

/// What a person types to say which device they mean (RFC 8628 §6.1): 8 letters, none of them a vowel, so that they
/// make no word. About 34 bits, which live for 10 minutes.
#[derive(Clone, Eq, PartialEq)]
pub struct UserCode([u8; LENGTH]);

impl UserCode {
    /// A new random code.
    pub fn generate() -> Self {
        let mut letters = [0; LENGTH];
        let mut found = 0;
        while found < LENGTH {
            // 240 is the largest multiple of 20 in a byte: bytes from there on would favour some letters.
            let bytes = random_bytes::<16>();
            let unbiased = bytes.iter().filter(|byte| **byte < 240);
            for (letter, byte) in letters[found..].iter_mut().zip(unbiased) {
                *letter = LETTERS[usize::from(byte % 20)];
                found += 1;
            }
        }
        Self(letters)
    }

    /// What the table has of it. It is short enough to be guessed from a plain hash, so only the issuer can compute this.
    pub fn hash(&self, key: &HmacKey, issuer: &IssuerUrl) -> String {
        let letters = String::from_utf8_lossy(&self.0);
        URL_SAFE_NO_PAD.encode(key.derive("user code", &[issuer.as_str(), &letters]))
    }
}

impl FromStr for UserCode {
    type Err = Malformed;

    /// Reads it as people type it: in either case, with and without the dash, with spaces anywhere.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let is_meant = |letter: &char| !letter.is_whitespace() && !"-‐‑‒–—_.".contains(*letter);
        let mut letters = [0; LENGTH];
        let mut typed = text.chars().filter(is_meant);
        for letter in &mut letters {
            let next = typed.next().ok_or(Malformed)?;
            let upper = u8::try_from(next.to_ascii_uppercase()).map_err(|_| Malformed)?;
            *letter = *LETTERS.iter().find(|one| **one == upper).ok_or(Malformed)?;
        }
        match typed.next() {
            None => Ok(Self(letters)),
            Some(_) => Err(Malformed),
        }
    }
}

impl fmt::Display for UserCode {
    /// As it is shown: `XXXX-XXXX`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(LENGTH / 2);
        let (first, second) = (
            String::from_utf8_lossy(first),
            String::from_utf8_lossy(second),
        );
        write!(f, "{first}-{second}")
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode([REDACTED])")
    }
}

const LENGTH: usize = 8;

/// The letters of RFC 8628 §6.1.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn rfc8628_6_1_a_user_code_is_read_however_people_type_it() {
        let code = UserCode::generate();
        let shown = code.to_string();
        assert_eq!(shown.len(), 9);
        let letters = shown.replace('-', "");
        for typed in [
            shown.as_str(),
            &letters,
            &shown.to_lowercase(),
            &format!("  {} {}\n", &letters[..3], &letters[3..]),
            &format!("{}–{}", &letters[..4], &letters[4..]),
        ] {
            assert_eq!(typed.parse(), Ok(code.clone()), "{typed}");
        }
        for wrong in [
            "",
            "BCDF-GHJ",
            "BCDF-GHJKL",
            "ACDF-GHJK",
            "YCDF-GHJK",
            "BCDF-GHJ1",
            "BCDF-GHJé",
            "BCDF+GHJK",
        ] {
            assert_eq!(wrong.parse::<UserCode>(), Err(Malformed), "{wrong}");
        }
    }

    #[test]
    fn rfc8628_6_1_every_letter_is_used_and_none_is_a_vowel() {
        let codes = (0..200).map(|_| UserCode::generate().to_string());
        let used: BTreeSet<char> = codes
            .flat_map(|code| code.chars().collect::<Vec<_>>())
            .collect();
        let all: BTreeSet<char> = "-BCDFGHJKLMNPQRSTVWXZ".chars().collect();
        assert_eq!(used, all);
    }

    #[test]
    fn a_hash_is_of_one_code_one_key_and_one_issuer() {
        let (one, other) = (UserCode::generate(), UserCode::generate());
        let (first, second) = (HmacKey::new(1, &[1; 32]), HmacKey::new(2, &[2; 32]));
        let issuer = |text: &str| text.parse::<IssuerUrl>().expect("a URL");
        let (here, there) = (issuer("https://a.example"), issuer("https://b.example"));
        let hashes = [
            one.hash(&first, &here),
            one.hash(&second, &here),
            one.hash(&first, &there),
            other.hash(&first, &here),
        ];
        assert_eq!(BTreeSet::from(hashes).len(), 4);
    }
}
