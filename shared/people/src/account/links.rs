//! The accounts elsewhere that a person signs in with.

use tokensmith_issuer::endpoint::Answer;
use tokensmith_issuer::error::{Error, UpstreamDenied};
use tokensmith_issuer::event::{Ending, Known, RequestEvent};
use tokensmith_issuer::names::SubjectName;
use tokensmith_issuer::store::records::{LinkedAccount, Login};
use tokensmith_issuer::store::{StoreError, TableReader};
use tokensmith_issuer::upstream::linked_accounts;
use tokensmith_pages::AccountNotice;

use super::belongings::several;
use super::notice;
use crate::session::Visitor;
use crate::visit::Visit;

/// Those of a user: as many as one read finds.
pub(super) async fn links_of(
    table: &TableReader,
    subject: &SubjectName,
) -> Result<Vec<LinkedAccount>, StoreError> {
    let mut keys = linked_accounts(table, subject).await?;
    keys.truncate(AT_ONCE);
    let mut links = several(table, &keys).await?;
    // The index lags behind the table.
    links.retain(|link| link.subject == *subject);
    links.sort_by_key(|link| link.linked_at);
    Ok(links)
}

impl Visit<'_> {
    /// Unlinks an account, unless it is the only way to sign in.
    pub(super) async fn unlink(
        &self,
        visitor: &Visitor,
        id: &str,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        let (table, user) = (self.issuer.table(), &visitor.user);
        let links = links_of(table, &user.subject).await?;
        let login = table.get(&Login::key_of(&user.name)).await?;
        let has_password =
            login.is_some_and(|login| login.subject == user.subject && login.password.is_some());
        let is_own = links.iter().any(|link| link.id == id);
        if is_own && links.len() == 1 && !has_password {
            let notice = AccountNotice::LastWayToSignIn;
            let reason = UpstreamDenied::LastWayToSignIn;
            return self.unchanged(visitor, notice, reason, known).await;
        }
        let mut event = RequestEvent::Served {};
        if is_own {
            let (key, own) = (LinkedAccount::key_of(id), LinkedAccount::SUBJECT);
            table.delete_if_equal(&key, own, &user.subject).await?;
            event = RequestEvent::Ended {
                subject: user.subject.clone(),
                what: Ending::Link,
                client: None,
                grant: None,
                grants: 0,
            };
        }
        Ok(self.back(notice::UNLINKED, event))
    }
}

const AT_ONCE: usize = 100;
