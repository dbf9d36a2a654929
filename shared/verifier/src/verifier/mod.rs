//! The verifier that a resource server keeps: one issuer's keys and revocations, and the order of
//! the checks.

mod builder;

use std::sync::Arc;

pub use builder::{InvalidConfiguration, VerifierBuilder};

use crate::published_keys::{PublishedKeys, Signed};
use crate::revocation::RevocationFeed;
use crate::{
    AccessTokenClaims, BearerToken, CLOCK_SKEW_SECONDS, Clock, Expectations, Refusal,
    RequiredScopes, RevocationSource, RevocationStatus, SourceUnavailable, VerificationKeys,
    VerifiedClaims, verdict,
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

/// The source of revocations.
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

    /// Authorizes a request: takes the bearer token from the values of all its `Authorization`
    /// headers, verifies it, and checks its scopes.
    ///
    /// # Errors
    /// [`Refusal`], which makes the response to the caller: [`Refusal::challenge`].
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
    /// [`Refusal::Rejected`] when the token is not valid, [`Refusal::Unavailable`] when it cannot
    /// be judged now.
    pub async fn verify(&self, token: &str) -> Result<VerifiedClaims, Refusal> {
        let check = |keys: &VerificationKeys| keys.signed_claims(token);
        let signed = self.keys.prove(Signed::Token, check).await;
        let signed = signed.map_err(SourceUnavailable::Keys)??;
        let expected = Expectations {
            issuer: &self.issuer,
            audience: Some(self.audience_of(&signed.claims)),
            now: self.clock.now().seconds(),
            leeway: CLOCK_SKEW_SECONDS,
        };
        // A token that is refused for its claims, such as an expired one, needs no lookup of
        // revocations.
        expected.check(&signed.claims)?;
        let standing = match &self.revocations {
            Revocations::Unseen => RevocationStatus::default(),
            Revocations::Feed(feed) => feed.status_of(&signed, expected.now).await?,
            Revocations::Source(source) => source.status_of(&signed, expected.now).await?,
        };
        verdict(&signed.claims, &expected, &standing)?;
        Ok(VerifiedClaims::new(signed.claims))
    }

    /// Renews the view of the revocation feed if that is due. Requests do that themselves; in a
    /// server that calls this from time to time, they need not wait for it.
    pub async fn refresh_revocations(&self) {
        if let Revocations::Feed(feed) = &self.revocations {
            feed.refresh_if_overdue(self.clock.now().seconds()).await;
        }
    }

    /// The age of the view of the revocation feed, in seconds, for a metric; `None` before the
    /// first response, and without the feed.
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

    /// The audience to expect: one of ours that the token names, or if it names none, any of ours.
    fn audience_of(&self, claims: &AccessTokenClaims) -> &str {
        let named = self.audiences.iter().find(|own| claims.aud.contains(own));
        named.unwrap_or(&self.audiences[0])
    }
}
