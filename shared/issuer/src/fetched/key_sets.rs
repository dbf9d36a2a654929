//! The key sets of others: at a URL, or where their issuer's metadata says.

use std::sync::Arc;

use serde::Deserialize;
use tokensmith_verifier::Clock;
use tokensmith_verifier::jose::PublicKeySet;

use super::{Document, DocumentUrl, Documents, Parse, Source, Wanted};
use crate::error::Unavailable;

/// The key sets that this process knows.
#[derive(Debug)]
pub(crate) struct KeySets(Option<Known>);

#[derive(Debug)]
struct Known {
    sets: Documents<PublicKeySet>,
    metadata: Documents<Metadata>,
}

impl KeySets {
    /// Nothing is known yet; documents come from `source`. Without one, there are none.
    pub(crate) fn new(source: Option<&Arc<dyn Source>>, clock: &Clock) -> Self {
        Self(source.map(|source| Known {
            sets: Documents::new(source.clone(), clock.clone()),
            metadata: Documents::new(source.clone(), clock.clone()),
        }))
    }

    /// The key set at `url`.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no copy that may be used.
    pub(crate) async fn at(
        &self,
        url: &DocumentUrl,
        wanted: Wanted,
    ) -> Result<Arc<Document<PublicKeySet>>, Unavailable> {
        self.known(url)?.sets.get(url, wanted).await
    }

    /// The key set that the metadata at `url` name (OpenID Connect Discovery 1.0 §4).
    ///
    /// # Errors
    /// [`Unavailable`] when there is no copy of either document that may be used.
    pub(crate) async fn of_issuer(
        &self,
        url: &DocumentUrl,
        wanted: Wanted,
    ) -> Result<Arc<Document<PublicKeySet>>, Unavailable> {
        let known = self.known(url)?;
        let metadata = known.metadata.get(url, Wanted::Usual).await?;
        known.sets.get(&metadata.content.jwks_uri, wanted).await
    }

    fn known(&self, url: &DocumentUrl) -> Result<&Known, Unavailable> {
        let none = || Unavailable::NoDocument(url.host().to_owned());
        self.0.as_ref().ok_or_else(none)
    }
}

impl Parse for PublicKeySet {
    fn parse(_: &DocumentUrl, body: &str) -> Result<Self, String> {
        Self::parse(body.as_bytes()).map_err(|err| err.to_string())
    }
}

/// What is read of an issuer's metadata.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    issuer: String,
    jwks_uri: DocumentUrl,
}

impl Parse for Metadata {
    /// The issuer that it names must be the one that it was asked from (OpenID Connect Discovery 1.0 §4.3).
    fn parse(url: &DocumentUrl, body: &str) -> Result<Self, String> {
        let metadata: Self = serde_json::from_str(body).map_err(|err| err.to_string())?;
        let expected = metadata_url(&metadata.issuer);
        match expected == url.as_str() {
            true => Ok(metadata),
            false => Err("it is the metadata of another issuer".to_owned()),
        }
    }
}

/// Where the metadata of an issuer are (OpenID Connect Discovery 1.0 §4).
pub(crate) fn metadata_url(issuer: &str) -> String {
    format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    )
}
