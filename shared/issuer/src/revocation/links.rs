//! What a token rests on: itself, and everything that it was exchanged for. With any of it, the token ends.

use tokensmith_verifier::{AccessTokenClaims, Actor, Parent};

use crate::credential::{ApiKeyId, GrantId};
use crate::names::ClientId;
use crate::store::AnyKey;
use crate::store::records::{ApiKey, Client, Grant, RevokedToken, Subject};

/// One thing that a token rests on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Link {
    /// An access token: itself, or one that it was exchanged for.
    Token {
        /// Its id.
        jti: String,
        /// The client that it was issued to.
        client: ClientId,
        /// The grant that it comes from.
        grant: Option<GrantId>,
    },
    /// An API key.
    ApiKey(ApiKeyId),
}

/// All that a token rests on.
#[derive(Clone, Debug)]
pub(super) struct Links {
    /// The oldest first, and at last the token itself.
    pub(super) links: Vec<Link>,
    /// Its subject and its actors. An actor may be a client, which has no record of this kind.
    pub(super) subjects: Vec<String>,
}

impl Links {
    /// What a token with these claims rests on; `None` when a name in it is none that was ever given.
    pub(super) fn of(claims: &AccessTokenClaims) -> Option<Self> {
        let own = Link::token(&claims.jti, &claims.client_id, claims.grant_id.as_deref());
        let links = claims.parents.iter().map(|parent| match parent {
            Parent::Token {
                jti,
                client_id,
                grant_id,
                kid: _,
            } => Link::token(jti, client_id, grant_id.as_deref()),
            Parent::ApiKey { key } => key.parse().ok().map(Link::ApiKey),
        });
        let actors = claims.act.iter().flat_map(Actor::chain);
        Some(Self {
            links: links.chain([own]).collect::<Option<_>>()?,
            subjects: [claims.sub.as_str()]
                .into_iter()
                .chain(actors)
                .map(str::to_owned)
                .collect(),
        })
    }

    /// The keys of all records that can have ended it.
    pub(super) fn keys(&self) -> Vec<Box<dyn AnyKey + Send>> {
        let mut keys: Vec<Box<dyn AnyKey + Send>> = Vec::new();
        for subject in &self.subjects {
            keys.push(Box::new(Subject::key_of(subject)));
        }
        for link in &self.links {
            match link {
                Link::Token { jti, client, grant } => {
                    keys.push(Box::new(Client::key_of(client)));
                    keys.push(Box::new(RevokedToken::key_of(jti)));
                    if let Some(grant) = grant {
                        keys.push(Box::new(Grant::key_of(*grant)));
                    }
                }
                Link::ApiKey(key) => keys.push(Box::new(ApiKey::key_of(key))),
            }
        }
        keys
    }
}

impl Link {
    fn token(jti: &str, client: &str, grant: Option<&str>) -> Option<Self> {
        Some(Self::Token {
            jti: jti.to_owned(),
            client: client.parse().ok()?,
            grant: grant.map(str::parse).transpose().ok()?,
        })
    }
}
