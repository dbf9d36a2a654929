//! Whether tokens are revoked, read from the table.

use tokensmith_verifier::{AccessTokenClaims, RevocationStatus, Timestamp};

use super::links::{Link, Links};
use crate::store::records::{ApiKey, Client, Grant, RevokedToken, Subject};
use crate::store::{Found, StoreError, TableReader};

/// Reads, strongly consistent and at once, every record that can have revoked a token: its own, and those of everything
/// that it was exchanged for. Whether a key was withdrawn is not among them: who verifies a token has read the keys.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub(crate) async fn read_status(
    table: &TableReader,
    claims: &AccessTokenClaims,
    now: Timestamp,
) -> Result<RevocationStatus, StoreError> {
    let read = read_links(table, &[claims], now).await?;
    let statuses = read.iter().map(ReadLinks::status);
    Ok(statuses.fold(RevocationStatus::default(), RevocationStatus::or))
}

/// The same of several tokens, by one read. What it says of each stands at the place of the token.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub(crate) async fn read_links(
    table: &TableReader,
    tokens: &[&AccessTokenClaims],
    now: Timestamp,
) -> Result<Vec<ReadLinks>, StoreError> {
    let links: Vec<_> = tokens.iter().map(|claims| Links::of(claims)).collect();
    let keys: Vec<_> = links.iter().flatten().flat_map(Links::keys).collect();
    let keys: Vec<_> = keys.iter().map(|key| &**key as _).collect();
    let found = match keys.is_empty() {
        true => Found::default(),
        false => table.get_several(&keys).await?,
    };
    let read = links.into_iter().map(|links| match links {
        // It names what has never been, so that nothing of it is left.
        None => Ok(ReadLinks::gone()),
        Some(links) => ReadLinks::find(links, &found, now),
    });
    read.collect()
}

/// What one read says of a token, link by link.
#[derive(Clone, Debug)]
pub(crate) struct ReadLinks {
    /// Each thing that the token was exchanged for, the oldest first, and at last the token itself.
    pub(crate) links: Vec<(Link, RevocationStatus)>,
    /// Its subject, and its actors from the current one.
    pub(crate) subjects: Vec<(String, RevocationStatus)>,
}

impl ReadLinks {
    /// What it says of the token as a whole.
    pub(crate) fn status(&self) -> RevocationStatus {
        let links = self.links.iter().map(|(_, status)| *status);
        let subjects = self.subjects.iter().map(|(_, status)| *status);
        links
            .chain(subjects)
            .fold(RevocationStatus::default(), RevocationStatus::or)
    }

    fn gone() -> Self {
        Self {
            links: Vec::new(),
            subjects: vec![(String::new(), RevocationStatus::GONE)],
        }
    }

    fn find(links: Links, found: &Found, now: Timestamp) -> Result<Self, StoreError> {
        let subjects = links.subjects.into_iter().map(|name| {
            let record = found.find(&Subject::key_of(&name))?;
            let not_before = record.and_then(|subject| subject.not_before);
            let status = RevocationStatus {
                subject_not_before: not_before.map(Timestamp::seconds),
                ..RevocationStatus::default()
            };
            Ok((name, status))
        });
        let links = links.links.into_iter().map(|link| {
            let status = status_of(&link, found, now)?;
            Ok((link, status))
        });
        Ok(Self {
            links: links.collect::<Result<_, StoreError>>()?,
            subjects: subjects.collect::<Result<_, StoreError>>()?,
        })
    }
}

fn status_of(link: &Link, found: &Found, now: Timestamp) -> Result<RevocationStatus, StoreError> {
    Ok(match link {
        Link::Token { jti, client, grant } => {
            let client = found.find(&Client::key_of(client))?;
            let grant = grant.map(|grant| found.find(&Grant::key_of(grant)));
            let grant = grant.transpose()?;
            RevocationStatus {
                token_revoked: found.find(&RevokedToken::key_of(jti))?.is_some(),
                grant_revoked: grant
                    .is_some_and(|grant| grant.is_none_or(|grant| grant.revoked_at.is_some())),
                client_not_before: match client.filter(|client| client.is_usable()) {
                    None => RevocationStatus::GONE.client_not_before,
                    Some(client) => client.not_before.map(Timestamp::seconds),
                },
                ..RevocationStatus::default()
            }
        }
        Link::ApiKey(key) => RevocationStatus {
            api_key_ended: found
                .find(&ApiKey::key_of(key))?
                .is_none_or(|key| key.has_ended(now)),
            ..RevocationStatus::default()
        },
    })
}
