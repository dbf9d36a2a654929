//! A parsed token request: an enum of grant types, each with only its own fields.

use secrecy::SecretString;

use super::PresentedTerms;
use super::token_exchange::Exchanged;
use crate::credential::{CredentialKind, DeviceCode, GrantCredential};
use crate::endpoint::form::Form;
use crate::error::{AccessDenied, BadRequest, Denied, GrantDenied};
use crate::names::{Audience, Scopes, add_audience};
use crate::store::records::GrantType;

/// A request to the token endpoint (RFC 6749 §3.2).
#[derive(Debug)]
pub enum TokenRequest {
    /// RFC 6749 §4.4.
    ClientCredentials(AskedAccess),
    /// RFC 6749 §4.1.3.
    AuthorizationCode {
        /// The code, not verified yet.
        unproven: GrantCredential,
        /// What it is presented with.
        terms: PresentedTerms,
        /// The access that the new token shall have.
        asked: AskedAccess,
    },
    /// RFC 6749 §6.
    RefreshToken {
        /// The refresh token, not verified yet.
        unproven: GrantCredential,
        /// The access that the new token shall have.
        asked: AskedAccess,
    },
    /// RFC 8628 §3.4.
    DeviceCode {
        /// The code of the device.
        code: DeviceCode,
        /// The access that the new token shall have.
        asked: AskedAccess,
    },
    /// RFC 7523 §2.1.
    JwtBearer {
        /// The token of another issuer.
        assertion: SecretString,
        /// The access that the new token shall have.
        asked: AskedAccess,
    },
    /// RFC 8693 §2.1.
    TokenExchange {
        /// What is exchanged.
        exchanged: Exchanged,
        /// The access that the new token shall have.
        asked: AskedAccess,
    },
}

impl TokenRequest {
    /// Parses the grant type and its parameters, if the grant type is one of those `served`.
    ///
    /// # Errors
    /// [`Denied`] for a parameter that is missing, unknown or malformed.
    pub fn parse(form: &Form, served: &[GrantType]) -> Result<Self, Denied> {
        let name = form
            .value("grant_type")
            .ok_or(BadRequest::MissingGrantType)?;
        let grant_type = name
            .parse()
            .map_err(|()| BadRequest::UnsupportedGrantType)?;
        if !served.contains(&grant_type) {
            return Err(BadRequest::UnsupportedGrantType.into());
        }
        let asked = AskedAccess::parse(form)?;
        Ok(match grant_type {
            GrantType::ClientCredentials => Self::ClientCredentials(asked),
            GrantType::AuthorizationCode => {
                let text = form.value("code").ok_or(BadRequest::MissingCode)?;
                let malformed = GrantDenied::Code(Box::new(GrantDenied::MalformedRefreshToken));
                let unproven = credential_of(CredentialKind::AuthorizationCode, text);
                let verifier = form.value("code_verifier").map(str::to_owned);
                let terms = PresentedTerms {
                    redirect_uri: form.value("redirect_uri").map(str::to_owned),
                    verifier: verifier.map(Into::into),
                };
                Self::AuthorizationCode {
                    unproven: unproven.ok_or(malformed)?,
                    terms,
                    asked,
                }
            }
            GrantType::RefreshToken => {
                let text = form
                    .value("refresh_token")
                    .ok_or(BadRequest::MissingRefreshToken)?;
                let unproven = credential_of(CredentialKind::RefreshToken, text);
                let unproven = unproven.ok_or(GrantDenied::MalformedRefreshToken)?;
                Self::RefreshToken { unproven, asked }
            }
            GrantType::DeviceCode => {
                let text = form.value("device_code");
                let text = text.ok_or(BadRequest::MissingDeviceCode)?;
                let malformed = GrantDenied::Code(Box::new(GrantDenied::MalformedRefreshToken));
                let code = DeviceCode::parse(text).map_err(|_| malformed)?;
                Self::DeviceCode { code, asked }
            }
            GrantType::JwtBearer => {
                let text = form.value("assertion");
                let text = text.ok_or(BadRequest::MissingAssertion)?;
                let assertion = text.to_owned().into();
                Self::JwtBearer { assertion, asked }
            }
            GrantType::TokenExchange => {
                let exchanged = Exchanged::parse(form)?;
                Self::TokenExchange { exchanged, asked }
            }
        })
    }

    /// The grant type, as clients register it.
    pub fn grant_type(&self) -> GrantType {
        match self {
            Self::ClientCredentials(_) => GrantType::ClientCredentials,
            Self::AuthorizationCode { .. } => GrantType::AuthorizationCode,
            Self::RefreshToken { .. } => GrantType::RefreshToken,
            Self::DeviceCode { .. } => GrantType::DeviceCode,
            Self::JwtBearer { .. } => GrantType::JwtBearer,
            Self::TokenExchange { .. } => GrantType::TokenExchange,
        }
    }
}

/// A credential of this kind, if `text` has its form.
fn credential_of(kind: CredentialKind, text: &str) -> Option<GrantCredential> {
    let parsed = GrantCredential::parse(text).ok();
    parsed.filter(|credential| credential.kind == kind)
}

/// The access that a request asks for. Client and grant decide what it leaves out.
#[derive(Clone, Debug)]
pub struct AskedAccess {
    /// RFC 6749 §3.3; `None` asks for the default scopes.
    pub scopes: Option<Scopes>,
    /// RFC 8707 §2, or one in `audience`, which is what clients of other issuers call it; none asks
    /// for the default audience.
    pub resources: Vec<Audience>,
}

impl AskedAccess {
    /// Parses what a form asks for.
    ///
    /// # Errors
    /// [`AccessDenied`] when something of it is malformed.
    pub fn parse(form: &Form) -> Result<Self, AccessDenied> {
        let (scope, audience) = (form.value("scope"), form.value("audience"));
        Self::of(scope, form.resources(), audience)
    }

    /// The access that these parameters ask for, wherever they were sent.
    ///
    /// # Errors
    /// [`AccessDenied`] when something of it is malformed.
    pub(crate) fn of<'a>(
        scope: Option<&str>,
        named: impl Iterator<Item = &'a str>,
        audience: Option<&str>,
    ) -> Result<Self, AccessDenied> {
        if scope.is_some_and(|scope| scope.len() > MAX_SCOPE_BYTES) {
            return Err(AccessDenied::MalformedScope);
        }
        let scopes = scope.map(str::parse::<Scopes>).transpose();
        let mut resources: Vec<Audience> = Vec::new();
        for text in named {
            let resource = text.parse().map_err(|_| AccessDenied::ResourceNotAllowed)?;
            add_audience(&mut resources, &resource);
        }
        if let Some(text) = audience {
            let audience: Audience = text.parse().map_err(|_| AccessDenied::ResourceNotAllowed)?;
            match resources.as_slice() {
                [] => resources.push(audience),
                [only] if only.is_same_as(&audience) => {}
                _ => return Err(AccessDenied::AudienceDisagrees),
            }
        }
        Ok(Self {
            scopes: scopes
                .map_err(|_| AccessDenied::MalformedScope)?
                .filter(|scopes| !scopes.is_empty()),
            resources,
        })
    }
}

/// Twice what a client can have. Bounds the quadratic search for repeated scopes, which a hostile
/// request could exploit.
const MAX_SCOPE_BYTES: usize = 4096;
