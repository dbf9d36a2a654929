//! From an account at an upstream to a user here. Nothing leads there but the link: an e-mail address says nothing.

use serde_json::Value;
use tokensmith_issuer::credential::random_id;
use tokensmith_issuer::error::{Error, Unavailable, UpstreamDenied};
use tokensmith_issuer::names::{SubjectName, UserName};
use tokensmith_issuer::store::records::{
    LinkedAccount, Login, Subject, SubjectKind, Upstream, User,
};
use tokensmith_issuer::store::{Change, Insert, Stored, Update};
use tokensmith_issuer::upstream::UpstreamIdentity;

use crate::visit::Visit;

impl Visit<'_> {
    /// The user who signs in with an account, and whether they have just become one.
    pub(super) async fn user_of(
        &self,
        upstream: &Upstream,
        identity: &UpstreamIdentity,
    ) -> Result<(User, bool), Error> {
        let table = self.issuer.table();
        let id = LinkedAccount::id_of(&upstream.issuer, &identity.account);
        let link = table.get(&LinkedAccount::key_of(&id)).await?;
        if let Some(link) = &link
            && let Some(user) = table.get(&User::key_of(&link.subject)).await?
        {
            return Ok((user.record, false));
        }
        match upstream.creates_users {
            true => Ok((self.make_user(upstream, identity, link).await?, true)),
            false => Err(UpstreamDenied::NotLinked.into()),
        }
    }

    /// Links an account to a user; `false` when it is linked to another one.
    pub(super) async fn link_to(
        &self,
        user: &User,
        upstream: &Upstream,
        identity: &UpstreamIdentity,
    ) -> Result<bool, Error> {
        let table = self.issuer.table();
        let link = self.new_link(upstream, identity, &user.subject);
        let Insert::Exists(taken) = table.insert(&link).await? else {
            return Ok(true);
        };
        if taken.subject == user.subject {
            return Ok(true);
        }
        let other = table.get(&User::key_of(&taken.subject)).await?;
        match other {
            Some(_) => Ok(false),
            // It was left behind by a user who is gone.
            None => self.replace(&taken, &link).await,
        }
    }

    /// Makes a user of somebody who has never been here. The link comes first and is confirmed last: of two requests for one account,
    /// one finds that it has been taken over, and takes its user back. What is interrupted in between leaves a link without a user, which
    /// the next attempt takes over.
    async fn make_user(
        &self,
        upstream: &Upstream,
        identity: &UpstreamIdentity,
        former: Option<Stored<LinkedAccount>>,
    ) -> Result<User, Error> {
        let (table, user) = (self.issuer.table(), self.new_user(upstream, identity)?);
        let link = self.new_link(upstream, identity, &user.subject);
        let is_ours = match &former {
            Some(former) => self.replace(former, &link).await?,
            None => matches!(table.insert(&link).await?, Insert::Inserted),
        };
        if !is_ours {
            return Err(meanwhile());
        }
        let subject = Subject::new(user.subject.as_str(), SubjectKind::User);
        let login = Login {
            name: user.name.clone(),
            subject: user.subject.clone(),
            password: None,
            changed_at: user.created_at,
        };
        // All of these have random names.
        let inserted = matches!(table.insert(&subject).await?, Insert::Inserted)
            && matches!(table.insert(&login).await?, Insert::Inserted)
            && matches!(table.insert(&user).await?, Insert::Inserted);
        if !inserted {
            return Err(meanwhile());
        }
        let still_ours = Change::of_existing()
            .if_equal(LinkedAccount::SUBJECT, &user.subject)?
            .set("linked_at", link.linked_at)?;
        let key = LinkedAccount::key_of(&link.id);
        match table.update(&key, still_ours).await? {
            Update::Applied(_) => Ok(user),
            Update::Refused(_) => {
                table.delete(&User::key_of(&user.subject)).await?;
                table.delete(&Login::key_of(&user.name)).await?;
                Err(meanwhile())
            }
        }
    }

    /// Gives the link of a user who is gone to another one; `false` when somebody else did so first.
    async fn replace(
        &self,
        former: &Stored<LinkedAccount>,
        link: &LinkedAccount,
    ) -> Result<bool, Error> {
        // It is in another list then, so that it is made anew.
        let table = self.issuer.table();
        let key = LinkedAccount::key_of(&link.id);
        let (name, value) = (LinkedAccount::SUBJECT, &former.subject);
        if !table.delete_if_equal(&key, name, value).await? {
            return Ok(false);
        }
        Ok(matches!(table.insert(link).await?, Insert::Inserted))
    }

    fn new_link(
        &self,
        upstream: &Upstream,
        identity: &UpstreamIdentity,
        subject: &SubjectName,
    ) -> LinkedAccount {
        LinkedAccount {
            id: LinkedAccount::id_of(&upstream.issuer, &identity.account),
            upstream: upstream.name.clone(),
            subject: subject.clone(),
            linked_at: self.issuer.clock().now(),
        }
    }

    /// Nobody chooses the name: whoever could would be taken for somebody else.
    fn new_user(&self, upstream: &Upstream, identity: &UpstreamIdentity) -> Result<User, Error> {
        let now = self.issuer.clock().now();
        let (id, secret) = (random_id(), random_id());
        let subject: SubjectName = format!("usr_{id}").parse().map_err(|_| meanwhile())?;
        let name = format!("{}-{secret}", upstream.name).to_lowercase();
        let name: UserName = name.parse().map_err(|_| meanwhile())?;
        let mut claims = identity.claims.clone();
        // Nobody here has verified it.
        if claims.contains_key("email") {
            claims.insert("email_verified".to_owned(), Value::Bool(false));
        }
        Ok(User {
            subject,
            name,
            claims,
            disabled: false,
            sessions_not_before: None,
            password_changed_at: None,
            created_at: now,
            updated_at: now,
        })
    }
}

/// Another request did the same, and this one can be repeated.
fn meanwhile() -> Error {
    Unavailable::Upstream("another request has signed in with the same account".to_owned()).into()
}
