//! An attempt to sign in: what is sent to the upstream, and what comes back is held against.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tokensmith_verifier::paths;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

use crate::Issuer;
use crate::credential::{HmacKey, random_id, sha256_text};
use crate::error::{Error, SignInDenied, Unavailable, UpstreamDenied};
use crate::fetched::{Document, Reach, Wanted};
use crate::names::UpstreamName;
use crate::store::records::Upstream;
use crate::upstream::metadata::UpstreamMetadata;
use std::sync::Arc;

/// One attempt of one browser at one upstream. It travels in `state`, sealed.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Attempt {
    /// Its random name.
    id: String,
    /// The version of the HMAC key that its secrets are derived from.
    key_version: u32,
    /// Where it was sent to: what another upstream answers to it is not accepted (RFC 9700 §4.4.2).
    pub upstream: UpstreamName,
}

/// What only this browser and this issuer can compute together.
pub(super) struct AttemptSecrets {
    /// RFC 7636 §4.1: 256 bits.
    pub(super) verifier: Zeroizing<String>,
    /// OpenID Connect Core 1.0 §3.1.2.1.
    pub(super) nonce: String,
}

impl AttemptSecrets {
    /// `binding` is a secret of the browser.
    fn derive(key: &HmacKey, attempt: &Attempt, binding: &str) -> Self {
        let parts = [attempt.id.as_str(), attempt.upstream.as_str(), binding];
        let derived = |purpose| URL_SAFE_NO_PAD.encode(key.derive(purpose, &parts));
        Self {
            verifier: Zeroizing::new(derived("upstream code verifier")),
            nonce: derived("upstream nonce"),
        }
    }

    /// RFC 7636 §4.2.
    fn challenge(&self) -> String {
        sha256_text(self.verifier.as_bytes())
    }
}

impl Issuer {
    /// A new attempt at `upstream`.
    ///
    /// # Errors
    /// [`Unavailable`] when the HMAC key fails.
    pub async fn attempt(&self, upstream: &Upstream) -> Result<Attempt, Unavailable> {
        let key = self.hmac_keys()?.newest(self.clock.now()).await?;
        Ok(Attempt {
            id: random_id(),
            key_version: key.version(),
            upstream: upstream.name.clone(),
        })
    }

    /// Where a browser signs in at `upstream` (OpenID Connect Core 1.0 §3.1.2.1). `binding` is a secret of the browser, and `prompt`
    /// what the upstream should ask in any case.
    ///
    /// # Errors
    /// [`Unavailable`] when the metadata of the upstream or the HMAC key fail; [`UpstreamDenied`] when the metadata are not its own.
    pub async fn ask_upstream(
        &self,
        upstream: &Upstream,
        attempt: &Attempt,
        binding: &str,
        state: &str,
        prompt: Option<&str>,
    ) -> Result<String, Error> {
        let metadata = self.metadata_of(upstream).await?;
        let secrets = self.secrets_of(attempt, binding).await?;
        let endpoint = metadata.content.authorization_endpoint.as_str();
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        let mut query = Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &upstream.client_id)
            .append_pair("redirect_uri", &self.redirect_uri_at(upstream))
            .append_pair("scope", &scope_at(upstream))
            .append_pair("state", state)
            .append_pair("nonce", &secrets.nonce)
            .append_pair("code_challenge", &secrets.challenge())
            .append_pair("code_challenge_method", "S256");
        if let Some(prompt) = prompt {
            query.append_pair("prompt", prompt);
        }
        Ok(format!("{endpoint}{separator}{}", query.finish()))
    }

    /// The redirect URI that this service has at `upstream`, and at no other one.
    pub fn redirect_uri_at(&self, upstream: &Upstream) -> String {
        redirect_uri(&self.config.issuer, &upstream.name)
    }

    pub(super) async fn metadata_of(
        &self,
        upstream: &Upstream,
    ) -> Result<Arc<Document<UpstreamMetadata>>, Error> {
        let unusable = |_| UpstreamDenied::WrongUpstreamMetadata;
        // Whether it may be reached is decided where it is fetched.
        let url = upstream.issuer.metadata(Reach::Private).map_err(unusable)?;
        let published = self.upstreams.published()?;
        let metadata = published.metadata.get(&url, Wanted::Usual).await?;
        // They may differ in a slash at the end.
        match metadata.content.issuer == upstream.issuer.as_str() {
            true => Ok(metadata),
            false => Err(UpstreamDenied::WrongUpstreamMetadata.into()),
        }
    }

    pub(super) async fn secrets_of(
        &self,
        attempt: &Attempt,
        binding: &str,
    ) -> Result<AttemptSecrets, Error> {
        let now = self.clock.now();
        let key = match self.hmac_keys()?.version(attempt.key_version, now).await {
            Ok(key) => key,
            // It was withdrawn meanwhile.
            Err(Error::Denied(_)) => return Err(SignInDenied::ExpiredForm.into()),
            Err(unavailable) => return Err(unavailable),
        };
        Ok(AttemptSecrets::derive(&key, attempt, binding))
    }
}

/// The redirect URI of an issuer at the upstream of this name.
pub(crate) fn redirect_uri(issuer: &crate::names::IssuerUrl, name: &UpstreamName) -> String {
    format!("{}?name={name}", issuer.join(paths::UPSTREAM))
}

fn scope_at(upstream: &Upstream) -> String {
    let others = upstream.scopes.iter().map(ToString::to_string);
    let others = others.filter(|scope| scope != "openid");
    let all: Vec<String> = std::iter::once("openid".to_owned()).chain(others).collect();
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 §4.1, OpenID Connect Core 1.0 §15.5.2: whoever sees an address computes neither.
    #[test]
    fn the_secrets_of_an_attempt_belong_to_browser_upstream_and_attempt() {
        let attempt = |id: &str, upstream: &str| Attempt {
            id: id.to_owned(),
            key_version: 1,
            upstream: upstream.parse().expect("a name"),
        };
        let (key, other) = (HmacKey::new(1, &[7; 32]), HmacKey::new(1, &[8; 32]));
        let secrets = AttemptSecrets::derive(&key, &attempt("a", "one"), "browser");
        assert_eq!(secrets.verifier.len(), 43);
        assert_ne!(*secrets.verifier, secrets.nonce);
        let same = AttemptSecrets::derive(&key, &attempt("a", "one"), "browser");
        assert_eq!(
            (&secrets.verifier, &secrets.nonce),
            (&same.verifier, &same.nonce)
        );
        for different in [
            AttemptSecrets::derive(&key, &attempt("b", "one"), "browser"),
            AttemptSecrets::derive(&key, &attempt("a", "two"), "browser"),
            AttemptSecrets::derive(&key, &attempt("a", "one"), "another"),
            AttemptSecrets::derive(&other, &attempt("a", "one"), "browser"),
        ] {
            assert_ne!(secrets.verifier, different.verifier);
            assert_ne!(secrets.nonce, different.nonce);
        }
    }
}
