//! What must work before a version of the function gets requests of people (invariant 14).

use tokensmith_issuer::Issuer;
use tokensmith_issuer::endpoint::Work;
use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::store::records::{
    Backoff, Client, Consent, Grant, Login, Resource, Session, Subject, UPSTREAM, Upstream, User,
};
use tokensmith_issuer::store::{AnyKey, Key};

/// What must work before anybody is sent to the pages: in one read all that people have, then what they are asked for, and where else
/// they can sign in.
pub(crate) fn check_people(issuer: &Issuer) -> Work<'_, Result<(), Unavailable>> {
    Box::pin(async {
        issuer.open_proving_keys().await?;
        let keys: [&dyn AnyKey; 8] = [
            &Key::<Client>::single(Client::PREFIX, "-"),
            &Key::<Subject>::single(Subject::PREFIX, "-"),
            &Key::<User>::single(User::PREFIX, "-"),
            &Key::<Login>::single(Login::PREFIX, "-"),
            &Key::<Session>::single(Session::PREFIX, "-"),
            &Key::<Consent>::single(Consent::PREFIX, "-"),
            &Key::<Grant>::single(Grant::PREFIX, "-"),
            &Key::<Backoff>::single(Backoff::PREFIX, "-"),
        ];
        issuer.table().get_several(&keys).await?;
        issuer.check_read::<Resource>(Resource::PREFIX).await?;
        let upstreams = issuer.table().query::<Upstream>(UPSTREAM, None, 1);
        upstreams.await.map(drop).map_err(Unavailable::from)
    })
}

/// What must work besides before anybody is sent to their account: what is theirs is found by indexes.
pub(crate) fn check_account(issuer: &Issuer) -> Work<'_, Result<(), Unavailable>> {
    Box::pin(async {
        check_people(issuer).await?;
        let table = issuer.table();
        let (consents, sessions) = (
            format!("{}#-", Consent::PREFIX),
            format!("{}#-", Session::PREFIX),
        );
        table.query::<Consent>(&consents, None, 1).await?;
        table
            .query_by_subject::<Grant>("-", Grant::PREFIX, None, 1)
            .await?;
        let own = table.query_listed::<Session>(&sessions, Session::PREFIX, None, 1);
        own.await.map(drop).map_err(Unavailable::from)
    })
}
