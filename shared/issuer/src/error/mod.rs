//! Errors: detailed reasons for the operator's log, and the codes of the RFCs for the caller.
//!
//! [`Denied`] means that the request is at fault, [`Unavailable`] that a dependency failed. Each
//! part of the issuer has its reasons in a file of its own, with one exhaustive match from reason
//! to OAuth error code. One match here turns the code into the HTTP status.

mod access;
mod api_key;
mod assertion;
mod authorization;
mod bearer;
mod client;
mod device;
mod dpop;
mod exchange;
mod grant;
mod limit;
mod request;
mod request_object;
mod sign_in;
mod upstream;

pub use access::AccessDenied;
pub use api_key::ApiKeyDenied;
pub use assertion::AssertionDenied;
pub use authorization::AuthorizationDenied;
pub use bearer::BearerDenied;
pub use client::ClientDenied;
pub use device::DeviceDenied;
pub use dpop::DpopDenied;
pub use exchange::ExchangeDenied;
pub use grant::GrantDenied;
pub use limit::LimitDenied;
pub use request::BadRequest;
pub use request_object::RequestObjectDenied;
pub use sign_in::SignInDenied;
pub use upstream::UpstreamDenied;

use http::StatusCode;
use serde::Serialize;
use strum::IntoStaticStr;

use crate::store::StoreError;
use crate::store::records::ForeignTable;
use tokensmith_verifier::dpop::DpopRejection;
use tokensmith_verifier::{Algorithm, KeyId, Timestamp};

/// Why a request is not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is at fault.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// A dependency failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Error {
    /// The same, where what failed to authenticate the client is its grant (RFC 7521 §4.1.1).
    pub(crate) fn of_grant(self) -> Self {
        self.instead(|reason| GrantDenied::Assertion(reason).into())
    }

    /// The same, where the grant that is not accepted was presented as a code.
    pub(crate) fn of_code(self) -> Self {
        match self {
            Self::Denied(Denied::Grant(reason)) => GrantDenied::Code(Box::new(reason)).into(),
            unchanged => unchanged,
        }
    }

    /// The same, where what failed to authenticate the client is the token that it wants to exchange (RFC 8693 §2.2.2).
    pub(crate) fn of_subject_token(self) -> Self {
        self.instead(|reason| GrantDenied::SubjectToken(reason).into())
    }

    fn instead(self, other: impl FnOnce(ClientDenied) -> Self) -> Self {
        match self {
            Self::Denied(Denied::Client(reason)) if reason.code() == ErrorCode::InvalidClient => {
                other(reason)
            }
            unchanged => unchanged,
        }
    }
}

impl From<DpopRejection> for Error {
    fn from(reason: DpopRejection) -> Self {
        DpopDenied::from(reason).into()
    }
}

impl From<StoreError> for Error {
    fn from(err: StoreError) -> Self {
        Self::Unavailable(err.into())
    }
}

/// Reasons reach an answer through [`Denied`].
macro_rules! reasons {
    ($($reason:ident),+) => {
        $(impl From<$reason> for Error {
            fn from(reason: $reason) -> Self {
                Self::Denied(reason.into())
            }
        })+
    };
}

reasons!(
    BadRequest,
    ClientDenied,
    GrantDenied,
    AccessDenied,
    LimitDenied,
    AuthorizationDenied,
    SignInDenied,
    BearerDenied,
    DeviceDenied,
    ExchangeDenied,
    UpstreamDenied,
    DpopDenied
);

