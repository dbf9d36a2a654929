//! The client authentication of a request (RFC 6749 §2.3), parsed.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};
use tokensmith_verifier::dpop::DpopProof;

use super::assertion::UnverifiedAssertion;
use crate::credential::{ApiKeySecret, ClientSecret};
use crate::endpoint::form::{self, Form};
use crate::error::{ApiKeyDenied, AssertionDenied, ClientDenied};
use crate::federation::ForeignToken;
use crate::names::ClientId;
use crate::store::records::AuthenticationMethod;

/// What a request says about its client. Nothing of it is verified.
#[derive(Debug)]
pub struct PresentedCredentials {
    client_id: Option<ClientId>,
    proof: Proof,
    /// A DPoP proof, which says nothing about the client.
    key_proof: Option<Arc<DpopProof>>,
}

/// What a request presents to prove that it comes from its client.
#[derive(Debug)]
pub enum Proof {
    /// Nothing: a public client.
    Nothing,
    /// A secret, by Basic or in the body.
    Secret(AuthenticationMethod, ClientSecret),
    /// RFC 7523 §2.2.
    Assertion(UnverifiedAssertion),
    /// The same, by a token of another issuer that speaks for a client.
    Foreign(ForeignToken),
    /// An API key, which is to be exchanged.
    ApiKey(ApiKeySecret),
}

impl PresentedCredentials {
    /// Finds the one client authentication of a request.
    ///
    /// # Errors
    /// [`ClientDenied`] when there is none, more than one, or one that cannot be parsed. Malformed
    /// secrets and assertions are refused here, before any I/O.
    pub fn from_request(headers: &HeaderMap, form: &Form) -> Result<Self, ClientDenied> {
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        let authorization = authorizations.next();
        let body_secret = form.value("client_secret");
        let (assertion, assertion_type) = assertion_in(form);
        let has_assertion = assertion.is_some() || assertion_type.is_some();
        if authorization.is_some_and(|value| holds_several(value.as_bytes())) {
            return Err(ClientDenied::SeveralAuthenticationMethods);
        }
        let methods = usize::from(authorization.is_some())
            + authorizations.count()
            + usize::from(body_secret.is_some())
            + usize::from(has_assertion);
        if methods > 1 {
            return Err(ClientDenied::SeveralAuthenticationMethods);
        }
        let presented = if let Some(value) = authorization {
            let (id, secret) = decode_basic(value)?;
            Self::with_secret(&id, AuthenticationMethod::ClientSecretBasic, &secret)?
        } else if has_assertion {
            if assertion_type != Some(JWT_BEARER) {
                return Err(ClientDenied::UnsupportedAuthentication);
            }
            let assertion = assertion.ok_or(AssertionDenied::MalformedAssertion)?;
            let token = ForeignToken::parse(assertion);
            if let Some(token) = token.ok().filter(ForeignToken::names_an_url) {
                return Self::foreign(token, form);
            }
            let assertion = UnverifiedAssertion::parse(assertion)?;
            Self {
                client_id: Some(assertion.client_id().clone()),
                proof: Proof::Assertion(assertion),
                key_proof: None,
            }
        } else {
            let id = form.value("client_id");
            let id = id.ok_or(ClientDenied::NoClientAuthentication)?;
            match body_secret {
                Some(secret) => {
                    Self::with_secret(id, AuthenticationMethod::ClientSecretPost, secret)?
                }
                None => Self {
                    client_id: Some(parse_id(id)?),
                    proof: Proof::Nothing,
                    key_proof: None,
                },
            }
        };
        match form.value("client_id") {
            Some(id) if presented.client_id().is_none_or(|own| id != own.as_str()) => {
                Err(ClientDenied::ClientIdMismatch)
            }
            _ => Ok(presented),
        }
    }

    /// The token of another issuer that a request presents as its grant (RFC 7523 §2.1). It is its only
    /// authentication.
    ///
    /// # Errors
    /// [`ClientDenied`] when the request has client authentication besides, or the token is none.
    pub fn from_grant(
        headers: &HeaderMap,
        form: &Form,
        assertion: &str,
    ) -> Result<Self, ClientDenied> {
        require_no_other(headers, form)?;
        Self::foreign(ForeignToken::parse(assertion)?, form)
    }

