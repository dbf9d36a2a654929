//! `GET|POST /login`: a person proves who they are.

use std::mem;

use bytes::Bytes;
use http::{Response, StatusCode};
use secrecy::SecretString;
use tokensmith_issuer::authorization::Parameters;
use tokensmith_issuer::endpoint::{Answer, Call, Endpoint};
use tokensmith_issuer::error::{Denied, Error, SignInDenied};
use tokensmith_issuer::event::{Known, RequestEvent};
use tokensmith_issuer::names::{ClientId, UpstreamName, UserName};
use tokensmith_issuer::store::records::{Client, Login, User};
use tokensmith_issuer::store::{Change, Stored};
use tokensmith_pages::{SignIn, SignInProblem};
use tokensmith_verifier::{Timestamp, paths};

use crate::backoff::{Admitted, Guess};
use crate::pending::Next;
use crate::problem::{answered, endpoint_of_people};
use crate::upstream::Links;
use crate::visit::Visit;

pub(crate) use tokensmith_pages::SignInProblem as Problem;

/// Where a person signs in.
pub static LOGIN: Endpoint = endpoint_of_people("login", paths::LOGIN, "GET, HEAD, POST", |call| {
    Box::pin(answered(call, login))
});

async fn login(call: Call<'_>) -> Result<Answer, Error> {
    let mut visit = Visit::of(&call);
    if !visit.is_post() {
        let parameters = Parameters::of_page(call.request.uri())?;
        let opened = visit.unseal_of_stranger::<Next>(SIGN_IN, parameters.value("request"));
        let opened = opened.await?;
        visit.speak(opened.value.ui_locales());
        if opened.is_expired {
            return Ok(visit.expired(&opened.value, call.known));
        }
        let client = visit.client_of(&opened.value).await?;
        let name = client.as_ref().map(shown_name);
        let page = visit.sign_in_page(&opened.value, name.as_deref(), None, None);
        return Ok(Answer::public(page.await?));
    }
    let form = visit.posted()?;
    let opened = visit.unseal_of_stranger::<Next>(SIGN_IN, form.value("form"));
    let opened = opened.await?;
    visit.speak(opened.value.ui_locales());
    if opened.is_expired {
        return Ok(visit.expired(&opened.value, call.known));
    }
    let client = visit.client_of(&opened.value).await?;
    call.known.client = client.as_ref().map(|client| client.id.clone());
    let name = form.value("user_name").unwrap_or_default();
    let password: SecretString = form.value("password").unwrap_or_default().to_owned().into();
    match visit.prove(name, &password).await {
        Ok((user, proved_at)) => {
            let proof = Proof::password(proved_at);
            visit.signed_in(opened.value, client, &user, proof).await
        }
        Err(Error::Denied(denied)) => {
            let shown = client.as_ref().map(shown_name);
            let (status, problem) = match &denied {
                Denied::SignIn(SignInDenied::TooManyAttempts(seconds)) => (
                    StatusCode::TOO_MANY_REQUESTS,
                    SignInProblem::TryAgainIn(*seconds),
                ),
                _ => (StatusCode::FORBIDDEN, SignInProblem::WrongCredentials),
            };
            let page =
                visit.sign_in_page(&opened.value, shown.as_deref(), Some(name), Some(problem));
            let mut response = page.await?;
            *response.status_mut() = status;
            Ok(Answer {
                response,
                event: RequestEvent::refused(mem::take(call.known), &denied.into()),
            })
        }
        Err(unavailable) => Err(unavailable),
    }
}

