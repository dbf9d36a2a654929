use std::time::Duration;

use serde::Deserialize;

use crate::fetch::{Fetch, FetchError, FetchRequest, Fetched, fetch_within};
use crate::paths;

/// Where the issuer publishes its keys.
#[derive(Clone, Debug)]
pub(crate) enum KeysLocation {
    /// The URL of the JWK Set.
    Url(String),
    /// The `jwks_uri` of the issuer's metadata (RFC 8414 §2), which are fetched at every renewal.
    MetadataOf {
        /// The issuer URL.
        issuer: String,
    },
}

impl KeysLocation {
    /// The URL of the JWK Set.
    ///
    /// # Errors
    /// [`FetchError`] when the metadata cannot be fetched, or are another issuer's (RFC 8414 §3.3).
    pub(super) async fn url(
        &self,
        fetch: &dyn Fetch,
        time_limit: Duration,
    ) -> Result<String, FetchError> {
        let issuer = match self {
            Self::Url(url) => return Ok(url.clone()),
            Self::MetadataOf { issuer } => issuer,
        };
        let request = FetchRequest {
            url: &format!("{issuer}{}", paths::AUTHORIZATION_SERVER_METADATA),
            etag: None,
            max_bytes: MAX_METADATA_BYTES,
        };
        let Fetched::Document(body, _) = fetch_within(time_limit, fetch, request).await? else {
            return Err(FetchError::Status(304));
        };
        let metadata: Metadata = serde_json::from_slice(&body)
            .map_err(|_| FetchError::Unusable("the metadata are malformed"))?;
        match metadata.issuer == *issuer {
            true => Ok(metadata.jwks_uri),
            false => Err(FetchError::Unusable("the metadata are another issuer's")),
        }
    }
}

/// RFC 8414 §2.
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

/// Far more than metadata need. Bounds the memory that a wrong or hostile response can take.
const MAX_METADATA_BYTES: usize = 64 * 1024;
