//! Who sends forms to others. Apart from the client that does, of which a function that sends none links nothing.

use std::fmt;

use async_trait::async_trait;
use tokensmith_verifier::{FetchError, PostRequest, Posted};

/// Sends forms to others, such as a code to the OpenID provider that has issued it.
#[async_trait]
pub trait Post: fmt::Debug + Send + Sync {
    /// Sends a form, and returns the answer whatever its status is.
    ///
    /// # Errors
    /// [`FetchError`] when there is no answer in time, or one that is too long.
    async fn post(&self, request: PostRequest<'_>) -> Result<Posted, FetchError>;
}
