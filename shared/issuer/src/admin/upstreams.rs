//! OpenID providers that people can sign in through.

use secrecy::SecretString;

use super::{AdminEvent, Administrator, Changed};
use crate::error::Unavailable;
use crate::federation::ForeignIssuer;
use crate::keys::{EncryptionContext, KeyUse};
use crate::names::{Scopes, UpstreamName};
use crate::store::records::{SealedSecret, UPSTREAM, Upstream};
use crate::store::{CheckedTime, Insert, StoreError};
use crate::upstream::{redirect_uri, seal_secret};
use tokensmith_verifier::Timestamp;

impl Administrator {
    /// Every upstream.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails, or one of them cannot be read.
    pub async fn upstreams(&self) -> Result<Vec<Upstream>, StoreError> {
        let found = self.table.query_all::<Upstream>(UPSTREAM).await?;
        Ok(found.into_iter().map(|stored| stored.record).collect())
    }

    /// The upstream of this name.
    ///
    /// # Errors
    /// [`UpstreamError`] when there is none, or the table fails.
    pub async fn upstream(&self, name: &UpstreamName) -> Result<Upstream, UpstreamError> {
        let found = self.table.get(&Upstream::key_of(name)).await?;
        let found = found.ok_or_else(|| UpstreamError::Unknown(name.clone()))?;
        Ok(found.record)
    }

    /// The redirect URI that has to be registered for this service at an upstream.
    pub fn redirect_uri_at(&self, name: &UpstreamName) -> String {
        redirect_uri(&self.config.issuer, name)
    }

    /// Registers an upstream.
    ///
    /// # Errors
    /// [`UpstreamError`] when the name is taken, it cannot be one, or the table or the HMAC key fail.
    pub async fn create_upstream(
        &self,
        wanted: NewUpstream,
    ) -> Result<Changed<Upstream>, UpstreamError> {
        let event = AdminEvent::UpstreamCreated {
            upstream: wanted.name.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            if wanted.issuer.as_str().trim_end_matches('/') == self.config.issuer.as_str() {
                return Err(UpstreamError::OwnIssuer);
            }
            wanted.check()?;
            if self.upstreams().await?.len() >= MOST {
                return Err(UpstreamError::TooMany);
            }
            let secret = self.sealed_secret(&wanted).await?;
            let upstream = wanted.record(secret, time.now());
            match self.table.insert(&upstream).await? {
                Insert::Inserted => Ok(self.cached(upstream, made, time)),
                Insert::Exists(_) => Err(UpstreamError::Exists(upstream.name)),
            }
        };
        self.recorded(event, change).await
    }

    /// Deletes an upstream: nobody signs in through it any more. The links of users stay, and are used again when one with the same
    /// issuer is registered.
    ///
    /// # Errors
    /// [`UpstreamError`] when there is no such upstream, or the table fails.
    pub async fn delete_upstream(&self, name: &UpstreamName) -> Result<Changed<()>, UpstreamError> {
        let event = AdminEvent::UpstreamDeleted {
            upstream: name.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            self.upstream(name).await?;
            self.table.delete(&Upstream::key_of(name)).await?;
            Ok(self.cached((), made, time))
        };
        self.recorded(event, change).await
    }

    /// The secret of `wanted`, encrypted with a new key.
    async fn sealed_secret(
        &self,
        wanted: &NewUpstream,
    ) -> Result<Option<SealedSecret>, Unavailable> {
        let Some(secret) = &wanted.secret else {
            return Ok(None);
        };
        let context = EncryptionContext::new(&self.config.issuer, KeyUse::Upstream);
        let wrapped = self.maker.new_secret(context).await?;
        let key = self.opener.unwrap(&wrapped).await?;
        let context = (&wanted.name, &wanted.issuer, wanted.client_id.as_str());
        seal_secret(&key, wrapped, context, secret).map(Some)
    }
}

/// The upstream that is to be registered.
#[derive(Debug)]
pub struct NewUpstream {
    /// Its name here.
    pub name: UpstreamName,
    /// What people are shown.
    pub shown_as: Option<String>,
    /// The `iss` of its ID tokens, exactly as its metadata have it.
    pub issuer: ForeignIssuer,
    /// What this service is called there.
    pub client_id: String,
    /// What this service proves itself with there, if it is no public client.
    pub secret: Option<SecretString>,
    /// What is asked for there besides `openid`.
    pub scopes: Scopes,
    /// Whether somebody who is not known here becomes a user by signing in.
    pub creates_users: bool,
}

impl NewUpstream {
    fn check(&self) -> Result<(), UpstreamError> {
        let is_text = |text: &str, longest: usize| {
            let length = text.chars().count();
            (1..=longest).contains(&length)
                && text.trim() == text
                && !text.chars().any(char::is_control)
        };
        if !is_text(&self.client_id, LONGEST_CLIENT_ID) {
            return Err(UpstreamError::ClientId);
        }
        let shown = self.shown_as.as_deref();
        if !shown.is_none_or(|shown| is_text(shown, LONGEST_SHOWN_NAME)) {
            return Err(UpstreamError::ShownName);
        }
        Ok(())
    }

    fn record(self, secret: Option<SealedSecret>, now: Timestamp) -> Upstream {
        Upstream {
            name: self.name,
            shown_as: self.shown_as,
            issuer: self.issuer,
            client_id: self.client_id,
            secret,
            scopes: self.scopes,
            creates_users: self.creates_users,
            created_at: now,
        }
    }
}

/// Why an upstream is not registered or deleted.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key failed that the secret is encrypted under.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// No upstream has this name.
    #[error("there is no upstream {0}")]
    Unknown(UpstreamName),
    /// An upstream has this name.
    #[error("there is an upstream {0} already: delete it first")]
    Exists(UpstreamName),
    /// People would be sent round in circles.
    #[error("this issuer cannot be an upstream of its own")]
    OwnIssuer,
    /// The client id.
    #[error(
        "a client id has 1 to {LONGEST_CLIENT_ID} printable characters, with no space at either end"
    )]
    ClientId,
    /// What people are shown.
    #[error(
        "what people are shown has 1 to {LONGEST_SHOWN_NAME} printable characters, with no space at either end"
    )]
    ShownName,
    /// Each has a button on the page.
    #[error("there are {MOST} upstreams, and no more are allowed")]
    TooMany,
}

/// How many upstreams there may be: people choose among them.
const MOST: usize = 20;

const LONGEST_CLIENT_ID: usize = 512;
const LONGEST_SHOWN_NAME: usize = 60;
