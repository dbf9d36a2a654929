//! What people see and end: the account page and signing out, in browsers that keep cookies and run no scripts.

mod account;
mod costs;
mod ends_under_faults;
mod guesses;
pub(crate) mod interrupted;
mod kills;
mod logout;
mod new_password;
mod upstream;
mod walk;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use tokensmith_issuer::credential::random_bytes;
use tokensmith_issuer::event::Answered;
use tokensmith_issuer::names::{Audience, Scopes};
use tokensmith_issuer::store::records::{
    Client, Consent, ConsentedAccess, Grant, Login, Origin, PasswordHash, Session, SignIn, Subject,
    SubjectKind,
};
use tokensmith_issuer::{GrantType, HashPasswords};
use tokensmith_people::Passwords;
use tokensmith_tests::records::{API, audiences, scopes};
use tokensmith_tests::{
    Answer, CodeFlow, HttpRequest, InProcess, Page, TestClient, TestGrant, parameter,
};
use tokensmith_verifier::paths;
use tokio::sync::OnceCell;
use url::Url;

const PASSWORD: &str = "correct horse battery staple";
/// Its hash, which is made once.
static HASH: OnceCell<PasswordHash> = OnceCell::const_new();

/// The name of the cookie.
const SESSION: &str = "__Host-tokensmith-session";

const CALLBACK: &str = "https://app.example/callback";

/// An issuer with people, and a client of the operator's own, which needs no consent.
struct Scene {
    issuer: InProcess,
    client: TestClient,
}

impl Scene {
    /// Alice and bob have the same password.
    async fn new() -> Self {
        let issuer = InProcess::start().await;
        let client = client(&issuer, "app", |client| client.first_party = true).await;
        let scene = Self { issuer, client };
        for name in ["alice", "bob"] {
            scene.register(name).await;
        }
        scene
    }

    async fn register(&self, name: &str) {
        let (table, now) = (self.issuer.table(), self.issuer.now());
        self.issuer
            .person(name, serde_json::json!({ "name": "Somebody" }))
            .await;
        let subject = Subject::new(name, SubjectKind::User);
        table.insert(&subject).await.expect("an insert");
        let hash = HASH.get_or_init(async || {
            let hash = Passwords::default().hash(&PASSWORD.to_owned().into()).await;
            hash.expect("a hash")
        });
        let hash = hash.await;
        let login = Login {
            name: name.parse().expect("a name"),
            subject: name.parse().expect("a subject"),
            password: Some(hash.clone()),
            changed_at: now,
        };
        table.insert(&login).await.expect("an insert");
    }

    /// The same scene at a function that has loaded nothing.
    async fn cold(&self) -> Self {
        Self {
            issuer: self.issuer.cold().await,
            client: self.client.clone(),
        }
    }

    /// A browser in which somebody has signed in, as the records have it.
    async fn browser_of(&self, name: &str) -> Browser {
        let mut browser = Browser::default();
        let secret = URL_SAFE_NO_PAD.encode(random_bytes::<32>());
        let cookie = (SESSION.to_owned(), format!("{name}.{secret}"));
        browser.cookies.extend([cookie]);
        let now = self.issuer.now();
        let session = Session {
            id: browser.session(),
            sid: browser.session(),
            subject: name.parse().expect("a subject"),
            signed_in_at: now,
            methods: vec!["pwd".to_owned()],
            browser: None,
            source: None,
            expires_at: now.after(Duration::from_secs(12 * 3600)),
        };
        let inserted = self.issuer.table().insert(&session).await;
        inserted.expect("an insert");
        browser
    }

    /// What the client gets in the session of a browser.
    async fn tokens(&self, browser: &mut Browser, scope: &str) -> Answer {
        let flow = CodeFlow::new(&self.client, CALLBACK, scope);
        let back = browser.get(&self.issuer, &flow.target()).await;
        let back = Url::parse(back.header("location").expect("a redirect"));
        let code = parameter(&back.expect("a URL"), "code").expect("a code");
        let answer = self.issuer.send(&flow.redemption(&code)).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer
    }

    /// A grant that alice has given to the client in a session, changed as told.
    async fn grant_in(
        &self,
        session: Option<&str>,
        scope: &str,
        change: impl FnOnce(&mut Grant),
    ) -> TestGrant {
        let (now, session) = (self.issuer.now(), session.map(str::to_owned));
        let granting = |grant: &mut Grant| {
            grant.origin = Origin::Code;
            grant.scopes = scopes(scope);
            grant.sign_in = Some(SignIn {
                at: now,
                methods: vec!["pwd".to_owned()],
                session,
            });
            change(grant);
        };
        self.issuer.grant(&self.client, granting).await
    }

    async fn is_revoked(&self, grant: &TestGrant) -> bool {
        self.issuer.stored(grant).await.revoked_at.is_some()
    }

    /// Lets `client` have the scopes, without a question from now on.
    async fn consent(&self, name: &str, client: &TestClient, scope: &str) {
        let consent = Consent {
            subject: name.parse().expect("a subject"),
            client_id: client.client_id(),
            given: vec![ConsentedAccess {
                audience: API.parse::<Audience>().expect("an audience"),
                scopes: scopes(scope),
            }],
            given_at: self.issuer.now(),
        };
        let inserted = self.issuer.table().insert(&consent).await;
        inserted.expect("an insert");
    }

