//! Exchanging an access token that was sent to the API of a client (RFC 8693).

use super::Issue;
use crate::Issuer;
use crate::client::{AuthenticatedClient, Evidence, PresentedCredentials, Target};
use crate::endpoint::client::authenticate;
use crate::error::{ClientDenied, Error};
use crate::event::Known;
use crate::grant::AskedAccess;
use crate::grant::token_exchange::{Delegation, PresentedTokens, SignedDelegation};
use crate::revocation::{ReadLinks, read_links};
use crate::store::records::GrantType;
use crate::token;

impl Issuer {
    /// Exchanges access tokens of this issuer for one with the same subject, with which the client acts. Nothing is read for
    /// who may not exchange them.
    pub(super) async fn exchange(
        &self,
        presented: &PresentedCredentials,
        tokens: &PresentedTokens,
        asked: &AskedAccess,
        known: &mut Known,
    ) -> Result<Issue, Error> {
        let mut evidence = self.gather(presented, known).await?;
        let authenticated = self.clients.decide(&mut evidence, exchanger);
        authenticated.await?;
        let delegation = self.live_delegation(&mut evidence, tokens, asked).await?;
        let now = evidence.now();
        let decided = self.clients.decide(&mut evidence, |evidence| {
            let client = exchanger(evidence)?;
            let id = &client.record().id;
            delegation.check(id, evidence.resources())?;
            let granted = delegation.grant(id, asked.clone())?;
            let (resources, ttl) = (evidence.resources(), self.config.access_ttl);
            let approved = token::approve(&client, granted, resources, ttl, now)?;
            delegation.check_binding(client.key()?, approved.is_bound())?;
            Ok((client, approved))
        });
        let (client, approved) = decided.await?;
        self.issue_approved(&client, approved, evidence).await
    }

    /// Judges the tokens by one strongly consistent read of the records that can have ended them, once it is clear that the
    /// client may exchange them.
    async fn live_delegation(
        &self,
        evidence: &mut Evidence<'_>,
        tokens: &PresentedTokens,
        asked: &AskedAccess,
    ) -> Result<Delegation, Error> {
        let now = self.clock.now();
        let (keys, expected) = (self.keys.at(now).await?, self.expected_of_own_tokens(now));
        let signed = SignedDelegation::verify(tokens, &keys, &expected)?;
        let target = Target::Exchanged(signed.resources(asked));
        self.clients.aim(evidence, target).await?;
        let checked = self.clients.decide(evidence, |evidence| {
            Ok(signed.check(evidence.client_id(), evidence.resources())?)
        });
        checked.await?;
        let read = read_links(&self.table, &signed.claims(), now).await?;
        let statuses: Vec<_> = read.iter().map(ReadLinks::status).collect();
        Ok(signed.judge(&statuses, &keys, &expected, now)?)
    }
}

/// The client, if it authenticates, may exchange tokens and has proven who it is.
fn exchanger(evidence: &Evidence<'_>) -> Result<AuthenticatedClient, Error> {
    let client = authenticate(evidence, GrantType::TokenExchange)?;
    match client.record().is_public() {
        true => Err(ClientDenied::PublicCaller.into()),
        false => Ok(client),
    }
}
