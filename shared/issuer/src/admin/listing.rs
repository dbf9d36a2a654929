//! The lists of clients, of resources, of users and of grants, one page at a time: an index names the records of a page, which are
//! then read strongly consistent. What a list costs depends on what it shows, and not on what else the table
//! holds.
//!
//! The index lags a moment behind the table: what was registered just now may be missing for that long.

use super::standing::{judge, judge_keys};
use super::{Administrator, ApiKeyError, ClientError, GrantError, ListedApiKey, ListedGrant};
use crate::credential::{ApiKeyId, GrantId};
use crate::names::{Audience, ClientId, SubjectName};
use crate::store::records::{ApiKey, Client, Grant, Resource, Subject, User};
use crate::store::{AnyKey, Key, KeyPage, Record, StoreError, TableReader};

impl Administrator {
    /// Lists the clients whose id starts with `prefix`, sorted by id, from the one that follows `after`.
    pub fn list_clients(&self, prefix: &str, after: Option<&ClientId>) -> ClientPages<'_> {
        ClientPages {
            admin: self,
            list: Client::PREFIX,
            prefix: format!("{}#{prefix}", Client::PREFIX),
            next: Next::After(after.map(Client::key_of)),
            counts: |client| client.deleted_at.is_none(),
        }
    }

    /// Lists the resources, sorted by their URIs, from the one that follows `after`.
    pub fn list_resources(&self, after: Option<&Audience>) -> ResourcePages<'_> {
        ResourcePages {
            admin: self,
            list: Resource::PREFIX,
            prefix: format!("{}#", Resource::PREFIX),
            next: Next::After(after.map(Resource::key_of)),
            counts: |_| true,
        }
    }

    /// Lists the users, sorted by their subjects, from the one that follows `after`.
    pub fn list_users(&self, after: Option<&SubjectName>) -> UserPages<'_> {
        UserPages {
            admin: self,
            list: User::PREFIX,
            prefix: format!("{}#", User::PREFIX),
            next: Next::After(after.map(User::key_of)),
            counts: |_| true,
        }
    }

    /// Lists the grants of a client or subject, from the one that follows `after`. Those of a client are
    /// sorted by their ids, those of a subject are in no particular order.
    ///
    /// # Errors
    /// [`GrantError`] when nobody knows that client or subject, or when the table fails.
    pub async fn list_grants(
        &self,
        of: GrantsOf,
        after: Option<GrantId>,
    ) -> Result<GrantPages<'_>, GrantError> {
        let is_known = match &of {
            // A client that was deleted has no record after a while, and its grants have ended before.
            GrantsOf::Client(id) => self.table.get(&Client::key_of(id)).await?.is_some(),
            GrantsOf::Subject(name) => {
                let subject = self.table.get(&Subject::key_of(name.as_str())).await?;
                subject.is_some()
            }
        };
        match (is_known, of) {
            (true, of) => Ok(GrantPages {
                next: Next::After(after.map(Grant::key_of)),
                ..self.grants_of(of)
            }),
            (false, GrantsOf::Client(id)) => Err(GrantError::UnknownClient(id)),
            (false, GrantsOf::Subject(name)) => Err(GrantError::UnknownSubject(name)),
        }
    }

    /// The grants of a client or subject, from the first.
    pub(super) fn grants_of(&self, of: GrantsOf) -> GrantPages<'_> {
        GrantPages {
            admin: self,
            of,
            next: Next::After(None),
        }
    }

    /// Lists the API keys of a client, sorted by their ids, from the one that follows `after`.
    ///
    /// # Errors
    /// [`ApiKeyError`] when nobody knows that client, or the table fails.
    pub async fn list_api_keys(
        &self,
        client: &ClientId,
        after: Option<&ApiKeyId>,
    ) -> Result<ApiKeyPages<'_>, ApiKeyError> {
        match self.table.get(&Client::key_of(client)).await? {
            Some(_) => Ok(ApiKeyPages {
                next: Next::After(after.map(ApiKey::key_of)),
                ..self.api_keys_of(client)
            }),
            None => Err(ApiKeyError::UnknownClient(client.clone())),
        }
    }

    /// The API keys of a client, from the first.
    pub(super) fn api_keys_of(&self, client: &ClientId) -> ApiKeyPages<'_> {
        ApiKeyPages {
            admin: self,
            list: ApiKey::list_of(client),
            next: Next::After(None),
        }
    }

    /// One API key.
    ///
    /// # Errors
    /// [`ApiKeyError`] when there is no such key, or the table fails.
    pub async fn api_key(&self, id: &ApiKeyId) -> Result<ListedApiKey, ApiKeyError> {
        let found = self.table.get(&ApiKey::key_of(id)).await?;
        let found = found.map(|stored| Ok(stored.record));
        let now = self.time().await?.now();
        let judged = judge_keys(&self.table, found.into_iter().collect(), now).await?;
        let only = judged.into_iter().next().transpose()?;
        only.ok_or_else(|| ApiKeyError::Unknown(id.clone()))
    }

    /// One client's record.
    ///
    /// # Errors
    /// [`ClientError`] when there is no such client, or the table fails.
    pub async fn client(&self, id: &ClientId) -> Result<Client, ClientError> {
        let found = self.find_client(id).await?;
        let found = found.ok_or_else(|| ClientError::Unknown(id.clone()))?;
        Ok(found.record)
    }
}

