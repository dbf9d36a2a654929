use axum_core::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;

use crate::VerifiedClaims;

/// The claims that the [`BearerLayer`](crate::BearerLayer) has verified (feature `axum`). A handler that asks for them on a
/// route without that layer answers 500: nobody is let in by a mistake.
impl<S: Sync> FromRequestParts<S> for VerifiedClaims {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let claims = parts.extensions.get::<Self>().cloned();
        claims.ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}
