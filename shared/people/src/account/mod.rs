//! `GET|POST /account`: a person sees, and ends, what belongs to the account.

mod belongings;
mod browser;
mod ending;
mod links;
mod new_password;
mod notice;

use bytes::Bytes;
use http::{Response, StatusCode};
use secrecy::SecretString;
use tokensmith_issuer::authorization::Parameters;
use tokensmith_issuer::credential::GrantId;
use tokensmith_issuer::endpoint::{Answer, Call, Endpoint, Form};
use tokensmith_issuer::error::{BadRequest, Error};
use tokensmith_issuer::event::Known;
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::store::records::Upstream;
use tokensmith_pages::{Account, AccountNotice, ConsentRow, GrantRow, LinkRow, Moment, SessionRow};
use tokensmith_verifier::{Timestamp, paths};

pub(crate) use self::notice::{LINKED, LINKED_ELSEWHERE, location};

use self::belongings::Belongings;
use crate::check::check_account;
use crate::pending::Next;
use crate::problem::{answered, endpoint_of_people};
use crate::session::Visitor;
use crate::upstream::Links;
use crate::visit::Visit;

/// Where a person sees and ends what they have given, and where they have signed in.
pub static ACCOUNT: Endpoint = Endpoint {
    check: check_account,
    ..endpoint_of_people("account", paths::ACCOUNT, "GET, HEAD, POST", |call| {
        Box::pin(answered(call, account))
    })
};

async fn account(call: Call<'_>) -> Result<Answer, Error> {
    let visit = Visit::of(&call);
    let Some(visitor) = visit.visitor(None).await? else {
        return visit.sign_in_first(&Next::Account).await;
    };
    if !visit.is_post() {
        let parameters = Parameters::of_page(call.request.uri())?;
        let notice = parameters.value("notice").and_then(notice::named);
        let page = visit.account_page(&visitor, notice).await?;
        return Ok(Answer::public(page));
    }
    let form = visit.posted()?;
    let session = visitor.cookie.value();
    let opened = visit.unseal_in_session::<()>(FORM, session, form.value("form"));
    if opened.await?.is_expired {
        let location = location(Some(notice::EXPIRED));
        return Ok(Answer::public(visit.see_other(&location)));
    }
    let action = Action::of(&form)?;
    visit.act(&visitor, action, call.known).await
}

/// What a form of the page asks for.
enum Action {
    SignOut,
    SignOutEverywhere,
    EndSession(String),
    RevokeGrant(GrantId),
    RevokeConsent(ClientId),
    Unlink(String),
    ChangePassword {
        current: SecretString,
        new: SecretString,
    },
}

impl Action {
    fn of(form: &Form) -> Result<Self, BadRequest> {
        let id = || form.value("id").ok_or(BadRequest::MalformedForm);
        let password = |name| SecretString::from(form.value(name).unwrap_or_default());
        Ok(match form.value("action") {
            Some("sign-out") => Self::SignOut,
            Some("sign-out-everywhere") => Self::SignOutEverywhere,
            Some("end-session") => Self::EndSession(id()?.to_owned()),
            Some("revoke-grant") => {
                let id = id()?.parse();
                Self::RevokeGrant(id.map_err(|_| BadRequest::MalformedForm)?)
            }
            Some("revoke-consent") => {
                let id = id()?.parse();
                Self::RevokeConsent(id.map_err(|_| BadRequest::MalformedForm)?)
            }
            Some("unlink") => Self::Unlink(id()?.to_owned()),
            Some("change-password") => Self::ChangePassword {
                current: password("current_password"),
                new: password("new_password"),
            },
            _ => return Err(BadRequest::MalformedForm),
        })
    }
}

