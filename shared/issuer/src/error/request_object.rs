//! Request objects that are not accepted (RFC 9101 §6).

use strum::IntoStaticStr;
use tokensmith_verifier::Rejection;

use super::AuthorizationDenied;

/// Why a request object is not accepted. The variant's name, with `request_object_` before it, is the `reason` in the log.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq, thiserror::Error)]
#[strum(prefix = "request_object_", serialize_all = "snake_case")]
pub enum RequestObjectDenied {
    /// It is no JWT with the claims of a request, or has another request in it.
    #[error("the request object is malformed")]
    Malformed,
    /// It says that it is something else.
    #[error("the JWT is no request object")]
    WrongType,
    /// The client has not signed it.
    #[error("the request object is not signed by the client")]
    Unproven(Rejection),
    /// The client's profile allows other algorithms.
    #[error("the request object is signed by an algorithm that the client may not use")]
    WrongAlgorithm,
    /// `iss` or `client_id` is not the client.
    #[error("iss and client_id of the request object must be the client")]
    WrongClient,
    /// `aud` is somebody else.
    #[error("aud of the request object must be the issuer")]
    WrongAudience,
    /// `exp`, or an hour after `nbf`, has passed.
    #[error("the request object has expired")]
    Expired,
    /// `nbf` lies in the future.
    #[error("the request object is not valid yet")]
    NotYetValid,
    /// `exp` is absent or more than an hour ahead, or `nbf` is absent and the client's profile wants it.
    #[error("the request object must be limited to an hour, by exp and nbf")]
    LivesTooLong,
}

impl RequestObjectDenied {
    /// As the reason of an authorization request.
    pub(crate) fn within(self) -> AuthorizationDenied {
        AuthorizationDenied::RequestObject(self)
    }

    /// Its name in the log.
    pub(super) fn name(self) -> &'static str {
        self.into()
    }
}
