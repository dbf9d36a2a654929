//! Whether tokens can be had with each of many grants, by the judgement that a refresh and `inspect`
//! make of one.

use std::collections::{BTreeMap, BTreeSet};

use super::Administrator;
use crate::credential::SubjectHash;
use crate::error::Denied;
use crate::grant::redeem::GrantState;
use crate::names::ClientId;
use crate::store::records::{Client, Grant, Subject};
use crate::store::{AnyKey, Key, Record, StoreError, TableReader};
use crate::token;

impl Administrator {
    /// Judges `grants`. Each client and each subject among them is read once.
    pub(super) async fn judged(&self, grants: Vec<Grant>) -> Result<Vec<ListedGrant>, StoreError> {
        let clients: BTreeSet<ClientId> = grants.iter().map(|one| one.client_id.clone()).collect();
        let clients = several(&self.table, clients, Client::key_of).await?;
        let subjects: BTreeSet<SubjectHash> =
            grants.iter().map(|one| one.id.subject_hash()).collect();
        let key_of_hash = |hash: &SubjectHash| Subject::key_of_hash(*hash);
        let subjects = several(&self.table, subjects, key_of_hash).await?;
        let now = self.time().await?.now();
        let judged = grants.into_iter().map(|grant| {
            let state = GrantState {
                subject: subjects.get(&grant.id.subject_hash()).cloned(),
                grant,
                read_at: now,
            };
            let client = clients.get(&state.grant.client_id);
            ListedGrant {
                standing: token::standing(&state, client, now),
                grant: state.grant,
            }
        });
        Ok(judged.collect())
    }
}

/// The records that there are of these, read with as few operations as possible.
async fn several<N: Clone + Ord, R: Record>(
    table: &TableReader,
    names: BTreeSet<N>,
    key_of: impl Fn(&N) -> Key<R>,
) -> Result<BTreeMap<N, R>, StoreError> {
    let names: Vec<N> = names.into_iter().collect();
    let mut records = BTreeMap::new();
    for names in names.chunks(MOST_IN_A_BATCH) {
        let keys: Vec<Key<R>> = names.iter().map(&key_of).collect();
        let wanted: Vec<&dyn AnyKey> = keys.iter().map(|key| key as &dyn AnyKey).collect();
        let mut found = table.get_several(&wanted).await?;
        for (name, key) in names.iter().zip(&keys) {
            if let Some(stored) = found.take(key)? {
                records.insert(name.clone(), stored.record);
            }
        }
    }
    Ok(records)
}

/// A grant, and whether tokens can be had with it.
#[derive(Debug)]
pub struct ListedGrant {
    /// Its record.
    pub grant: Grant,
    /// Whether a refresh token of it would be accepted now, and if not, why.
    pub standing: Result<(), Denied>,
}

/// The limit of `BatchGetItem`.
const MOST_IN_A_BATCH: usize = 100;