impl Visit<'_> {
    async fn act(
        &self,
        visitor: &Visitor,
        action: Action,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        match action {
            Action::SignOut => self.sign_out(visitor).await,
            Action::SignOutEverywhere => self.sign_out_everywhere(visitor).await,
            Action::EndSession(id) if id == visitor.session.id => self.sign_out(visitor).await,
            Action::EndSession(id) => self.end_other_session(visitor, &id).await,
            Action::RevokeGrant(id) => self.revoke_own_grant(visitor, id).await,
            Action::RevokeConsent(client) => self.revoke_consent(visitor, client).await,
            Action::Unlink(id) => self.unlink(visitor, &id, known).await,
            Action::ChangePassword { current, new } => {
                self.change_password(visitor, &current, &new, known).await
            }
        }
    }

    async fn account_page(
        &self,
        visitor: &Visitor,
        notice: Option<AccountNotice>,
    ) -> Result<Response<Bytes>, Error> {
        let belongings = self.belongings(visitor).await?;
        let form = self.seal_in_session(FORM, visitor.cookie.value(), &());
        let form = form.await?;
        let upstreams = self.issuer.upstreams().await?;
        let others = belongings.unlinked(&upstreams);
        let link = match others.is_empty() {
            true => String::new(),
            false => {
                let session = visitor.cookie.value();
                self.seal_in_session(LINK, session, &()).await?
            }
        };
        let to_link = Links::of(&others, "link", &link);
        let rows = Rows::of(&belongings);
        let page = Account {
            form: &form,
            action: paths::ACCOUNT,
            who: visitor.who(),
            sessions: &rows.sessions(&belongings, visitor),
            grants: &rows.grants(&belongings),
            consents: &rows.consents(&belongings),
            links: &rows.links(&belongings, &upstreams),
            upstreams: &to_link.shown(&others),
            has_password: belongings.has_password,
            notice,
        };
        Ok(self.page(StatusCode::OK, page.html(&self.look, self.language)))
    }
}

/// The texts of the rows, which the page borrows: in the order of what they are about.
struct Rows {
    browsers: Vec<Option<String>>,
    grants: Vec<GrantTexts>,
    consents: Vec<ConsentTexts>,
}

struct GrantTexts {
    id: String,
    client_name: String,
    scopes: Vec<String>,
}

struct ConsentTexts {
    client_name: String,
    scopes: Vec<String>,
}

impl Rows {
    fn of(belongings: &Belongings) -> Self {
        let browsers = belongings.sessions.iter().map(|session| {
            let browser = session.browser.as_deref();
            browser.and_then(browser::shown)
        });
        let grants = belongings.grants.iter().map(|grant| GrantTexts {
            id: grant.id.to_string(),
            client_name: belongings.client_name(&grant.client_id),
            scopes: grant.scopes.iter().map(ToString::to_string).collect(),
        });
        let consents = belongings.consents.iter().map(|consent| {
            let given = consent.given.iter();
            let mut scopes: Vec<String> = given
                .flat_map(|at| at.scopes.iter())
                .map(ToString::to_string)
                .collect();
            scopes.sort();
            scopes.dedup();
            ConsentTexts {
                client_name: belongings.client_name(&consent.client_id),
                scopes,
            }
        });
        Self {
            browsers: browsers.collect(),
            grants: grants.collect(),
            consents: consents.collect(),
        }
    }

    fn sessions<'a>(&'a self, all: &'a Belongings, visitor: &Visitor) -> Vec<SessionRow<'a>> {
        let rows = all.sessions.iter().zip(&self.browsers);
        let rows = rows.map(|(session, browser)| SessionRow {
            id: &session.id,
            browser: browser.as_deref(),
            source: session.source.as_deref(),
            signed_in_at: moment(session.signed_in_at),
            is_this: session.id == visitor.session.id,
        });
        rows.collect()
    }

    fn grants<'a>(&'a self, all: &Belongings) -> Vec<GrantRow<'a>> {
        let rows = all.grants.iter().zip(&self.grants);
        let rows = rows.map(|(grant, texts)| GrantRow {
            id: &texts.id,
            client_name: &texts.client_name,
            scopes: &texts.scopes,
            given_at: moment(grant.created_at),
        });
        rows.collect()
    }

    fn consents<'a>(&'a self, all: &'a Belongings) -> Vec<ConsentRow<'a>> {
        let rows = all.consents.iter().zip(&self.consents);
        let rows = rows.map(|(consent, texts)| ConsentRow {
            client_id: consent.client_id.as_str(),
            client_name: &texts.client_name,
            scopes: &texts.scopes,
        });
        rows.collect()
    }

    fn links<'a>(&self, all: &'a Belongings, upstreams: &'a [Upstream]) -> Vec<LinkRow<'a>> {
        let rows = all.links.iter().map(|link| {
            let mut upstreams = upstreams.iter();
            let upstream = upstreams.find(|upstream| upstream.name == link.upstream);
            LinkRow {
                id: &link.id,
                upstream_name: upstream.map_or(link.upstream.as_str(), Upstream::shown_name),
                linked_at: moment(link.linked_at),
            }
        });
        rows.collect()
    }
}

const fn moment(at: Timestamp) -> Moment {
    Moment::from_seconds(at.seconds())
}

/// The purpose of the forms of this page.
const FORM: &str = "account";

/// The purpose of the links to upstreams.
pub(crate) const LINK: &str = "link";
