//! Requests that no correct client sends (RFC 6749 §5.2 `invalid_request`).

use strum::IntoStaticStr;

use super::ErrorCode;
use crate::authorization::NotRedirected;

/// What is wrong with the form of a request. The variant's name is the `reason` in the log.
#[derive(Clone, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(serialize_all = "snake_case")]
pub enum BadRequest {
    /// RFC 6749 §3.2: the endpoint does not allow the method.
    #[error("this endpoint does not support the method")]
    MethodNotAllowed,
    /// The body is longer than [`MAX_BODY_BYTES`](crate::MAX_BODY_BYTES).
    #[error("the body is over 64 KiB")]
    BodyTooLarge,
    /// RFC 6749 §4.4.2: the body must be a form.
    #[error("Content-Type must be application/x-www-form-urlencoded in UTF-8")]
    WrongContentType,
    /// Malformed percent-encoding, a NUL, or bytes that are not UTF-8.
    #[error("the body is not a well-formed UTF-8 form")]
    MalformedForm,
    /// More parameters than any request needs.
    #[error("the body has too many parameters")]
    TooManyParameters,
    /// RFC 6749 §3.2: parameters must not be included more than once.
    #[error("a parameter is repeated")]
    RepeatedParameter,
    /// OAuth 2.1 §3.2: request parameters belong in the body, where they are not logged.
    #[error("request parameters must not be in the URL")]
    ParameterInQuery,
    /// The parameters of an authorization request are too long.
    #[error("the request is too long: push it (RFC 9126), or ask for less")]
    RequestTooLong,
    /// Nobody is sent anywhere: client or redirect URI are not known to be good.
    #[error(transparent)]
    NotRedirected(#[from] NotRedirected),
    /// `grant_type` is missing.
    #[error("grant_type is required")]
    MissingGrantType,
    /// `grant_type` is not one that this endpoint serves.
    #[error("this grant_type is not supported here")]
    UnsupportedGrantType,
    /// `code` is missing.
    #[error("code is required")]
    MissingCode,
    /// `device_code` is missing (RFC 8628 §3.4).
    #[error("device_code is required")]
    MissingDeviceCode,
    /// `refresh_token` is missing.
    #[error("refresh_token is required")]
    MissingRefreshToken,
    /// `assertion` is missing (RFC 7521 §4.1).
    #[error("assertion is required")]
    MissingAssertion,
    /// `subject_token` is missing (RFC 8693 §2.1).
    #[error("subject_token is required")]
    MissingSubjectToken,
    /// `subject_token_type` is missing (RFC 8693 §2.1).
    #[error("subject_token_type is required")]
    MissingSubjectTokenType,
    /// Tokens of this type cannot be exchanged.
    #[error(
        "this subject_token_type is not supported: use access_token, jwt or id_token of urn:ietf:params:oauth:token-type, or urn:tokensmith:params:oauth:token-type:api-key"
    )]
    UnsupportedSubjectTokenType,
    /// Tokens of this type are not issued.
    #[error("this requested_token_type is not supported: leave it out")]
    UnsupportedRequestedTokenType,
    /// Somebody else shall act with the new token (RFC 8693 §1.1), and the subject token is none of this issuer's.
    #[error("actor_token is supported beside an access token of this issuer only")]
    ActorNotSupported,
    /// RFC 8693 §2.1: an `actor_token` without its type, or the type alone.
    #[error("actor_token and actor_token_type are sent together, or not at all")]
    IncompleteActor,
    /// Nobody can act with a token of this type.
    #[error("this actor_token_type is not supported: an actor has an access token of this issuer")]
    UnsupportedActorTokenType,
    /// `token` is missing (RFC 7009 §2.1, RFC 7662 §2.1).
    #[error("token is required")]
    MissingToken,
    /// The body is no report of leaked credentials.
    #[error("the body is not a JSON array of findings, each with token and type")]
    MalformedReport,
    /// The signature of a report is missing, or cannot be read.
    #[error("Github-Public-Key-Identifier and Github-Public-Key-Signature are required")]
    UnsignedReport,
    /// The report was not signed by whoever may report.
    #[error("the body is not signed by a key of the partner")]
    WrongReportSignature,
    /// `since` is not a time in seconds since 1970.
    #[error("since must be a number of seconds since 1970")]
    MalformedCursor,
}

impl BadRequest {
    /// The OAuth error code that a caller sees.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            Self::MethodNotAllowed
            | Self::BodyTooLarge
            | Self::WrongContentType
            | Self::MalformedForm
            | Self::TooManyParameters
            | Self::RepeatedParameter
            | Self::ParameterInQuery
            | Self::RequestTooLong
            | Self::NotRedirected(_)
            | Self::MissingGrantType
            | Self::MissingCode
            | Self::MissingDeviceCode
            | Self::MissingRefreshToken
            | Self::MissingAssertion
            | Self::MissingSubjectToken
            | Self::MissingSubjectTokenType
            | Self::UnsupportedSubjectTokenType
            | Self::UnsupportedRequestedTokenType
            | Self::ActorNotSupported
            | Self::IncompleteActor
            | Self::UnsupportedActorTokenType
            | Self::MissingToken
            | Self::MalformedReport
            | Self::UnsignedReport
            | Self::WrongReportSignature
            | Self::MalformedCursor => ErrorCode::InvalidRequest,
        }
    }
}
