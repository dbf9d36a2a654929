//! Base62 text, and the CRC-32 checksum at the end of every credential.

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::Malformed;
use crate::credential::random_bytes;

/// `length` random base62 characters, all equally likely.
pub(super) fn random_text(length: usize) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(length));
    while text.len() < length {
        let bytes = Zeroizing::new(random_bytes::<64>());
        // 248 is the largest multiple of 62 in a byte: bytes from there on would favour some
        // digits.
        let unbiased = bytes.iter().filter(|byte| **byte < 248);
        for byte in unbiased.take(length - text.len()) {
            text.push(char::from(DIGITS[usize::from(byte % 62)]));
        }
    }
    text
}

/// A new credential without an id: its prefix, [`RANDOM_LENGTH`] random characters (256 bits), and the checksum.
pub(super) fn random_credential(prefix: &str) -> SecretString {
    let mut text = String::with_capacity(prefix.len() + RANDOM_LENGTH + CHECKSUM_LENGTH);
    text.push_str(prefix);
    text.push_str(&random_text(RANDOM_LENGTH));
    let digits = checksum(&text);
    text.extend(digits.map(char::from));
    text.into()
}

/// Reads such a credential.
///
/// # Errors
/// [`Malformed`] when prefix, length, characters or checksum are wrong.
pub(super) fn read_credential(prefix: &str, text: &str) -> Result<SecretString, Malformed> {
    let body = without_checksum(text).ok_or(Malformed)?;
    let random = body.strip_prefix(prefix).ok_or(Malformed)?;
    match random.len() == RANDOM_LENGTH && is_base62(random) {
        true => Ok(text.into()),
        false => Err(Malformed),
    }
}

/// The six base62 digits of the CRC-32 of `text`.
pub(super) fn checksum(text: &str) -> [u8; CHECKSUM_LENGTH] {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(rest % 62) as usize];
        rest /= 62;
    }
    digits
}

/// Splits the checksum off `text` and checks it.
pub(super) fn without_checksum(text: &str) -> Option<&str> {
    let (body, digits) = text.split_at_checked(text.len().checked_sub(CHECKSUM_LENGTH)?)?;
    (digits.as_bytes() == checksum(body)).then_some(body)
}

pub(super) fn is_base62(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// 256 bits.
pub(super) const RANDOM_LENGTH: usize = 43;

pub(super) const CHECKSUM_LENGTH: usize = 6;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