/// Whose grants are listed.
#[derive(Clone, Debug)]
pub enum GrantsOf {
    /// Those that a client has received.
    Client(ClientId),
    /// Those that a subject has given.
    Subject(SubjectName),
}

/// A list of clients.
pub type ClientPages<'a> = Pages<'a, Client>;

/// A list of resources.
pub type ResourcePages<'a> = Pages<'a, Resource>;

/// A list of users.
pub type UserPages<'a> = Pages<'a, User>;

/// A list of the records of one type, in the order of their keys.
#[derive(Debug)]
pub struct Pages<'a, R> {
    admin: &'a Administrator,
    list: &'static str,
    prefix: String,
    next: Next<R>,
    /// Whether a record counts: one may have been deleted since the index was written.
    counts: fn(&R) -> bool,
}

impl<R: Record> Pages<'_, R> {
    /// Reads the next page; `None` after the last. A record that this release cannot read is an error in
    /// its place.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn next(&mut self) -> Result<Option<Vec<Result<R, StoreError>>>, StoreError> {
        let table = &self.admin.table;
        let Next::After(after) = &self.next else {
            return Ok(None);
        };
        let query = table.query_listed(self.list, &self.prefix, after.as_ref(), PAGE);
        let KeyPage { keys, next } = query.await?;
        self.next = Next::of(next);
        let mut page = records(table, &keys).await?;
        page.retain(|one| one.as_ref().map_or(true, self.counts));
        Ok(Some(page))
    }
}

/// A list of grants.
#[derive(Debug)]
pub struct GrantPages<'a> {
    admin: &'a Administrator,
    of: GrantsOf,
    next: Next<Grant>,
}

impl GrantPages<'_> {
    /// Reads and judges the next page; `None` after the last. A record that this release cannot read is an
    /// error in its place.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn next(
        &mut self,
    ) -> Result<Option<Vec<Result<ListedGrant, StoreError>>>, StoreError> {
        let table = &self.admin.table;
        let Next::After(after) = &self.next else {
            return Ok(None);
        };
        let prefix = format!("{}#", Grant::PREFIX);
        let KeyPage { keys, next } = match &self.of {
            GrantsOf::Client(id) => {
                let list = Grant::list_of(id);
                table
                    .query_listed(&list, &prefix, after.as_ref(), PAGE)
                    .await?
            }
            GrantsOf::Subject(name) => {
                let query = table.query_by_subject(name.as_str(), &prefix, after.as_ref(), PAGE);
                query.await?
            }
        };
        self.next = Next::of(next);
        let grants = records(table, &keys).await?;
        let now = self.admin.time().await?.now();
        judge(table, grants, now).await.map(Some)
    }

    /// How many of them live now. This reads them all.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails, or one of them cannot be read.
    pub(super) async fn live(mut self) -> Result<usize, StoreError> {
        let mut live = 0;
        while let Some(page) = self.next().await? {
            for grant in page {
                live += usize::from(grant?.standing.is_ok());
            }
        }
        Ok(live)
    }
}

/// A list of the API keys of a client.
#[derive(Debug)]
pub struct ApiKeyPages<'a> {
    admin: &'a Administrator,
    list: String,
    next: Next<ApiKey>,
}

impl ApiKeyPages<'_> {
    /// Reads and judges the next page; `None` after the last. A record that this release cannot read is an error in its
    /// place.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub async fn next(
        &mut self,
    ) -> Result<Option<Vec<Result<ListedApiKey, StoreError>>>, StoreError> {
        let table = &self.admin.table;
        let Next::After(after) = &self.next else {
            return Ok(None);
        };
        let prefix = format!("{}#", ApiKey::PREFIX);
        let query = table.query_listed(&self.list, &prefix, after.as_ref(), PAGE);
        let KeyPage { keys, next } = query.await?;
        self.next = Next::of(next);
        let keys = records(table, &keys).await?;
        let now = self.admin.time().await?.now();
        judge_keys(table, keys, now).await.map(Some)
    }

    /// How many of them are accepted now. This reads them all.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails, or one of them cannot be read.
    pub(super) async fn live(mut self) -> Result<usize, StoreError> {
        let mut live = 0;
        while let Some(page) = self.next().await? {
            for key in page {
                live += usize::from(key?.standing.is_ok());
            }
        }
        Ok(live)
    }
}

/// Where a list goes on.
#[derive(Debug)]
enum Next<R> {
    After(Option<Key<R>>),
    Nowhere,
}

impl<R> Next<R> {
    fn of(key: Option<Key<R>>) -> Self {
        key.map_or(Self::Nowhere, |key| Self::After(Some(key)))
    }
}

/// The records that there are under these keys, in their order.
async fn records<R: Record>(
    table: &TableReader,
    keys: &[Key<R>],
) -> Result<Vec<Result<R, StoreError>>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: Vec<&dyn AnyKey> = keys.iter().map(|key| key as &dyn AnyKey).collect();
    let mut found = table.get_several(&wanted).await?;
    let records = keys.iter().map(|key| found.take(key).transpose());
    let records = records.flatten().map(|one| Ok(one?.record));
    Ok(records.collect())
}

/// As many as one `BatchGetItem` reads.
const PAGE: i32 = 100;