    /// The API key that a request presents to exchange it (RFC 8693 §2.1). It is its only authentication.
    ///
    /// # Errors
    /// [`ClientDenied`] when the request has client authentication besides, or the key is none.
    pub fn from_api_key(headers: &HeaderMap, form: &Form, key: &str) -> Result<Self, ClientDenied> {
        require_no_other(headers, form)?;
        let key = ApiKeySecret::parse(key).map_err(|_| ApiKeyDenied::MalformedApiKey)?;
        Ok(Self {
            client_id: form.value("client_id").map(parse_id).transpose()?,
            proof: Proof::ApiKey(key),
            key_proof: None,
        })
    }

    /// The same with the DPoP proof of the request.
    #[must_use]
    pub(crate) fn with_key_proof(self, key_proof: Option<DpopProof>) -> Self {
        Self {
            key_proof: key_proof.map(Arc::new),
            ..self
        }
    }

    /// The DPoP proof of the request.
    pub fn key_proof(&self) -> Option<&Arc<DpopProof>> {
        self.key_proof.as_ref()
    }

    /// The client that the request claims to come from; `None` when only a token of another issuer, or an API key, says
    /// so.
    pub fn client_id(&self) -> Option<&ClientId> {
        self.client_id.as_ref()
    }

    /// How it authenticates; `None` with an API key, which an operator has made whatever the client's own method is.
    pub fn method(&self) -> Option<AuthenticationMethod> {
        Some(match self.proof {
            Proof::Nothing => AuthenticationMethod::None,
            Proof::Secret(method, _) => method,
            Proof::Assertion(_) => AuthenticationMethod::PrivateKeyJwt,
            Proof::Foreign(_) => AuthenticationMethod::Federation,
            Proof::ApiKey(_) => return None,
        })
    }

    /// What it presents.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    fn foreign(token: ForeignToken, form: &Form) -> Result<Self, ClientDenied> {
        Ok(Self {
            client_id: form.value("client_id").map(parse_id).transpose()?,
            proof: Proof::Foreign(token),
            key_proof: None,
        })
    }

    fn with_secret(
        id: &str,
        method: AuthenticationMethod,
        secret: &str,
    ) -> Result<Self, ClientDenied> {
        let secret = ClientSecret::parse(secret).map_err(|_| ClientDenied::MalformedClientSecret);
        Ok(Self {
            client_id: Some(parse_id(id)?),
            proof: Proof::Secret(method, secret?),
            key_proof: None,
        })
    }
}

/// Refuses client authentication besides what the request presents as its grant.
fn require_no_other(headers: &HeaderMap, form: &Form) -> Result<(), ClientDenied> {
    let others = ["client_secret", "client_assertion", "client_assertion_type"];
    let mut others = others.iter().map(|name| form.value(name));
    match headers.contains_key(header::AUTHORIZATION) || others.any(|value| value.is_some()) {
        true => Err(ClientDenied::SeveralAuthenticationMethods),
        false => Ok(()),
    }
}

fn parse_id(id: &str) -> Result<ClientId, ClientDenied> {
    id.parse().map_err(|_| ClientDenied::MalformedClientId)
}

/// The assertion of a request, and what it says of which type it is (RFC 7521 §4.2).
fn assertion_in(form: &Form) -> (Option<&str>, Option<&str>) {
    (
        form.value("client_assertion"),
        form.value("client_assertion_type"),
    )
}

/// The client that a request names, whatever is wrong with the request: for the log, and for nothing else.
pub(crate) fn client_named_in(headers: &HeaderMap, form: Option<&Form>) -> Option<ClientId> {
    let basic = headers.get(header::AUTHORIZATION).and_then(basic_id);
    let id = match (&basic, form.and_then(|form| form.value("client_id"))) {
        (Some(id), _) => id,
        (None, Some(id)) => id,
        (None, None) => return named_in_assertion(form?),
    };
    // Somebody has put a secret in the place of the id.
    let is_secret = id.starts_with("tksm");
    id.parse().ok().filter(|_| !is_secret)
}

fn named_in_assertion(form: &Form) -> Option<ClientId> {
    let (assertion, _) = assertion_in(form);
    let assertion = UnverifiedAssertion::parse(assertion?).ok()?;
    Some(assertion.client_id().clone())
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

/// RFC 7523 §2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
