//! RFC 6749 §4.1.3: a client exchanges the code that a person has brought it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::{ExposeSecret, SecretString};

use crate::credential::sha256_text;
use crate::error::GrantDenied;
use crate::store::records::CodeTerms;

/// What a request presents beside a code.
#[derive(Clone, Debug)]
pub struct PresentedTerms {
    /// RFC 6749 §4.1.3.
    pub redirect_uri: Option<String>,
    /// RFC 7636 §4.5.
    pub verifier: Option<SecretString>,
}

impl PresentedTerms {
    /// Whether they are those of the authorization request.
    ///
    /// # Errors
    /// [`GrantDenied`] says which is not.
    pub fn check(&self, demanded: &CodeTerms) -> Result<(), GrantDenied> {
        // RFC 6749 requires it against injected codes, and OAuth 2.1 has dropped it, because a challenge does more.
        let may_lack_it = demanded.redirect_uri.is_none() || demanded.challenge.is_some();
        let is_missing = self.redirect_uri.is_none() && may_lack_it;
        if !is_missing && self.redirect_uri != demanded.redirect_uri {
            return Err(GrantDenied::WrongRedirectUri);
        }
        match (&demanded.challenge, &self.verifier) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(GrantDenied::UnexpectedVerifier),
            (Some(_), None) => Err(GrantDenied::WrongVerifier),
            (Some(challenge), Some(verifier)) => {
                let computed = sha256_text(verifier.expose_secret().as_bytes());
                verify_slices_are_equal(computed.as_bytes(), challenge.as_bytes())
                    .map_err(|_| GrantDenied::WrongVerifier)
            }
        }
    }
}
