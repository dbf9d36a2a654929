//! Redeeming a generation of a grant: an authorization code, a device code, or a refresh token.

use super::Issue;
use super::answer::{IssuedTokens, Redeemed};
use crate::Issuer;
use crate::client::{AuthenticatedClient, Evidence, PresentedCredentials, Target};
use crate::credential::{CredentialKind, DeviceCode, GrantCredential};
use crate::device;
use crate::endpoint::client::authenticate;
use crate::error::{Denied, Error, GrantDenied};
use crate::event::Known;
use crate::grant::redeem::{self, Advance, GrantState, ProvenCredential, Step};
use crate::grant::{AskedAccess, PresentedTerms, refresh_token};
use crate::names::OPENID;
use crate::revocation::revoke_grant;
use crate::store::records::{DeviceRequest, Grant, GrantType};
use crate::token::{self, ApprovedToken, IdToken, MintedToken};
use tokensmith_verifier::Timestamp;

/// A generation credential as a request presents it.
pub(super) struct PresentedCredential<'a> {
    unproven: &'a GrantCredential,
    kind: CredentialKind,
    /// What a request with a code presents besides.
    terms: Option<&'a PresentedTerms>,
}

impl<'a> PresentedCredential<'a> {
    /// An authorization code.
    pub(super) fn code(unproven: &'a GrantCredential, terms: &'a PresentedTerms) -> Self {
        Self {
            unproven,
            kind: CredentialKind::AuthorizationCode,
            terms: Some(terms),
        }
    }

    /// A refresh token.
    pub(super) fn refresh_token(unproven: &'a GrantCredential) -> Self {
        Self {
            unproven,
            kind: CredentialKind::RefreshToken,
            terms: None,
        }
    }
}

/// What a credential of this kind is presented with.
const fn grant_type_of(kind: CredentialKind) -> GrantType {
    match kind {
        CredentialKind::AuthorizationCode => GrantType::AuthorizationCode,
        CredentialKind::DeviceCode => GrantType::DeviceCode,
        CredentialKind::RefreshToken => GrantType::RefreshToken,
    }
}

/// What it means that it was used after its end.
const fn reused(kind: CredentialKind) -> GrantDenied {
    match kind {
        CredentialKind::AuthorizationCode => GrantDenied::CodeReused,
        CredentialKind::DeviceCode => GrantDenied::DeviceCodeReused,
        CredentialKind::RefreshToken => GrantDenied::RefreshTokenReused,
    }
}

/// The decision on a credential.
enum Decision {
    Approved(Box<AuthenticatedClient>, Step, Box<ApprovedToken>),
    /// It was used again after its end, so two parties have it: the grant must be revoked.
    Reused,
}

impl Issuer {
    /// Proves the credential, before anything is read, and redeems it.
    pub(super) async fn redeem(
        &self,
        presented: &PresentedCredentials,
        credential: PresentedCredential<'_>,
        asked: &AskedAccess,
        known: &mut Known,
    ) -> Result<Issue, Error> {
        let (unproven, kind) = (credential.unproven.clone(), credential.kind);
        let redeemer = self.redeemer()?;
        let proven = redeemer.prove(unproven, kind, self.clock.now()).await?;
        known.grant = Some(proven.credential().grant_id);
        let mut evidence = self.gather(presented, known).await?;
        let authenticated = self.clients.decide(&mut evidence, |evidence| {
            authenticate(evidence, grant_type_of(kind))
        });
        authenticated.await?;
        let redeemed = self.redeem_proven(evidence, &proven, credential.terms, asked);
        redeemed.await
    }

    /// Finds the grant that a person has given to the device, if one has, and redeems the device's code for it. A poll that comes
    /// to nothing writes nothing.
    pub(super) async fn redeem_device(
        &self,
        presented: &PresentedCredentials,
        code: &DeviceCode,
        asked: &AskedAccess,
        known: &mut Known,
    ) -> Result<Issue, Error> {
        let mut evidence = self.gather(presented, known).await?;
        let authenticated = self.clients.decide(&mut evidence, |evidence| {
            authenticate(evidence, GrantType::DeviceCode)
        });
        let client = authenticated.await?;
        let now = self.clock.now();
        let request = DeviceRequest::key_of(&code.request_id());
        let request = self.table.get(&request).await?;
        let found = device::grant_of(request.as_deref(), &client.record().id, now);
        let grant = match (found, &request) {
            (Err(Error::Denied(Denied::Device(why))), Some(request)) if why.is_pending() => {
                self.polls.note(request, now)?;
                return Err(why.into());
            }
            (found, _) => found?,
        };
        known.grant = Some(grant);
        let proven = ProvenCredential::of_device(code, grant);
        self.redeem_proven(evidence, &proven, None, asked).await
    }

