//! What a resource server holds: one issuer's keys, its revocations, and the order of the steps.

mod builder;

use std::sync::Arc;

pub use builder::{InvalidConfiguration, VerifierBuilder};

use crate::published_keys::PublishedKeys;
use crate::revocation::RevocationFeed;
use crate::{
    AccessTokenClaims, BearerToken, CLOCK_SKEW_SECONDS, Clock, Expectations, Refusal,
    RequiredScopes, RevocationSource, RevocationStatus, SourceUnavailable, VerifiedClaims, verdict,
};

/// Verifies the access tokens of one issuer for one resource server (RFC 9068 §4).
///
/// Make one at start and keep it: it holds the issuer's keys. It runs within a tokio runtime that
/// has its timers enabled.
#[derive(Debug)]
pub struct Verifier {
    issuer: String,
    /// At least one.
    audiences: Vec<String>,
    clock: Clock,
    keys: PublishedKeys,
    revocations: Revocations,
}

/// Where revocations are known from.
#[derive(Debug)]
enum Revocations {
    /// A revoked token is accepted until it expires.
    Unseen,
    Feed(RevocationFeed),
    Source(Arc<dyn RevocationSource>),
}

impl Verifier {
    /// Starts the configuration of a verifier for the tokens of `issuer`, a URL without path.
    pub fn builder(issuer: impl Into<String>) -> VerifierBuilder {
        VerifierBuilder::new(issuer.into())
    }

    /// Lets a request through, or says why not: extracts the bearer token from the values of all
    /// its `Authorization` headers, verifies it, and checks its scopes.
    ///
    /// # Errors
    /// [`Refusal`], which knows the answer: [`Refusal::challenge`].
    pub async fn authorize<'a>(
        &self,
        authorization: impl IntoIterator<Item = &'a [u8]>,
        required: &RequiredScopes,
    ) -> Result<VerifiedClaims, Refusal> {
        let token = BearerToken::from_headers(authorization)?;
        let claims = self.verify(token.expose()).await?;
        claims.require(required)?;
        Ok(claims)
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// [`Refusal::Rejected`] when the token is not good, [`Refusal::Unavailable`] when that cannot
    /// be told now.
    pub async fn verify(&self, token: &str) -> Result<VerifiedClaims, Refusal> {
        let signed = self.keys.prove(|keys| keys.signed_claims(token)).await;
        let claims = signed.map_err(SourceUnavailable::Keys)??;
        let expected = Expectations {
            issuer: &self.issuer,
            audience: Some(self.audience_of(&claims)),
            now: self.clock.now().seconds(),
            leeway: CLOCK_SKEW_SECONDS,
        };
        // What is dead by what it says needs no look at revocations.
        expected.check(&claims)?;
        let standing = match &self.revocations {
            Revocations::Unseen => RevocationStatus::default(),
            Revocations::Feed(feed) => feed.status_of(&claims, expected.now).await?,
            Revocations::Source(source) => source.status_of(&claims, expected.now).await?,
        };
        verdict(&claims, &expected, &standing)?;
        Ok(VerifiedClaims::new(claims))
    }

    /// Renews the view of the revocation feed if that is due. Requests do that themselves; a
    /// server that calls this from time to time spares them the wait.
    pub async fn refresh_revocations(&self) {
        if let Revocations::Feed(feed) = &self.revocations {
            feed.refresh_if_overdue(self.clock.now().seconds()).await;
        }
    }

    /// How old what is known from the revocation feed is, in seconds, for a metric; `None` before
    /// the first answer, and without the feed.
    pub fn revocation_staleness(&self) -> Option<u64> {
        match &self.revocations {
            Revocations::Feed(feed) => feed.view().staleness(self.clock.now().seconds()),
            Revocations::Unseen | Revocations::Source(_) => None,
        }
    }

    /// The protection space to name in challenges: the first audience.
    pub fn realm(&self) -> &str {
        &self.audiences[0]
    }

    /// The audience to expect: the one of ours that the token names, or any that it does not.
    fn audience_of(&self, claims: &AccessTokenClaims) -> &str {
        let named = self.audiences.iter().find(|own| claims.aud.contains(own));
        named.unwrap_or(&self.audiences[0])
    }
}
