use std::fmt;

use crate::dpop::DPOP_SCHEME;
use crate::{MAX_TOKEN_BYTES, Refusal, Rejection};

/// A bearer token as it was sent. Nothing of it is verified.
#[derive(Clone, Copy)]
pub struct BearerToken<'a>(&'a str);

impl<'a> BearerToken<'a> {
    /// Takes the token from the values of all `Authorization` headers of one request (RFC 6750
    /// §2.1). Tokens in the body or the query are ignored, because OAuth 2.1 allows neither.
    ///
    /// # Errors
    /// [`Refusal::NoToken`] without such a header, or when it has another scheme;
    /// [`Refusal::InvalidRequest`] when it is repeated or malformed; [`Rejection::TooLong`].
    pub fn from_headers(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, Refusal> {
        match Self::of_any_scheme(values)? {
            (TokenScheme::Bearer, token) => Ok(token),
            (TokenScheme::Dpop, _) => Err(Refusal::NoToken),
        }
    }

    /// The same for a caller who checks DPoP proofs: the token may be bound to a key (RFC 9449 §7.1).
    ///
    /// # Errors
    /// As [`Self::from_headers`].
    pub fn of_any_scheme(
        values: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(TokenScheme, Self), Refusal> {
        let mut values = values.into_iter();
        let value = values.next().ok_or(Refusal::NoToken)?;
        if values.next().is_some() {
            return Err(InvalidRequest::RepeatedHeader.into());
        }
        let value = value.trim_ascii();
        let (scheme, token) = match value.iter().position(|byte| *byte == b' ') {
            Some(space) => value.split_at(space),
            None => (value, &[][..]),
        };
        let scheme = TokenScheme::called(scheme).ok_or(Refusal::NoToken)?;
        let token = token.trim_ascii_start();
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejection::TooLong.into());
        }
        match std::str::from_utf8(token) {
            Ok(token) if is_b64token(token) => Ok((scheme, Self(token))),
            _ => Err(InvalidRequest::MalformedToken.into()),
        }
    }

    /// The token itself: a secret.
    pub fn expose(self) -> &'a str {
        self.0
    }
}

impl fmt::Debug for BearerToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(…)")
    }
}

/// How a token was sent (RFC 6750 §2.1, RFC 9449 §7.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TokenScheme {
    /// Whoever has it may use it.
    Bearer,
    /// It is bound to a key, which a proof in the same request is made with.
    Dpop,
}

impl TokenScheme {
    /// Schemes ignore case (RFC 9110 §11.1).
    fn called(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"bearer") {
            Some(Self::Bearer)
        } else if name.eq_ignore_ascii_case(DPOP_SCHEME.as_bytes()) {
            Some(Self::Dpop)
        } else {
            None
        }
    }
}

/// RFC 6750 §2.1.
fn is_b64token(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !unpadded.is_empty() && unpadded.bytes().all(allowed)
}

/// What is wrong with a request (RFC 6750 §3.1 `invalid_request`).
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidRequest {
    /// More than one `Authorization` header.
    #[error("the Authorization header is repeated")]
    RepeatedHeader,
    /// The text after the scheme is not a b64token.
    #[error("the bearer token is malformed")]
    MalformedToken,
}

impl InvalidRequest {
    /// Its name in a log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RepeatedHeader => "repeated_header",
            Self::MalformedToken => "malformed_header",
        }
    }
}
