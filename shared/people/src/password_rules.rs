//! Which passwords people may have.

use secrecy::{ExposeSecret, SecretString};
use tokensmith_issuer::names::UserName;
use zeroize::Zeroizing;

/// Whether a person may have this password (NIST SP 800-63B §3.1.1.2): it is long enough, and not one that everybody tries first. There
/// are no rules about its characters.
///
/// # Errors
/// [`PasswordDenied`] says what is wrong with it.
pub fn check_password(password: &SecretString, user: &UserName) -> Result<(), PasswordDenied> {
    let text = password.expose_secret();
    if text.chars().count() < SHORTEST {
        return Err(PasswordDenied::TooShort);
    }
    if text.len() > LONGEST {
        return Err(PasswordDenied::TooLong);
    }
    let folded = Zeroizing::new(text.to_lowercase());
    if *folded == user.as_str().to_lowercase() {
        return Err(PasswordDenied::IsUserName);
    }
    let mut characters = text.chars();
    let first = characters.next();
    let is_one_character = characters.all(|one| Some(one) == first);
    match is_one_character || COMMON.lines().any(|common| common == *folded) {
        true => Err(PasswordDenied::TooCommon),
        false => Ok(()),
    }
}

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum PasswordDenied {
    /// It has fewer than 8 characters.
    #[error("a password has at least 8 characters")]
    TooShort,
    /// It has more than 256 bytes.
    #[error("a password has at most 256 bytes")]
    TooLong,
    /// It is one of those that everybody tries first.
    #[error("this password is one of the most common ones")]
    TooCommon,
    /// It is the name of its user.
    #[error("a password must not be the user name")]
    IsUserName,
}

const SHORTEST: usize = 8;
const LONGEST: usize = 256;

/// The most common passwords of those that are long enough, in lower case.
const COMMON: &str = include_str!("common_passwords.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nist_sp_800_63b_3_1_1_2_which_passwords_are_taken() {
        let user: UserName = "ada.lovelace".parse().expect("a name");
        let check = |text: &str| check_password(&text.to_owned().into(), &user);
        for taken in ["ünïcödé!", "all lower case words", &"x1".repeat(128)] {
            assert_eq!(check(taken), Ok(()), "{taken}");
        }
        for (password, denied) in [
            ("seven77", PasswordDenied::TooShort),
            ("äöüäöü1", PasswordDenied::TooShort),
            (&"x1".repeat(129), PasswordDenied::TooLong),
            ("Password123", PasswordDenied::TooCommon),
            ("99999999999", PasswordDenied::TooCommon),
            ("Ada.Lovelace", PasswordDenied::IsUserName),
        ] {
            assert_eq!(check(password), Err(denied), "{password}");
        }
    }

    #[test]
    fn the_common_passwords_are_written_as_they_are_compared() {
        for password in COMMON.lines() {
            assert_eq!(password, password.to_lowercase());
            assert!(password.chars().count() >= SHORTEST, "{password}");
        }
    }
}