impl Visit<'_> {
    /// Whose name and password these are, and since when that is known. However wrong they are, that takes the same work.
    async fn prove(&self, name: &str, password: &SecretString) -> Result<(User, Timestamp), Error> {
        let (table, now) = (self.issuer.table(), self.issuer.clock().now());
        let Ok(name) = name.trim().parse::<UserName>() else {
            return Err(SignInDenied::UnknownUser.into());
        };
        let source = self.source();
        let guess = Guess::password(&name, source);
        if let Admitted::TryAgainIn(seconds) = guess.admit(table, now).await? {
            return Err(SignInDenied::TooManyAttempts(seconds).into());
        }
        let login = table.get(&Login::key_of(&name)).await?;
        let hash = login.as_ref().and_then(|login| login.password.as_ref());
        let is_right = self.issuer.passwords()?.verify(password, hash).await;
        if !is_right {
            guess.failed(table, now).await?;
        }
        let login = login.ok_or(SignInDenied::UnknownUser)?;
        if !is_right {
            return Err(SignInDenied::WrongPassword.into());
        }
        let user = table.get(&User::key_of(&login.subject)).await?;
        let user = user.ok_or(SignInDenied::UnknownUser)?;
        if user.disabled {
            return Err(SignInDenied::UserDisabled.into());
        }
        // It was replaced while this was verified: the sessions of whoever knows it have just been ended.
        if user.has_replaced(login.changed_at) {
            return Err(SignInDenied::WrongPassword.into());
        }
        guess.succeeded(table).await?;
        self.rehash(&login, password).await?;
        if user.has_settled(login.changed_at) {
            return Ok((user.record, now));
        }
        let settled = self.settle_password(&user, login.changed_at, None).await?;
        Ok((settled.0, now))
    }

    /// Hashes a password that is known to be right anew, if its hash is of another cost than new ones are.
    async fn rehash(&self, login: &Stored<Login>, password: &SecretString) -> Result<(), Error> {
        let passwords = self.issuer.passwords()?;
        let hash = login.password.as_ref();
        if !hash.is_some_and(|hash| passwords.needs_rehash(hash)) {
            return Ok(());
        }
        let wanted = Login {
            password: passwords.hash(password).await,
            ..login.record.clone()
        };
        if wanted.password.is_some() {
            // Who has replaced the password meanwhile has replaced its hash, too.
            let change = Change::between(login, &wanted)?;
            let key = Login::key_of(&login.name);
            self.issuer.table().update(&key, change).await?;
        }
        Ok(())
    }

    /// Begins the session of somebody who has proved who they are, and sends them on to what they have signed in for.
    pub(crate) async fn signed_in(
        &self,
        next: Next,
        client: Option<Client>,
        user: &User,
        proof: Proof,
    ) -> Result<Answer, Error> {
        let methods = [proof.method];
        let former = self.visitor(None).await?.map(|former| former.session);
        let (own, other) = match former {
            Some(former) if former.subject == user.subject => (Some(former), None),
            former => (None, former),
        };
        if let Some(other) = other {
            self.end_session(&other).await?;
        }
        let begun = self.begin_session(user, &methods, proof.at, own.as_ref());
        let session = begun.await?;
        let location = self.next_location(next, &session).await?;
        let mut response = self.see_other(&location);
        self.cookies.send_session(response.headers_mut(), &session);
        Ok(Answer {
            response,
            event: RequestEvent::SignedIn {
                subject: user.subject.clone(),
                client: client.map(|client| client.id),
                methods: methods.map(str::to_owned).to_vec(),
                upstream: proof.upstream,
                new_user: proof.new_user,
            },
        })
    }

    /// The page that asks who is there.
    pub(crate) async fn sign_in_page(
        &self,
        next: &Next,
        client: Option<&str>,
        user_name: Option<&str>,
        problem: Option<SignInProblem>,
    ) -> Result<Response<Bytes>, Error> {
        let form = self.seal_for_stranger(SIGN_IN, next).await?;
        let upstreams = self.issuer.upstreams().await?;
        let links = Links::of(&upstreams, "request", &form);
        let page = SignIn {
            form: &form,
            action: paths::LOGIN,
            client,
            user_name,
            problem,
            upstreams: &links.shown(&upstreams),
        };
        Ok(self.page(StatusCode::OK, page.html(&self.look, self.language)))
    }

    /// Sends somebody who has not signed in to where they can, and then on to what they want.
    pub(crate) async fn sign_in_first(&self, next: &Next) -> Result<Answer, Error> {
        let form = self.seal_for_stranger(SIGN_IN, next).await?;
        let location = format!("{}?request={form}", paths::LOGIN);
        Ok(Answer::public(self.see_other(&location)))
    }

    /// The client that has sent somebody to sign in.
    pub(crate) async fn client_of(&self, next: &Next) -> Result<Option<Client>, Error> {
        let Next::Authorize(pending) = next else {
            return Ok(None);
        };
        let id = pending
            .parameters
            .value("client_id")
            .map(str::parse::<ClientId>);
        let Some(Ok(id)) = id else {
            return Ok(None);
        };
        let found = self.issuer.table().get(&Client::key_of(&id)).await?;
        Ok(found.map(|client| client.record))
    }

    /// Tells somebody that their form has expired, with a way to begin again.
    pub(crate) fn expired(&self, next: &Next, known: &mut Known) -> Answer {
        let again = start_again(next);
        let error = SignInDenied::ExpiredForm.into();
        Answer {
            response: self.problem_page(&error, again.as_deref()),
            event: RequestEvent::refused(mem::take(known), &error),
        }
    }
}

/// Where somebody begins again who has not signed in; `None` when only the client can.
pub(crate) fn start_again(next: &Next) -> Option<String> {
    match next {
        Next::Authorize(pending) if pending.pushed.is_none() => Some(format!(
            "{}?{}",
            paths::AUTHORIZE,
            pending.parameters.to_query()
        )),
        Next::Authorize(_) => None,
        Next::Account => Some(paths::ACCOUNT.to_owned()),
        Next::Device(_) => Some(paths::DEVICE.to_owned()),
    }
}

/// How somebody has proved who they are.
pub(crate) struct Proof {
    /// RFC 8176.
    pub(crate) method: &'static str,
    /// Since when that is known: before their record was read.
    pub(crate) at: Timestamp,
    /// The OpenID provider that says so.
    pub(crate) upstream: Option<UpstreamName>,
    /// Whether they have become a user by it.
    pub(crate) new_user: bool,
}

impl Proof {
    const fn password(at: Timestamp) -> Self {
        Self {
            method: "pwd",
            at,
            upstream: None,
            new_user: false,
        }
    }
}

/// What people are shown as the client's name.
pub(crate) fn shown_name(client: &Client) -> String {
    let name = client.name.clone();
    name.unwrap_or_else(|| client.id.to_string())
}

/// The purpose of the form that asks who is there.
pub(crate) const SIGN_IN: &str = "sign in";
