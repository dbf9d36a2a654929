//! What a token request was granted: the answer to the client, and what is logged.

use bytes::Bytes;
use http::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use crate::credential::GrantId;
use crate::endpoint::answer::{add_limit_headers, uncached_json};
use crate::event::{IssuedToken, Known, RequestEvent};
use crate::grant::ACCESS_TOKEN_TYPE;
use crate::limit::Standing;
use crate::names::ClientId;
use crate::store::records::GrantType;
use crate::token::MintedToken;

/// The tokens that a request was granted.
pub(super) struct IssuedTokens {
    pub client: ClientId,
    pub access_token: MintedToken,
    /// The grant that advanced, and its new refresh token.
    pub refreshed: Option<(GrantId, SecretString)>,
    /// How those stand that are limited.
    pub standings: Vec<Standing>,
}

impl IssuedTokens {
    /// The answer to the client.
    pub(super) fn answer(&self, grant_type: GrantType) -> Response<Bytes> {
        let scope = self.access_token.scopes.to_string();
        let refresh_token = self.refreshed.as_ref().map(|(_, token)| token);
        let is_exchange = grant_type == GrantType::TokenExchange;
        let mut answer = uncached_json(&TokenAnswer {
            access_token: self.access_token.expose_secret(),
            issued_token_type: is_exchange.then_some(ACCESS_TOKEN_TYPE),
            token_type: "Bearer",
            expires_in: self.access_token.expires_in,
            refresh_token: refresh_token.map(ExposeSecret::expose_secret),
            scope: (!scope.is_empty()).then_some(&scope),
        });
        add_limit_headers(answer.headers_mut(), &self.standings);
        answer
    }

    /// What is logged.
    pub(super) fn event(self, known: Known, grant_type: GrantType) -> RequestEvent {
        let Known { rule, key, .. } = known;
        let (client, token) = (self.client, IssuedToken::of(&self.access_token));
        match self.refreshed {
            None => RequestEvent::Issued {
                client,
                rule,
                key,
                grant_type,
                token,
            },
            Some((grant, _)) => RequestEvent::Refreshed {
                client,
                rule,
                grant_type,
                grant,
                token,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
}
