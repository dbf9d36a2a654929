//! What a token request was granted: the answer to the client, and what is logged.

use bytes::Bytes;
use http::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokensmith_verifier::dpop::DPOP_SCHEME;

use crate::credential::GrantId;
use crate::endpoint::answer::{add_limit_headers, uncached_json};
use crate::event::{DelegationChain, IssuedToken, Known, RequestEvent};
use crate::grant::ACCESS_TOKEN_TYPE;
use crate::limit::Standing;
use crate::names::ClientId;
use crate::store::records::GrantType;
use crate::token::{MintedIdToken, MintedToken};

/// The tokens that a request was granted.
pub(super) struct IssuedTokens {
    pub client: ClientId,
    pub access_token: MintedToken,
    /// The grant that advanced, and what comes of it.
    pub redeemed: Option<Redeemed>,
    /// How those stand that are limited.
    pub standings: Vec<Standing>,
}

/// What a redeemed generation of a grant is worth besides an access token.
pub(super) struct Redeemed {
    pub grant: GrantId,
    /// The next generation, if the client may use it.
    pub refresh_token: Option<SecretString>,
    pub id_token: Option<MintedIdToken>,
    /// When the grant ends unless it is used again, in seconds from now.
    pub idle_in: u64,
    /// When it ends in any case, in seconds from now.
    pub ends_in: u64,
}

impl IssuedTokens {
    /// The answer to the client.
    pub(super) fn answer(&self, grant_type: GrantType) -> Response<Bytes> {
        let scope = self.access_token.scopes.to_string();
        let redeemed = self.redeemed.as_ref();
        let refresh_token = redeemed.and_then(|redeemed| redeemed.refresh_token.as_ref());
        let id_token = redeemed.and_then(|redeemed| redeemed.id_token.as_ref());
        let of_grant = redeemed.filter(|_| refresh_token.is_some());
        let is_exchange = grant_type == GrantType::TokenExchange;
        let mut answer = uncached_json(&TokenAnswer {
            access_token: self.access_token.expose_secret(),
            issued_token_type: is_exchange.then_some(ACCESS_TOKEN_TYPE),
            token_type: match self.access_token.bound_to {
                Some(_) => DPOP_SCHEME,
                None => "Bearer",
            },
            expires_in: self.access_token.expires_in,
            refresh_token: refresh_token.map(ExposeSecret::expose_secret),
            refresh_token_timeout: of_grant.map(|redeemed| redeemed.idle_in),
            authorization_expires_in: of_grant.map(|redeemed| redeemed.ends_in),
            id_token: id_token.map(ExposeSecret::expose_secret),
            scope: (!scope.is_empty()).then_some(&scope),
        });
        add_limit_headers(answer.headers_mut(), &self.standings);
        answer
    }

    /// What is logged.
    pub(super) fn event(self, known: Known, grant_type: GrantType) -> RequestEvent {
        let Known { rule, key, .. } = known;
        let (client, token) = (self.client, IssuedToken::of(&self.access_token));
        let chain = DelegationChain::of(&self.access_token);
        let grant = self.redeemed.map(|redeemed| redeemed.grant);
        match grant {
            Some(grant) if grant_type == GrantType::RefreshToken => RequestEvent::Refreshed {
                client,
                rule,
                grant_type,
                grant,
                token,
            },
            grant => RequestEvent::Issued {
                client,
                rule,
                key,
                grant_type,
                grant,
                token,
                chain,
            },
        }
    }
}

/// RFC 6749 §5.1, RFC 8693 §2.2.1.
#[derive(Serialize)]
struct TokenAnswer<'a> {
    access_token: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_token_type: Option<&'a str>,
    token_type: &'a str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    /// How long the refresh token is valid unless it is used, in seconds (draft-ietf-oauth-refresh-token-expiration-03).
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_timeout: Option<u64>,
    /// How long the grant is valid in any case, in seconds (the same draft).
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_expires_in: Option<u64>,
    /// OpenID Connect Core 1.0 §3.1.3.3.
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}
