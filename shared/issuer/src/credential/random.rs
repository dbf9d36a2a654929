//! Randomness from AWS-LC's generator.

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 128 random bits as 22 base64url characters: token ids, attempt ids, request ids.
pub fn random_id() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<16>())
}

/// `N` random bytes.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if rand::fill(&mut bytes).is_err() {
        // Credentials from predictable bytes could be guessed, so a process without entropy must
        // end. AWS-LC itself ends it in that case.
        std::process::abort();
    }
    bytes
}
