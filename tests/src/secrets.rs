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
        // What stands before that everybody may know.
        let from = match credential.starts_with(API_KEY) {
            true => API_KEY.len() + PUBLIC_ID,
            false => PREFIX,
        };
        let end = credential.len() - PART;
        for start in [from, end - PART, end] {
            let part = &credential[start..start + PART];
            self.needles.push(part.to_owned());
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

/// Whether `needle` is somewhere in `bytes`.
pub fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

const API_KEY: &str = "tksmk_";
/// The length of the public id of an API key, and what ends it.
const PUBLIC_ID: usize = 17;
const PREFIX: usize = 6;
const PART: usize = 16;
