//! The client authentication of a request (RFC 6749 §2.3), parsed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};

use crate::credential::ClientSecret;
use crate::endpoint::form::{self, Form};
use crate::error::ClientDenied;
use crate::names::ClientId;
use crate::store::records::AuthenticationMethod;

/// What a request says about its client. Nothing of it is verified.
#[derive(Debug)]
pub struct PresentedCredentials {
    client_id: ClientId,
    secret: Option<(AuthenticationMethod, ClientSecret)>,
}

impl PresentedCredentials {
    /// Finds the one client authentication of a request.
    ///
    /// # Errors
    /// [`ClientDenied`] when there is none, more than one, or one that cannot be parsed. Malformed
    /// secrets are refused here, before any I/O.
    pub fn from_request(headers: &HeaderMap, form: &Form) -> Result<Self, ClientDenied> {
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        let authorization = authorizations.next();
        let body_secret = form.value("client_secret");
        let assertion = form
            .value("client_assertion")
            .or_else(|| form.value("client_assertion_type"));
        if authorization.is_some_and(|value| holds_several(value.as_bytes())) {
            return Err(ClientDenied::SeveralAuthenticationMethods);
        }
        let methods = usize::from(authorization.is_some())
            + authorizations.count()
            + usize::from(body_secret.is_some())
            + usize::from(assertion.is_some());
        if methods > 1 {
            return Err(ClientDenied::SeveralAuthenticationMethods);
        }
        if assertion.is_some() {
            return Err(ClientDenied::UnsupportedAuthentication);
        }
        let body_id = form.value("client_id");
        if let Some(value) = authorization {
            let (id, secret) = decode_basic(value)?;
            if body_id.is_some_and(|body_id| body_id != id) {
                return Err(ClientDenied::ClientIdMismatch);
            }
            return Self::parse(
                &id,
                Some((AuthenticationMethod::ClientSecretBasic, &secret)),
            );
        }
        let id = body_id.ok_or(ClientDenied::NoClientAuthentication)?;
        let secret = body_secret.map(|secret| (AuthenticationMethod::ClientSecretPost, secret));
        Self::parse(id, secret)
    }

    /// The client that the request claims to come from.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// How it authenticates.
    pub fn method(&self) -> AuthenticationMethod {
        match self.secret {
            Some((method, _)) => method,
            None => AuthenticationMethod::None,
        }
    }

    /// The secret that it presents.
    pub fn secret(&self) -> Option<&ClientSecret> {
        self.secret.as_ref().map(|(_, secret)| secret)
    }

    fn parse(id: &str, secret: Option<(AuthenticationMethod, &str)>) -> Result<Self, ClientDenied> {
        let secret = secret.map(|(method, text)| match ClientSecret::parse(text) {
            Ok(secret) => Ok((method, secret)),
            Err(_) => Err(ClientDenied::MalformedClientSecret),
        });
        Ok(Self {
            client_id: id.parse().map_err(|_| ClientDenied::MalformedClientId)?,
            secret: secret.transpose()?,
        })
    }
}

/// The client that a request names, whatever is wrong with the request: for the log, and for nothing else.
pub(crate) fn client_named_in(headers: &HeaderMap, form: Option<&Form>) -> Option<ClientId> {
    let basic = headers.get(header::AUTHORIZATION).and_then(basic_id);
    let id = match &basic {
        Some(id) => id,
        None => form?.value("client_id")?,
    };
    // Somebody has put a secret in the place of the id.
    let is_secret = id.starts_with("tksm");
    id.parse().ok().filter(|_| !is_secret)
}

/// The id in `Basic` credentials, also if what follows it is malformed.
fn basic_id(value: &HeaderValue) -> Option<String> {
    let (scheme, encoded) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    form::decode(decoded.split(|byte| *byte == b':').next()?)
}

/// Whether a value is that of two `Authorization` headers, which a gateway has joined with a comma.
/// In the value of one a comma separates parameters, which `Basic` does not have.
fn holds_several(value: &[u8]) -> bool {
    let mut parts = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let starts_with_basic = parts.next().and_then(scheme_of);
    let starts_with_basic =
        starts_with_basic.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"basic"));
    parts.any(|part| starts_with_basic || scheme_of(part).is_some())
}

/// The scheme that credentials start with (RFC 9110 §11.4); a parameter has an equals sign there.
fn scheme_of(credentials: &[u8]) -> Option<&[u8]> {
    let space = credentials.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = credentials.split_at(space);
    let is_parameter = scheme.contains(&b'=') || rest.trim_ascii_start().starts_with(b"=");
    (!is_parameter).then_some(scheme)
}

/// Decodes `Basic` credentials, form-encoded as RFC 6749 §2.3.1 demands.
fn decode_basic(value: &HeaderValue) -> Result<(String, String), ClientDenied> {
    let value = value
        .to_str()
        .map_err(|_| ClientDenied::MalformedBasicCredentials)?;
    let (scheme, encoded) = value
        .split_once(' ')
        .ok_or(ClientDenied::MalformedBasicCredentials)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(ClientDenied::UnsupportedAuthentication);
    }
    let decoded = STANDARD
        .decode(encoded.trim())
        .map_err(|_| ClientDenied::MalformedBasicCredentials)?;
    let colon = decoded.iter().position(|byte| *byte == b':');
    let (id, secret) = decoded.split_at(colon.ok_or(ClientDenied::MalformedBasicCredentials)?);
    let text = |part| form::decode(part).ok_or(ClientDenied::MalformedBasicCredentials);
    Ok((text(id)?, text(&secret[1..])?))
}
