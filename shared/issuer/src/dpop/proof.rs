use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tokensmith_verifier::Timestamp;
use tokensmith_verifier::dpop::{DPOP_HEADER, DpopProof, ExpectedProof, PROOF_LIFETIME_SECONDS};

use super::nonce::NONCE_LIFETIME;
use crate::Issuer;
use crate::client::Claim;
use crate::error::{DpopDenied, Error};
use std::time::Duration;

impl Issuer {
    /// The DPoP proof of a request to `path`, if it has one. It is for this URL of the issuer, whatever the request calls its
    /// host (RFC 9449 §4.3), and new: by its own time, or by a nonce. That it was not used before is found out when the
    /// request is carried out.
    ///
    /// # Errors
    /// [`DpopDenied`] when it is not accepted; [`Unavailable`](crate::error::Unavailable) when its nonce cannot be judged.
    pub(crate) async fn proof_of(
        &self,
        headers: &HeaderMap,
        method: &Method,
        path: &str,
        token: Option<&str>,
    ) -> Result<Option<DpopProof>, Error> {
        let values = headers.get_all(HEADER).into_iter();
        let proof = DpopProof::from_headers(values.map(HeaderValue::as_bytes))?;
        let Some(proof) = proof else {
            return Ok(None);
        };
        let now = self.clock.now();
        let is_dated = match proof.nonce().filter(|_| self.config.dpop_nonces) {
            Some(nonce) => self.is_own_nonce(nonce, now).await?,
            None => false,
        };
        if self.config.dpop_nonces && !is_dated {
            return Err(DpopDenied::NonceNeeded.into());
        }
        proof.check(&ExpectedProof {
            method: method.as_str(),
            url: &self.config.issuer.join(path),
            token,
            now: (!is_dated).then(|| now.seconds()),
        })?;
        Ok(Some(proof))
    }
}

/// What has to be claimed when a request with this proof is carried out, so that it is accepted once.
pub(crate) fn single_use(proof: &DpopProof, now: Timestamp) -> Claim {
    let longest = Duration::from_secs(PROOF_LIFETIME_SECONDS).max(NONCE_LIFETIME);
    Claim::of_proof(format!("dpop {}", proof.identity()), now.after(longest))
}

const HEADER: HeaderName = HeaderName::from_static(DPOP_HEADER);
