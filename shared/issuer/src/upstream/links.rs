use crate::names::SubjectName;
use crate::store::records::LinkedAccount;
use crate::store::{Key, StoreError, TableReader};

/// The keys of the accounts elsewhere that a user signs in with, as the index has them: one that was linked a moment ago may be
/// missing, and one that was unlinked may be there.
///
/// # Errors
/// [`StoreError`] when the table fails.
pub async fn linked_accounts(
    table: &TableReader,
    subject: &SubjectName,
) -> Result<Vec<Key<LinkedAccount>>, StoreError> {
    let list = LinkedAccount::list_of(subject);
    let prefix = format!("{}#", LinkedAccount::PREFIX);
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = table.query_listed::<LinkedAccount>(&list, &prefix, after.as_ref(), PAGE);
        let page = page.await?;
        keys.extend(page.keys);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(keys),
        }
    }
}

const PAGE: i32 = 100;
