//! What is on the account page of somebody: where they are signed in, and what has access. At most so many of each, newest first.

use std::cmp::Reverse;
use std::collections::HashMap;

use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::grant::redeem::GrantState;
use tokensmith_issuer::names::{ClientId, SubjectName};
use tokensmith_issuer::revocation::{GivenPage, given_grants};
use tokensmith_issuer::store::records::{
    Client, Consent, Grant, LinkedAccount, Login, Session, Upstream,
};
use tokensmith_issuer::store::{AnyKey, Key, StoreError, TableReader};
use tokensmith_issuer::token::standing;
use tokensmith_verifier::Timestamp;

use super::links::links_of;
use crate::session::Visitor;
use crate::sign_in::shown_name;
use crate::visit::Visit;

/// What belongs to somebody.
#[derive(Debug)]
pub(super) struct Belongings {
    /// The sessions that go on: this one first.
    pub(super) sessions: Vec<Session>,
    /// The grants that live.
    pub(super) grants: Vec<Grant>,
    /// What they are not asked again.
    pub(super) consents: Vec<Consent>,
    /// The accounts elsewhere that they sign in with.
    pub(super) links: Vec<LinkedAccount>,
    /// Whether there is a password to change.
    pub(super) has_password: bool,
    clients: Clients,
}

/// The clients by which people know what they have given.
type Clients = HashMap<ClientId, Client>;

impl Belongings {
    /// What people are shown as the name of a client.
    pub(super) fn client_name(&self, id: &ClientId) -> String {
        let client = self.clients.get(id);
        client.map_or_else(|| id.to_string(), shown_name)
    }

    /// The upstreams at which no account is linked.
    pub(super) fn unlinked(&self, upstreams: &[Upstream]) -> Vec<Upstream> {
        let is_linked = |upstream: &Upstream| {
            let mut links = self.links.iter();
            links.any(|link| link.upstream == upstream.name)
        };
        let others = upstreams.iter().filter(|upstream| !is_linked(upstream));
        others.cloned().collect()
    }
}

impl Visit<'_> {
    pub(super) async fn belongings(&self, visitor: &Visitor) -> Result<Belongings, Unavailable> {
        let (table, now) = (self.issuer.table(), self.issuer.clock().now());
        let subject = &visitor.user.subject;
        let (consents, login) = (
            Consent::partition_of(subject),
            Login::key_of(&visitor.user.name),
        );
        let (sessions, grants, consents, login, links) = tokio::try_join!(
            sessions_of(table, visitor, now),
            grants_of(table, subject),
            table.query::<Consent>(&consents, None, SHOWN),
            table.get(&login),
            links_of(table, subject),
        )?;
        let consents = consents.records.into_iter().map(|consent| consent.record);
        let consents: Vec<_> = consents.collect();
        let ids = grants.iter().map(|grant| &grant.client_id);
        let clients = clients(table, ids.chain(consents.iter().map(|one| &one.client_id)));
        let clients = clients.await?;
        Ok(Belongings {
            sessions,
            grants: living(grants, visitor, &clients, now),
            consents,
            links,
            has_password: login.is_some_and(|login| login.password.is_some()),
            clients,
        })
    }
}

async fn sessions_of(
    table: &TableReader,
    visitor: &Visitor,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let list = Session::list_of(&visitor.user.subject);
    let prefix = format!("{}#", Session::PREFIX);
    let query = table.query_listed::<Session>(&list, &prefix, None, AT_ONCE);
    let keys = query.await?.keys;
    let mut sessions = several(table, &keys).await?;
    sessions.retain(|session| session.is_live(&visitor.user, now));
    // The index lags behind the table, and one page of it may lack this session.
    sessions.retain(|session| session.id != visitor.session.id);
    sessions.push(visitor.session.clone());
    let is_other = |session: &Session| session.id != visitor.session.id;
    sessions.sort_by_key(|session| (is_other(session), Reverse(session.signed_in_at)));
    sessions.truncate(SHOWN as usize);
    Ok(sessions)
}

/// The grants of a subject. There may be dead ones among them, so that more are read than are shown.
async fn grants_of(table: &TableReader, subject: &SubjectName) -> Result<Vec<Grant>, StoreError> {
    let (mut all, mut after): (Vec<Grant>, Option<Key<Grant>>) = (Vec::new(), None);
    for _ in 0..PAGES {
        let GivenPage { grants, next } = given_grants(table, subject, after.as_ref()).await?;
        all.extend(grants);
        match next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(all)
}

fn living(grants: Vec<Grant>, visitor: &Visitor, clients: &Clients, now: Timestamp) -> Vec<Grant> {
    let lives = |grant: Grant| {
        let client = clients.get(&grant.client_id);
        let state = GrantState {
            grant,
            subject: Some(visitor.subject.clone()),
            read_at: now,
        };
        let judged = standing(&state, client, now);
        judged.is_ok().then_some(state.grant)
    };
    let mut living: Vec<Grant> = grants.into_iter().filter_map(lives).collect();
    living.sort_by_key(|grant| Reverse(grant.created_at));
    living.truncate(SHOWN as usize);
    living
}

async fn clients(
    table: &TableReader,
    ids: impl Iterator<Item = &ClientId>,
) -> Result<Clients, StoreError> {
    let mut ids: Vec<&ClientId> = ids.collect();
    ids.sort();
    ids.dedup();
    let keys: Vec<_> = ids.into_iter().map(Client::key_of).collect();
    let mut clients = Clients::new();
    for some in keys.chunks(AT_ONCE as usize) {
        let found = several(table, some).await?;
        clients.extend(found.into_iter().map(|client| (client.id.clone(), client)));
    }
    Ok(clients)
}

/// The records that there are under these keys.
pub(super) async fn several<R: tokensmith_issuer::store::Record>(
    table: &TableReader,
    keys: &[Key<R>],
) -> Result<Vec<R>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<&dyn AnyKey> = keys.iter().map(|key| key as &dyn AnyKey).collect();
    let found = table.get_several(&wanted).await?.all()?;
    Ok(found.into_iter().map(|stored| stored.record).collect())
}

/// At most so many of each are shown.
const SHOWN: i32 = 50;

/// As many as one `BatchGetItem` reads.
const AT_ONCE: i32 = 100;

/// At most so many pages of grants are read, of 100 each.
const PAGES: usize = 3;
