//! What a token rests on, link by link, for an operator who asks why it is dead.

use tokensmith_verifier::{AccessTokenClaims, Parent, Rejection, RevocationStatus};

use crate::Issuer;
use crate::error::Unavailable;
use crate::revocation::{Link, read_links};

/// The chain of an exchanged token.
#[derive(Clone, Debug)]
pub struct TokenChain {
    /// Its subject, and its actors from the current one; each with what has ended it.
    pub subjects: Vec<(String, Option<Rejection>)>,
    /// What it was exchanged for, the oldest first, and at last the token itself; each with what has ended it.
    pub links: Vec<(Link, Option<Rejection>)>,
}

impl Issuer {
    /// The chain of a token that this issuer has signed (`BatchGetItem`).
    ///
    /// # Errors
    /// [`Unavailable`] when keys or records cannot be read.
    pub async fn chain_of(&self, claims: &AccessTokenClaims) -> Result<TokenChain, Unavailable> {
        let now = self.clock.now();
        let keys = self.keys.at(now).await?;
        let read = read_links(&self.table, &[claims], now).await?;
        let (mut subjects, mut links) = (Vec::new(), Vec::new());
        for read in read {
            let judged = |(name, status): (_, RevocationStatus)| (name, status.rejection(claims));
            subjects.extend(read.subjects.into_iter().map(judged));
            let signers = claims.parents.iter().map(Parent::key_id).chain([None]);
            for ((link, status), signer) in read.links.into_iter().zip(signers) {
                let status = RevocationStatus {
                    key_withdrawn: signer.is_some_and(|key| keys.is_withdrawn(key)),
                    ..status
                };
                links.push((link, status.rejection(claims)));
            }
        }
        Ok(TokenChain { subjects, links })
    }
}
