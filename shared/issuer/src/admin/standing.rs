//! Whether tokens can be had with each of many grants, by the judgement that a refresh and `inspect`
//! make of one.

use std::collections::{BTreeMap, BTreeSet};

use tokensmith_verifier::Timestamp;

use crate::api_key;
use crate::credential::SubjectHash;
use crate::error::{ClientDenied, Denied};
use crate::grant::redeem::GrantState;
use crate::store::records::{ApiKey, Client, Grant, LastUse, Subject};
use crate::store::{AnyKey, Key, Record, StoreError, TableReader};
use crate::token;

/// A grant, and whether tokens can be had with it.
#[derive(Debug)]
pub struct ListedGrant {
    /// Its record.
    pub grant: Grant,
    /// Whether a refresh token of it would be accepted now, and if not, why.
    pub standing: Result<(), Denied>,
}

/// Judges `grants`. Each client and each subject among them is read once. A grant whose client or subject
/// cannot be read cannot be judged.
pub(super) async fn judge(
    table: &TableReader,
    grants: Vec<Result<Grant, StoreError>>,
    now: Timestamp,
) -> Result<Vec<Result<ListedGrant, StoreError>>, StoreError> {
    let (mut clients, mut subjects) = (BTreeSet::new(), BTreeSet::new());
    for grant in grants.iter().flatten() {
        clients.insert(grant.client_id.clone());
        subjects.insert(grant.id.subject_hash());
    }
    let clients = several(table, clients, Client::key_of).await?;
    let key_of_hash = |hash: &SubjectHash| Subject::key_of_hash(*hash);
    let subjects = several(table, subjects, key_of_hash).await?;
    let judged = grants.into_iter().map(|grant| {
        let grant = grant?;
        let client = clients.get(&grant.client_id).cloned().transpose()?;
        let subject = subjects
            .get(&grant.id.subject_hash())
            .cloned()
            .transpose()?;
        Ok(judge_one(grant, client.as_ref(), subject, now))
    });
    Ok(judged.collect())
}

/// Judges a grant, whose client and subject were read.
pub(super) fn judge_one(
    grant: Grant,
    client: Option<&Client>,
    subject: Option<Subject>,
    now: Timestamp,
) -> ListedGrant {
    let state = GrantState {
        grant,
        subject,
        read_at: now,
    };
    ListedGrant {
        standing: token::standing(&state, client, now),
        grant: state.grant,
    }
}

/// An API key, whether it is accepted, and when it was last used.
#[derive(Debug)]
pub struct ListedApiKey {
    /// Its record.
    pub key: ApiKey,
    /// Whether it is accepted now, and if not, why.
    pub standing: Result<(), Denied>,
    /// When it was last used, to within a day.
    pub used_at: Option<Timestamp>,
}

/// Judges `keys`. Each client among them is read once, and so is each key's last use.
pub(super) async fn judge_keys(
    table: &TableReader,
    keys: Vec<Result<ApiKey, StoreError>>,
    now: Timestamp,
) -> Result<Vec<Result<ListedApiKey, StoreError>>, StoreError> {
    let (mut clients, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for key in keys.iter().flatten() {
        clients.insert(key.client_id.clone());
        ids.insert(key.id.clone());
    }
    let clients = several(table, clients, Client::key_of).await?;
    let uses = several(table, ids, LastUse::key_of).await?;
    let judged = keys.into_iter().map(|key| {
        let key = key?;
        let client = clients.get(&key.client_id).cloned().transpose()?;
        let last_use = uses.get(&key.id).cloned().transpose()?;
        let standing = api_key::standing(&key, client.as_ref(), now);
        Ok(ListedApiKey {
            standing: standing.map_err(|why| ClientDenied::ApiKey(why).into()),
            used_at: last_use.map(|last_use| last_use.used_at),
            key,
        })
    });
    Ok(judged.collect())
}

/// The records that there are of these, read with as few operations as possible.
pub(super) async fn several<N: Clone + Ord, R: Record>(
    table: &TableReader,
    names: BTreeSet<N>,
    key_of: impl Fn(&N) -> Key<R>,
) -> Result<BTreeMap<N, Result<R, StoreError>>, StoreError> {
    let names: Vec<N> = names.into_iter().collect();
    let mut records = BTreeMap::new();
    for names in names.chunks(MOST_IN_A_BATCH) {
        let keys: Vec<Key<R>> = names.iter().map(&key_of).collect();
        let wanted: Vec<&dyn AnyKey> = keys.iter().map(|key| key as &dyn AnyKey).collect();
        let mut found = table.get_several(&wanted).await?;
        for (name, key) in names.iter().zip(&keys) {
            if let Some(read) = found.take(key).transpose() {
                records.insert(name.clone(), read.map(|stored| stored.record));
            }
        }
    }
    Ok(records)
}

/// The limit of `BatchGetItem`.
const MOST_IN_A_BATCH: usize = 100;
