//! The parameters of a request (RFC 6749 §3.2, Appendix B), decoded strictly.

use http::{HeaderMap, Uri, header};

use crate::MAX_BODY_BYTES;
use crate::error::BadRequest;

/// The parameters of a body. Each occurs at most once; only `resource` may be repeated.
#[derive(Default)]
pub struct Form {
    parameters: Vec<(String, String)>,
}

impl Form {
    /// Reads the form of a POST request.
    ///
    /// An empty parameter counts as absent (RFC 6749 §3.1).
    ///
    /// # Errors
    /// [`BadRequest`] for a size, type, encoding or repetition that no correct client sends, and
    /// for any request parameter in the URL, where it would be logged.
    pub fn parse(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Self, BadRequest> {
        refuse_query(uri)?;
        if body.len() > MAX_BODY_BYTES {
            return Err(BadRequest::BodyTooLarge);
        }
        if !has_form_type(headers) {
            return Err(BadRequest::WrongContentType);
        }
        Self::of_query(body)
    }

    /// Reads parameters that are encoded as in a form, or in the query of a URL.
    ///
    /// # Errors
    /// [`BadRequest`] for an encoding or repetition that no correct client sends.
    pub fn of_query(encoded: &[u8]) -> Result<Self, BadRequest> {
        let mut form = Self::default();
        let pairs = encoded.split(|byte| *byte == b'&');
        for (index, pair) in pairs.filter(|pair| !pair.is_empty()).enumerate() {
            if index == MAX_PARAMETERS {
                return Err(BadRequest::TooManyParameters);
            }
            let equals = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = pair.split_at(equals.unwrap_or(pair.len()));
            let name = decode(name).ok_or(BadRequest::MalformedForm)?;
            let value =
                decode(value.get(1..).unwrap_or_default()).ok_or(BadRequest::MalformedForm)?;
            if value.is_empty() {
                continue;
            }
            if name != RESOURCE && form.parameters.iter().any(|(taken, _)| *taken == name) {
                return Err(BadRequest::RepeatedParameter);
            }
            form.parameters.push((name, value));
        }
        Ok(form)
    }

    /// All parameters, in the order in which they were sent.
    pub fn into_parameters(self) -> Vec<(String, String)> {
        self.parameters
    }

    /// The value of a parameter, if it is there.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// Every `resource` (RFC 8707 §2).
    pub fn resources(&self) -> impl Iterator<Item = &str> {
        self.values(RESOURCE)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.parameters.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_str())
    }
}

/// Makes sure that no request parameter is in the URL.
pub(super) fn refuse_query(uri: &Uri) -> Result<(), BadRequest> {
    match uri.query().is_some_and(names_request_parameter) {
        true => Err(BadRequest::ParameterInQuery),
        false => Ok(()),
    }
}

/// Decodes `application/x-www-form-urlencoded` text (RFC 6749 Appendix B).
///
/// `None` for a malformed escape, a NUL, or bytes that are not UTF-8.
pub(crate) fn decode(encoded: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex_digit(*rest.next()?)? << 4 | hex_digit(*rest.next()?)?,
            other => *other,
        });
    }
    String::from_utf8(decoded)
        .ok()
        .filter(|text| !text.contains('\0'))
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// Whether the body is a form. `charset` says nothing: the type has no such parameter, clients send
/// many, and the bytes are UTF-8 or refused.
fn has_form_type(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else {
        return false;
    };
    let Ok(text) = only.to_str() else {
        return false;
    };
    // A gateway joins two headers with a comma, which the value of one never has.
    let essence = text.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") && !text.contains(',')
}

fn names_request_parameter(query: &str) -> bool {
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        decode(name.as_bytes()).is_some_and(|name| REQUEST_PARAMETERS.contains(&name.as_str()))
    })
}

const RESOURCE: &str = "resource";

/// More parameters than any request needs. Bounds the quadratic search for repeated names, which a
/// hostile body could exploit.
const MAX_PARAMETERS: usize = 100;

/// The IANA "OAuth Parameters" that requests to these endpoints can have.
const REQUEST_PARAMETERS: [&str; 19] = [
    "grant_type",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "assertion",
    "scope",
    "resource",
    "audience",
    "code",
    "code_verifier",
    "redirect_uri",
    "refresh_token",
    "device_code",
    "token",
    "token_type_hint",
    "access_token",
    "username",
    "password",
];