    /// Reads the grant of the credential, decides, signs, and advances the grant.
    async fn redeem_proven(
        &self,
        mut evidence: Evidence<'_>,
        proven: &ProvenCredential,
        terms: Option<&PresentedTerms>,
        asked: &AskedAccess,
    ) -> Result<Issue, Error> {
        let (redeemer, kind) = (self.redeemer()?, proven.credential().kind);
        let now = self.clock.now();
        let mut state = redeemer.read(proven, now).await?;
        let target = Target::Wanted {
            asked: asked.resources.clone(),
            // They never change while the grant lives.
            granted: Some(state.grant.audiences.clone()),
        };
        self.clients.aim(&mut evidence, target).await?;
        let mut permits = None;
        loop {
            let decided = self.clients.decide(&mut evidence, |evidence| {
                self.decide_redemption(evidence, &state, proven, terms, asked, now)
            });
            let Decision::Approved(client, step, approved) = decided.await? else {
                // Whoever repeats a request that the client has sent is not the client, and ends nothing.
                evidence.claim(&self.table).await?;
                let (client, grant) = (state.grant.client_id.clone(), state.grant.id);
                revoke_grant(&self.table, grant, None, now).await?;
                return Ok(Issue::Reused {
                    client,
                    grant,
                    reason: reused(kind),
                });
            };
            // However often a request is decided, it takes one permit.
            if permits.is_none() {
                permits = Some(self.take_permits(&client).await?);
            }
            // Everything is signed before the grant advances, so that a failed signature uses up nothing.
            let access_token = self.mint_for(&client, *approved).await?;
            let id_token = self
                .id_token(&client, &state.grant, kind, &access_token)
                .await?;
            evidence.claim(&self.table).await?;
            let advance = redeemer.advance(&client, &state.grant, step, proven, now);
            match advance.await? {
                Advance::Advanced {
                    grant,
                    refresh_token,
                } => {
                    let client = client.record();
                    let refreshes = client.grant_types.contains(&GrantType::RefreshToken);
                    return Ok(Issue::Tokens(Box::new(IssuedTokens {
                        client: client.id.clone(),
                        access_token,
                        redeemed: Some(Redeemed {
                            refresh_token: refreshes.then_some(refresh_token),
                            id_token,
                            grant: grant.id,
                            idle_in: grant.idle_expires_at.since(now).as_secs(),
                            ends_in: grant.expires_at.since(now).as_secs(),
                        }),
                        standings: permits.unwrap_or_default(),
                    })));
                }
                // Another request advanced the grant first. The signed token is dropped, and the
                // request is decided again on the newer record.
                Advance::LostTo(grant) => state.grant = *grant,
            }
        }
    }

    fn decide_redemption(
        &self,
        evidence: &Evidence<'_>,
        state: &GrantState,
        proven: &ProvenCredential,
        terms: Option<&PresentedTerms>,
        asked: &AskedAccess,
        now: Timestamp,
    ) -> Result<Decision, Error> {
        let client = evidence.authenticate()?;
        let step = redeem::decide(state, client.record(), proven, terms, now)?;
        redeem::check_binding(&state.grant, proven, client.key()?)?;
        if step == Step::Revoke {
            return Ok(Decision::Reused);
        }
        let granted = refresh_token::grant(state, asked.clone());
        let (resources, ttl) = (evidence.resources(), self.config.access_ttl);
        let approved = token::approve(&client, granted, resources, ttl, now)?;
        Ok(Decision::Approved(
            Box::new(client),
            step,
            Box::new(approved),
        ))
    }

    /// Signs the ID token of a grant that a person gave for `openid` (OpenID Connect Core 1.0 §3.1.3.3, §12.2).
    async fn id_token(
        &self,
        client: &AuthenticatedClient,
        grant: &Grant,
        kind: CredentialKind,
        access_token: &MintedToken,
    ) -> Result<Option<token::MintedIdToken>, Error> {
        let Some(sign_in) = &grant.sign_in else {
            return Ok(None);
        };
        if !grant.scopes.has(OPENID) {
            return Ok(None);
        }
        let record = client.record();
        let algorithm = record.algorithm;
        let algorithm = algorithm.unwrap_or_else(|| self.config.default_algorithm());
        let key = self.keys.active(algorithm, client.now()).await?;
        let nonce = grant.code.as_ref().and_then(|code| code.nonce.as_deref());
        let id_token = IdToken {
            client_id: &record.id,
            subject: &grant.subject,
            sign_in,
            nonce: nonce.filter(|_| kind == CredentialKind::AuthorizationCode),
            now: client.now(),
        };
        let minted = id_token
            .mint(access_token, &key, &self.config.issuer)
            .await?;
        Ok(Some(minted))
    }
}
