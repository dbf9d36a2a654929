use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::TestClient;

/// What must not be found again. Of each secret some parts are searched for, so that what was cut off or has something
/// around it is found too.
#[derive(Debug, Default)]
pub struct Secrets {
    needles: Vec<String>,
    tokens: Vec<String>,
}

impl Secrets {
    /// One of the issuer's credentials: a client secret, a refresh token or an API key.
    pub fn add(&mut self, credential: &str) {
        let secret = &credential[public_part_of(credential)..];
        for start in (0..=secret.len() - PART).step_by(PART) {
            self.needles.push(secret[start..start + PART].to_owned());
        }
    }

    /// The secret of a client, also as it is sent with Basic authentication.
    pub fn add_client(&mut self, client: &TestClient) {
        self.add(client.secret());
        let basic = STANDARD.encode(format!("{}:{}", client.id, client.secret()));
        // From the first whole group of the secret on.
        let from = (client.id.len() + 1 + 4).div_ceil(3) * 4;
        self.needles.push(basic[from..from + 16].to_owned());
    }

    /// An access token.
    pub fn add_token(&mut self, token: &str) {
        let signature = token.rsplit('.').next().expect("a signature");
        self.needles.push(signature[..20].to_owned());
        self.tokens.push(token.to_owned());
    }

    /// The access tokens.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// Whether a part of one of them is there.
    pub fn are_in(&self, bytes: &[u8]) -> bool {
        let mut needles = self.needles.iter();
        needles.any(|needle| contains(bytes, needle.as_bytes()))
    }
}

/// The length of what everybody may know of a credential: its prefix, the id of an API key with what ends it, and what a
/// refresh token has before its nonce.
fn public_part_of(credential: &str) -> usize {
    match &credential[..PREFIX] {
        "tksmk_" => PREFIX + 17,
        "tksmr_" => PREFIX + 56,
        _ => PREFIX,
    }
}

/// Whether `needle` is somewhere in `bytes`.
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

const PREFIX: usize = 6;
const PART: usize = 16;
