//! The verifier that a resource server keeps: one issuer's keys and revocations, and the order of
//! the checks.

mod builder;

use std::fmt;
use std::sync::Arc;

pub use builder::{InvalidConfiguration, VerifierBuilder};

use crate::dpop::{DpopProof, DpopRejection, ExpectedProof, SeenProofs};
use crate::published_keys::{PublishedKeys, Signed};
use crate::revocation::RevocationFeed;
use crate::trace;
use crate::{
    AccessTokenClaims, BearerToken, CLOCK_SKEW_SECONDS, Challenge, Clock, Expectations, Refusal,
    Rejection, RequiredScopes, RevocationSource, RevocationStatus, SourceUnavailable, TokenScheme,
    VerificationKeys, VerifiedClaims, verdict,
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
    /// How tokens may be sent.
    schemes: &'static [TokenScheme],
    seen: SeenProofs,
    on_refusal: Option<RefusalHook>,
}

/// What an embedder does with refusals.
struct RefusalHook(Arc<dyn Fn(&Refusal) + Send + Sync>);

impl fmt::Debug for RefusalHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefusalHook(…)")
    }
}

/// What of a request its authorization rests on.
#[derive(Clone, Debug)]
pub struct ProtectedRequest<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its URL as callers know it, which is not always the one that a server behind a gateway sees. Query and fragment do
    /// not matter. It must not come from a `Host` header that nobody has checked.
    pub url: &'a str,
    /// The values of all its `Authorization` headers.
    pub authorization: Vec<&'a [u8]>,
    /// The values of all its `DPoP` headers.
    pub dpop: Vec<&'a [u8]>,
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
    /// headers, verifies it, and checks its scopes. A token that is bound to a key is refused here: see
    /// [`Self::authorize_request`].
    ///
    /// # Errors
    /// [`Refusal`], which makes the response to the caller: [`Refusal::challenge`].
    pub async fn authorize<'a>(
        &self,
        authorization: impl IntoIterator<Item = &'a [u8]>,
        required: &RequiredScopes,
    ) -> Result<VerifiedClaims, Refusal> {
        let authorized = async {
            let token = BearerToken::from_headers(authorization)?;
            if !self.schemes.contains(&TokenScheme::Bearer) {
                return Err(Refusal::NoToken);
            }
            let claims = self.verify(token.expose()).await?;
            claims.require(required)?;
            Ok(claims)
        };
        self.told(authorized.await)
    }

    /// Authorizes a request whose token may be bound to a key: takes token and DPoP proof from its headers, verifies both
    /// (RFC 9449 §7.1), and checks the token's scopes. What the builder was told says which tokens are accepted.
    ///
    /// # Errors
    /// [`Refusal`], which makes the response to the caller: [`Self::challenge`].
    pub async fn authorize_request(
        &self,
        request: &ProtectedRequest<'_>,
        required: &RequiredScopes,
    ) -> Result<VerifiedClaims, Refusal> {
        let authorized = async {
            let values = request.authorization.iter().copied();
            let (scheme, token) = BearerToken::of_any_scheme(values)?;
            if !self.schemes.contains(&scheme) {
                return Err(Refusal::NoToken);
            }
            let claims = match scheme {
                TokenScheme::Bearer => self.verify(token.expose()).await?,
                TokenScheme::Dpop => self.verify_bound(token.expose(), request).await?,
            };
            claims.require(required)?;
            Ok(claims)
        };
        self.told(authorized.await)
    }

    /// The same, after the embedder has heard of a refusal.
    fn told(&self, authorized: Result<VerifiedClaims, Refusal>) -> Result<VerifiedClaims, Refusal> {
        if let Err(refusal) = &authorized {
            trace::refused(refusal);
            if let Some(RefusalHook(hook)) = &self.on_refusal {
                hook(refusal);
            }
        }
        authorized
    }

    /// The answer to a refused request: a challenge for each way in which a token may be sent.
    pub fn challenge(&self, refusal: &Refusal) -> Challenge {
        refusal.challenge_of(self.realm(), self.schemes)
    }

    /// Verifies a bearer token.
    ///
    /// # Errors
    /// [`Refusal::Rejected`] when the token is not valid, or bound to a key; [`Refusal::Unavailable`] when it cannot
    /// be judged now.
    pub async fn verify(&self, token: &str) -> Result<VerifiedClaims, Refusal> {
        let claims = self.judge(token).await?;
        match claims.cnf {
            Some(_) => Err(Rejection::BoundToKey.into()),
            None => Ok(VerifiedClaims::new(claims)),
        }
    }

    /// Verifies a token that is bound to the key of the request's proof (RFC 9449 §4.3, §7.1). The proof is noted last, so that
    /// what is refused uses up nothing.
    async fn verify_bound(
        &self,
        token: &str,
        request: &ProtectedRequest<'_>,
    ) -> Result<VerifiedClaims, Refusal> {
        let now = self.clock.now().seconds();
        let proof = DpopProof::from_headers(request.dpop.iter().copied())?;
        let proof = proof.ok_or(DpopRejection::MissingProof)?;
        proof.check(&ExpectedProof {
            method: request.method,
            url: request.url,
            token: Some(token),
            now: Some(now),
        })?;
        let claims = self.judge(token).await?;
        match &claims.cnf {
            None => return Err(Rejection::NotBound.into()),
            Some(bound) if bound.jkt != *proof.key() => {
                return Err(DpopRejection::AnotherKey.into());
            }
            Some(_) => {}
        }
        match self.seen.note(&proof, now) {
            true => Ok(VerifiedClaims::new(claims)),
            false => Err(DpopRejection::Replayed.into()),
        }
    }

    /// The claims of a live token, however it was sent.
    async fn judge(&self, token: &str) -> Result<AccessTokenClaims, Refusal> {
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
        Ok(signed.claims)
    }

    /// Fetches the issuer's keys, and the feed if it is followed, so that the first request waits for neither: for a server
    /// that says it is ready only when it is. Requests do the same themselves.
    ///
    /// # Errors
    /// [`SourceUnavailable`] when no token could be judged now. It may be called again.
    pub async fn ready(&self) -> Result<(), SourceUnavailable> {
        self.keys.fetched().await.map_err(SourceUnavailable::Keys)?;
        self.refresh_revocations().await;
        match &self.revocations {
            Revocations::Feed(feed)
                if feed.view().staleness(self.clock.now().seconds()).is_none() =>
            {
                Err(SourceUnavailable::StaleRevocations)
            }
            _ => Ok(()),
        }
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

    /// The issuer URL.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn schemes(&self) -> &[TokenScheme] {
        self.schemes
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
