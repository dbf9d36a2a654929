use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokensmith_verifier::AccessTokenClaims;

/// What an issuer answers, whatever its host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Reads a response that is followed by nothing.
    pub fn parse(bytes: &[u8]) -> Self {
        Self::try_parse(bytes)
            .unwrap_or_else(|| panic!("no response: {}", String::from_utf8_lossy(bytes)))
    }

    /// The same, if it is whole.
    pub fn try_parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            let name: HeaderName = name.parse().ok()?;
            headers.append(name, HeaderValue::from_str(value.trim()).ok()?);
        }
        let body = String::from_utf8_lossy(&bytes[end + 4..]).into_owned();
        let announced = headers.get(CONTENT_LENGTH).map(HeaderValue::as_bytes);
        let whole = match announced {
            // Answers to HEAD and 304 have the length of the body that they leave out.
            Some(length) => length == body.len().to_string().as_bytes() || body.is_empty(),
            None => true,
        };
        whole.then_some(Self {
            status,
            headers,
            body,
        })
    }

    /// The value of a header that must not repeat.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next().map(|value| value.to_str().expect("text"));
        assert!(values.next().is_none(), "{name} repeats");
        first
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|err| panic!("{err}: {}", self.body))
    }

    /// A string of the JSON body.
    pub fn string(&self, name: &str) -> String {
        string(&self.json(), name)
    }

    /// The access token of a successful answer (RFC 6749 §5.1).
    pub fn access_token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.string("access_token")
    }

    /// The refresh token of a successful answer.
    pub fn refresh_token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.string("refresh_token")
    }

    /// Both tokens of a successful answer.
    pub fn tokens(&self) -> Tokens {
        Tokens {
            access: self.access_token(),
            refresh: self.refresh_token(),
        }
    }

    /// The access token of a successful answer, decoded without any proof.
    pub fn token(&self) -> Token {
        let text = self.access_token();
        Token {
            header: decoded(&text, 0),
            claims: decoded(&text, 1),
            text,
        }
    }

    /// What the access token of a successful answer says. Its signature is not looked at.
    pub fn claims(&self) -> AccessTokenClaims {
        decoded(&self.access_token(), 1)
    }

    /// The status and the `error` of a refusal (RFC 6749 §5.2).
    pub fn error(&self) -> (u16, String) {
        assert_ne!(self.status, 200, "{}", self.body);
        (self.status, self.string("error"))
    }

    /// Asserts that it is this refusal.
    pub fn assert_refused(&self, status: u16, error: &str) {
        assert_eq!(self.error(), (status, error.to_owned()), "{}", self.body);
    }

    /// Asserts that it is a 503 as the contract has it.
    pub fn assert_unavailable(&self) {
        self.assert_refused(503, "temporarily_unavailable");
        let seconds = self.header(RETRY_AFTER.as_str()).expect("Retry-After");
        assert!(seconds.parse::<u64>().expect("seconds") > 0);
    }

    /// What a caller can compare of it: without what is another in every answer.
    pub fn comparable(mut self) -> Self {
        self.headers.remove("date");
        let request_id = self.headers.remove("x-request-id");
        assert!(request_id.is_some(), "{:?}", self.headers);
        self
    }
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.into()).expect("text"),
        }
    }
}

/// The tokens of a successful answer.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

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

fn decoded<T: DeserializeOwned>(token: &str, part: usize) -> T {
    let parts: Vec<&str> = token.split('.').collect();
    assert_eq!(parts.len(), 3, "{token}");
    let json = URL_SAFE_NO_PAD.decode(parts[part]).expect("base64url");
    serde_json::from_slice(&json).expect("JSON")
}

/// A string of a JSON object.
pub(crate) fn string(json: &Value, name: &str) -> String {
    let text = json[name].as_str();
    text.unwrap_or_else(|| panic!("no {name} in {json}"))
        .to_owned()
}