    /// Whether there is a record of the session.
    async fn has_session(&self, id: &str) -> bool {
        let found = self.issuer.table().get(&Session::key_of(id)).await;
        found.expect("a read").is_some()
    }
}

/// A client that people are sent by.
async fn client(issuer: &InProcess, id: &str, change: impl FnOnce(&mut Client)) -> TestClient {
    let more: Scopes = scopes("openid profile offline_access a");
    let registering = |client: &mut Client| {
        client.grant_types.push(GrantType::AuthorizationCode);
        client.scopes = more;
        client.audiences = audiences(&[API]);
        client.redirect_uris = vec![CALLBACK.parse().expect("a URI")];
        change(client);
    };
    issuer.confidential(id, registering).await
}

/// Somebody's browser.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn get(&mut self, issuer: &InProcess, target: &str) -> Answer {
        self.send(issuer, HttpRequest::get(target)).await
    }

    async fn post(&mut self, issuer: &InProcess, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = HttpRequest::form(path, form);
        let request = request.header("sec-fetch-site", "same-origin");
        self.send(issuer, request).await
    }

    /// Sends one request with the cookies, and keeps those that come back.
    async fn send(&mut self, issuer: &InProcess, request: HttpRequest) -> Answer {
        let cookies = self.cookies.iter();
        let cookies: Vec<_> = cookies
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = match cookies.is_empty() {
            true => request,
            false => request.header("cookie", cookies.join("; ")),
        };
        let answer = issuer.send(&request).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a value");
            match attributes.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    /// Signs in on the way to the account page.
    async fn sign_in(&mut self, issuer: &InProcess, name: &str, password: &str) -> Answer {
        let sent = self.get(issuer, paths::ACCOUNT).await;
        let location = sent.header("location").expect("a redirect").to_owned();
        let page = self.get(issuer, &location).await;
        let form = field(&page, "form");
        let entered = [
            ("form", form.as_str()),
            ("user_name", name),
            ("password", password),
        ];
        self.post(issuer, paths::LOGIN, &entered).await
    }

    /// The account page.
    async fn account(&mut self, issuer: &InProcess) -> Answer {
        let page = self.get(issuer, paths::ACCOUNT).await;
        assert_eq!(page.status, 200, "{:?}", page.header("location"));
        page
    }

    /// Does something on the account page, which was open.
    async fn act(
        &mut self,
        issuer: &InProcess,
        page: &Answer,
        action: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        let form = field(page, "form");
        let own = [("form", form.as_str()), ("action", action)];
        self.post(issuer, paths::ACCOUNT, &[&own, more].concat())
            .await
    }

    /// Opens the account page, and does something on it.
    async fn do_there(
        &mut self,
        issuer: &InProcess,
        action: &str,
        more: &[(&str, &str)],
    ) -> Answer {
        let page = self.account(issuer).await;
        self.act(issuer, &page, action, more).await
    }

    fn session_cookie(&self) -> Option<&str> {
        let cookie = self.cookies.get(SESSION);
        cookie.map(String::as_str)
    }

    /// The id of its session.
    fn session(&self) -> String {
        let cookie = self.session_cookie().expect("a session");
        URL_SAFE_NO_PAD.encode(digest(&SHA256, cookie.as_bytes()))
    }
}

fn page(answer: &Answer) -> Page {
    Page {
        answer: answer.clone(),
        target: String::new(),
    }
}

/// The text of a page.
fn text(answer: &Answer) -> String {
    page(answer).text()
}

/// The value of the first field with this name.
fn field(answer: &Answer, name: &str) -> String {
    let forms = page(answer).forms();
    let mut fields = forms.into_iter().flat_map(|form| form.fields);
    let found = fields.find(|(one, _)| one == name);
    found
        .unwrap_or_else(|| panic!("no {name}: {}", text(answer)))
        .1
}

/// What the forms of a page are about that do this.
fn ids(answer: &Answer, action: &str) -> Vec<String> {
    let mut forms = page(answer).forms();
    forms.retain(|form| form.buttons.iter().any(|(_, value)| value == action));
    let fields = forms.into_iter().flat_map(|form| form.fields);
    let ids = fields.filter(|(name, _)| name == "id");
    ids.map(|(_, value)| value).collect()
}

/// What was logged about a request.
async fn logged(issuer: &InProcess, browser: &Browser, request: HttpRequest) -> serde_json::Value {
    let cookies = browser.cookies.iter();
    let cookies: Vec<_> = cookies
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let request = request.header("cookie", cookies.join("; ")).in_process();
    let path = request.uri().path().to_owned();
    let endpoint = tokensmith_people::at(&path).expect("an endpoint");
    assert_eq!(request.method(), Method::POST);
    let answer = issuer.issuer.handle(endpoint, request).await;
    let answered = answer.extensions().get::<Answered>().expect("a line");
    serde_json::to_value(answered).expect("JSON")
}
