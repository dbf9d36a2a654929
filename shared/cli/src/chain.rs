//! The chain of an exchanged token, as `tokensmith inspect` draws it.

use serde::Serialize;
use tokensmith_issuer::credential::{ApiKeyId, GrantId};
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::{Link, TokenChain};
use tokensmith_verifier::Rejection;

/// Who has handed a token on to whom, and what of it has ended.
#[derive(Serialize)]
pub struct DisplayedChain {
    /// On one line, from the subject to whoever acts: `alice → app → orders`.
    drawn: String,
    subject: Named,
    /// Whoever acts for the subject, the current actor first.
    actors: Vec<Named>,
    /// What the token rests on, the oldest first, and at last the token itself.
    links: Vec<DisplayedLink>,
}

#[derive(Serialize)]
struct Named {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead: Option<String>,
}

#[derive(Serialize)]
struct DisplayedLink {
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<ClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant_id: Option<GrantId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<ApiKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dead: Option<String>,
}

impl From<TokenChain> for DisplayedChain {
    fn from(chain: TokenChain) -> Self {
        let mut subjects = chain.subjects.into_iter().map(|(name, dead)| Named {
            name,
            dead: dead.map(reason),
        });
        let subject = subjects.next().unwrap_or_else(|| Named {
            name: "nobody".to_owned(),
            dead: None,
        });
        let links: Vec<_> = chain.links.into_iter().map(DisplayedLink::from).collect();
        let drawn = [drawn(&subject.name, subject.dead.as_deref())].into_iter();
        let drawn = drawn.chain(links.iter().map(DisplayedLink::drawn));
        Self {
            drawn: drawn.collect::<Vec<_>>().join(" → "),
            subject,
            actors: subjects.collect(),
            links,
        }
    }
}

impl From<(Link, Option<Rejection>)> for DisplayedLink {
    fn from((link, dead): (Link, Option<Rejection>)) -> Self {
        let (jti, client_id, grant_id, key_id) = match link {
            Link::Token { jti, client, grant } => (Some(jti), Some(client), grant, None),
            Link::ApiKey(key) => (None, None, None, Some(key)),
        };
        Self {
            jti,
            client_id,
            grant_id,
            key_id,
            dead: dead.map(reason),
        }
    }
}

impl DisplayedLink {
    fn drawn(&self) -> String {
        let name = match (&self.client_id, &self.key_id) {
            (Some(client), _) => client.to_string(),
            (None, Some(key)) => format!("API key {key}"),
            (None, None) => String::new(),
        };
        drawn(&name, self.dead.as_deref())
    }
}

fn drawn(name: &str, dead: Option<&str>) -> String {
    match dead {
        None => name.to_owned(),
        Some(reason) => format!("{name} ✗ {reason}"),
    }
}

fn reason(rejection: Rejection) -> String {
    rejection.name().replace('_', " ")
}