/// What is wrong with a request: each part of the issuer brings its own reasons.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Denied {
    /// Its form.
    #[error(transparent)]
    Request(#[from] BadRequest),
    /// Its client.
    #[error(transparent)]
    Client(#[from] ClientDenied),
    /// The grant that it presents.
    #[error(transparent)]
    Grant(#[from] GrantDenied),
    /// The access that it asks for.
    #[error(transparent)]
    Access(#[from] AccessDenied),
    /// That there are too many of them.
    #[error(transparent)]
    Limit(#[from] LimitDenied),
    /// What a client asks a person for.
    #[error(transparent)]
    Authorization(#[from] AuthorizationDenied),
    /// The person who has sent it, or how they came to.
    #[error(transparent)]
    SignIn(#[from] SignInDenied),
    /// The access token that it brings.
    #[error(transparent)]
    Bearer(#[from] BearerDenied),
    /// That nobody has let the device have what it polls for.
    #[error(transparent)]
    Device(#[from] DeviceDenied),
    /// The access tokens that it exchanges.
    #[error(transparent)]
    Exchange(#[from] ExchangeDenied),
    /// What another OpenID provider says of the person who has sent it.
    #[error(transparent)]
    Upstream(#[from] UpstreamDenied),
    /// The key that it has to prove.
    #[error(transparent)]
    Dpop(#[from] DpopDenied),
}

impl Denied {
    /// The OAuth error code that a caller sees.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Request(reason) => reason.code(),
            Self::Client(reason) => reason.code(),
            Self::Grant(reason) => reason.code(),
            Self::Access(reason) => reason.code(),
            Self::Limit(_) => ErrorCode::TemporarilyUnavailable,
            Self::Authorization(reason) => reason.code(),
            Self::SignIn(_) | Self::Upstream(_) => ErrorCode::AccessDenied,
            Self::Bearer(reason) => reason.code(),
            Self::Device(reason) => reason.code(),
            Self::Exchange(reason) => reason.code(),
            Self::Dpop(reason) => reason.code(),
        }
    }

    /// The reason's name in the log, without its data.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Request(BadRequest::NotRedirected(reason)) => reason.into(),
            Self::Request(reason) => reason.into(),
            Self::Client(reason)
            | Self::Grant(GrantDenied::Assertion(reason) | GrantDenied::SubjectToken(reason)) => {
                reason.name()
            }
            Self::Grant(GrantDenied::Code(reason)) => (&**reason).into(),
            Self::Grant(reason) => reason.into(),
            Self::Access(reason) => reason.into(),
            Self::Limit(reason) => reason.into(),
            Self::Authorization(reason) => reason.name(),
            Self::SignIn(reason) => reason.into(),
            Self::Bearer(reason) => reason.name(),
            Self::Device(reason) => reason.into(),
            Self::Exchange(reason) => reason.name(),
            Self::Upstream(reason) => reason.name(),
            Self::Dpop(reason) => reason.name(),
        }
    }

    /// What the limit is about that is exceeded.
    pub const fn limit_of(&self) -> Option<&'static str> {
        match self {
            Self::Limit(reason) => Some(reason.standing().kind.as_str()),
            _ => None,
        }
    }

    /// Whether this is a security event, which an operator should look into.
    pub const fn is_security_event(&self) -> bool {
        match self {
            Self::Grant(GrantDenied::SubjectToken(reason)) | Self::Client(reason) => {
                reason.is_security_event()
            }
            Self::Grant(reason) => reason.is_security_event(),
            Self::Request(_)
            | Self::Access(_)
            | Self::Limit(_)
            | Self::Authorization(_)
            | Self::Device(_) => false,
            Self::SignIn(reason) => reason.is_security_event(),
            Self::Bearer(reason) => reason.is_security_event(),
            Self::Exchange(reason) => reason.is_security_event(),
            Self::Upstream(reason) => reason.is_security_event(),
            Self::Dpop(reason) => reason.is_security_event(),
        }
    }

    /// The HTTP status of the answer.
    pub const fn status(&self) -> StatusCode {
        match (self, self.code()) {
            (Self::Request(BadRequest::MethodNotAllowed), _) => StatusCode::METHOD_NOT_ALLOWED,
            (Self::Limit(_) | Self::SignIn(SignInDenied::TooManyAttempts(_)), _) => {
                StatusCode::TOO_MANY_REQUESTS
            }
            (
                Self::SignIn(
                    SignInDenied::UnknownUser
                    | SignInDenied::WrongPassword
                    | SignInDenied::UserDisabled
                    | SignInDenied::CrossSite
                    | SignInDenied::NotSignedIn,
                ),
                _,
            ) => StatusCode::FORBIDDEN,
            (Self::Upstream(UpstreamDenied::UnknownUpstream), _) => StatusCode::NOT_FOUND,
            (Self::Upstream(_), _) => StatusCode::FORBIDDEN,
            (_, ErrorCode::InvalidClient | ErrorCode::InvalidToken) => StatusCode::UNAUTHORIZED,
            (_, ErrorCode::InsufficientScope) => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// The `error` of an answer (RFC 6749 §4.1.2.1 and §5.2, RFC 8628 §3.5, RFC 8707 §2, RFC 9449 §5 and §8, OpenID Connect Core 1.0 §3.1.2.6).
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "each is the RFC's own name")]
pub enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    InvalidTarget,
    InvalidToken,
    InsufficientScope,
    TemporarilyUnavailable,
    UnsupportedResponseType,
    AccessDenied,
    LoginRequired,
    ConsentRequired,
    RequestNotSupported,
    RequestUriNotSupported,
    InvalidRequestObject,
    RegistrationNotSupported,
    AuthorizationPending,
    SlowDown,
    ExpiredToken,
    InvalidDpopProof,
    UseDpopNonce,
}

impl ErrorCode {
    /// As it is written in an answer.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A dependency failed or did not answer in time. The request was not carried out, and may be
/// retried.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The table.
    #[error("{0}")]
    Store(#[from] StoreError),
    /// The table is that of another issuer or wrapping key.
    #[error(transparent)]
    ForeignTable(#[from] Box<ForeignTable>),
    /// No key signs with this algorithm.
    #[error("no {0} key signs")]
    NoActiveKey(Algorithm),
    /// There is no HMAC key.
    #[error("there is no HMAC key")]
    NoHmacKey,
    /// The private key of this name is not that of the published one.
    #[error("the private key of {0} is not the published one")]
    NotThePublishedKey(KeyId),
    /// A key cannot be made, opened or used.
    #[error("key unavailable: {0}")]
    Key(String),
    /// The client or subject was revoked so recently that a token issued now would count as
    /// revoked. This is the time at which that ends.
    #[error("revoked a moment ago: nothing can be issued until {}", .0.seconds())]
    JustRevoked(Timestamp),
    /// Nothing that was fetched from this host is young enough, and nothing new came.
    #[error("there is no copy of a document of {0} that is younger than 24 h")]
    NoDocument(String),
    /// An OpenID provider that a person has signed in at.
    #[error("the OpenID provider gave no answer: {0}")]
    Upstream(String),
    /// The request took longer than its time limit.
    #[error("the request took too long")]
    Timeout,
}
