//! Client authentication (RFC 6749 §2.3): presented credentials become an authenticated client.

use http::{HeaderMap, HeaderValue, header};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::client::FoundClient;
use crate::credential::{ClientSecret, SecretHash};
use crate::endpoint::form::{self, Form};
use crate::error::Denied;
use crate::names::ClientId;
use crate::store::records::{AuthenticationMethod, Client};
use tokensmith_verifier::Timestamp;

/// What a request says about its client. Nothing of it is proven.
#[derive(Debug)]
pub struct PresentedCredentials {
    client_id: ClientId,
    secret: Option<(AuthenticationMethod, ClientSecret)>,
}

impl PresentedCredentials {
    /// Finds the one client authentication of a request.
    ///
    /// # Errors
    /// None, several, or one that cannot be read; garbage is refused here, before any I/O.
    pub fn from_request(headers: &HeaderMap, form: &Form) -> Result<Self, Denied> {
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        let authorization = authorizations.next();
        let body_secret = form.value("client_secret");
        let assertion = form
            .value("client_assertion")
            .or(form.value("client_assertion_type"));
        let methods = usize::from(authorization.is_some())
            + authorizations.count()
            + usize::from(body_secret.is_some())
            + usize::from(assertion.is_some());
        if methods > 1 {
            return Err(Denied::SeveralAuthenticationMethods);
        }
        if assertion.is_some() {
            return Err(Denied::UnsupportedAuthentication);
        }
        let body_id = form.value("client_id");
        if let Some(value) = authorization {
            let (id, secret) = decode_basic(value)?;
            if body_id.is_some_and(|body_id| body_id != id) {
                return Err(Denied::ClientIdMismatch);
            }
            return Self::parse(
                &id,
                Some((AuthenticationMethod::ClientSecretBasic, &secret)),
            );
        }
        let id = body_id.ok_or(Denied::NoClientAuthentication)?;
        let secret = body_secret.map(|secret| (AuthenticationMethod::ClientSecretPost, secret));
        Self::parse(id, secret)
    }

    /// The client that the request claims to come from.
    pub fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Proves the credentials against the client's record, if there is one.
    ///
    /// An unknown client costs the same work as a wrong secret, and looks the same outside.
    ///
    /// # Errors
    /// Why the client is not authenticated.
    pub fn authenticate(&self, found: &FoundClient) -> Result<AuthenticatedClient, Denied> {
        let now = found.now;
        let hash = self.secret.as_ref().map(|(_, secret)| secret.hash());
        let secret_matches = match &found.record {
            Some(record) => matches_live_secret(record, hash.as_ref(), now),
            None => matches_nothing(hash.as_ref()),
        };
        let record = found.record.clone().ok_or(Denied::UnknownClient)?;
        let presented = match self.secret {
            Some((method, _)) => method,
            None => AuthenticationMethod::None,
        };
        let allowed = match record.authentication {
            Some(only) => only == presented,
            None => presented != AuthenticationMethod::None,
        };
        if !allowed {
            return Err(Denied::WrongAuthenticationMethod);
        }
        if presented != AuthenticationMethod::None && !secret_matches {
            return Err(Denied::WrongClientSecret);
        }
        // Only the client itself may learn from the log's reason that it is disabled.
        if record.disabled {
            return Err(Denied::ClientDisabled);
        }
        Ok(AuthenticatedClient {
            record,
            read_at: found.read_at,
        })
    }

    fn parse(id: &str, secret: Option<(AuthenticationMethod, &str)>) -> Result<Self, Denied> {
        let secret = secret.map(|(method, text)| match ClientSecret::parse(text) {
            Ok(secret) => Ok((method, secret)),
            Err(_) => Err(Denied::MalformedClientSecret),
        });
        Ok(Self {
            client_id: id.parse().map_err(|_| Denied::MalformedClientId)?,
            secret: secret.transpose()?,
        })
    }
}

/// A client whose credentials were proven, as of one read of its record.
#[derive(Debug)]
pub struct AuthenticatedClient {
    record: std::sync::Arc<Client>,
    read_at: Timestamp,
}

impl AuthenticatedClient {
    /// Its registration.
    pub fn record(&self) -> &Client {
        &self.record
    }

    /// When the read of its registration started.
    pub fn read_at(&self) -> Timestamp {
        self.read_at
    }
}

fn matches_live_secret(record: &Client, hash: Option<&SecretHash>, now: Timestamp) -> bool {
    let live = record
        .secrets
        .iter()
        .filter(|secret| secret.expires_at.is_none_or(|end| now < end));
    // Every live secret is compared, so that the time does not tell which one came close.
    live.fold(false, |matched, secret| {
        matched | hash.is_some_and(|hash| secret.hash.matches(hash))
    })
}

/// The comparison that an unknown client's secret gets.
fn matches_nothing(hash: Option<&SecretHash>) -> bool {
    let other = SecretHash::of_nothing();
    hash.is_some_and(|hash| other.matches(hash))
}

/// Decodes `Basic` credentials, form-encoded as RFC 6749 §2.3.1 demands.
fn decode_basic(value: &HeaderValue) -> Result<(String, String), Denied> {
    let value = value
        .to_str()
        .map_err(|_| Denied::MalformedBasicCredentials)?;
    let (scheme, encoded) = value
        .split_once(' ')
        .ok_or(Denied::MalformedBasicCredentials)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Denied::UnsupportedAuthentication);
    }
    let decoded = STANDARD
        .decode(encoded.trim())
        .map_err(|_| Denied::MalformedBasicCredentials)?;
    let colon = decoded.iter().position(|byte| *byte == b':');
    let (id, secret) = decoded.split_at(colon.ok_or(Denied::MalformedBasicCredentials)?);
    let text = |part| form::decode(part).ok_or(Denied::MalformedBasicCredentials);
    Ok((text(id)?, text(&secret[1..])?))
}
