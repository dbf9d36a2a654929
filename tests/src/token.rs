use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::HttpResponse;

/// An access token, decoded without any proof.
#[derive(Clone, Debug)]
pub struct Token {
    /// As it was issued.
    pub text: String,
    /// The JOSE header.
    pub header: Value,
    /// The claims.
    pub claims: Value,
}

impl Token {
    /// The token of a successful answer (RFC 6749 §5.1).
    ///
    /// # Panics
    /// When the answer is another one.
    pub fn from_answer(answer: &HttpResponse) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let text = answer.json()["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let parts: Vec<&str> = text.split('.').collect();
        assert_eq!(parts.len(), 3, "{text}");
        Self {
            header: decode(parts[0]),
            claims: decode(parts[1]),
            text,
        }
    }
}

fn decode(part: &str) -> Value {
    let json = URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}
