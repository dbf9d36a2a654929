//! The whole way of an authorization request, one HTTP request after the other: each can be killed, refused or counted before the
//! walk goes on.

use super::interrupted::StandingTime;
use super::*;

/// One request on the way, and who comes to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed {
    /// As the contract calls it.
    pub(super) name: &'static str,
    /// The person has signed in before.
    pub(super) signed_in: bool,
    /// They are not asked, because they have agreed before.
    pub(super) agreed: bool,
    /// The client pushes its request (RFC 9126).
    pub(super) pushed: bool,
    is_it: fn(&HttpRequest) -> bool,
    /// How many grants there may be in the end. All but one lead nowhere.
    pub(super) grants: usize,
}

impl Deed {
    const fn new(name: &'static str, is_it: fn(&HttpRequest) -> bool) -> Self {
        Self {
            name,
            signed_in: false,
            agreed: false,
            pushed: false,
            is_it,
            grants: 1,
        }
    }

    const fn signed_in(self) -> Self {
        let signed_in = true;
        Self { signed_in, ..self }
    }

    const fn agreed(self) -> Self {
        let agreed = true;
        Self {
            signed_in: true,
            agreed,
            ..self
        }
    }

    const fn pushed(self) -> Self {
        let pushed = true;
        Self { pushed, ..self }
    }

    const fn leaving(self, grants: usize) -> Self {
        Self { grants, ..self }
    }
}

/// Every request between a client's wish and its second refresh token.
pub(super) const DEEDS: [Deed; 12] = [
    Deed::new("`GET /oauth2/authorize`, nobody signed in", is_authorize),
    Deed::new(
        "`GET /oauth2/authorize` of a pushed request, nobody signed in",
        is_authorize,
    )
    .pushed(),
    Deed::new("`POST /login`", is_login),
    Deed::new("`GET /consent`", is_consent_page),
    Deed::new("`POST /consent`", is_consent),
    Deed::new("`POST /consent` of a pushed request", is_consent).pushed(),
    Deed::new("`GET /oauth2/authorize`, signed in", is_authorize).signed_in(),
    // Each time that a browser opens it is a request of its own, whose code nobody has got.
    Deed::new(
        "`GET /oauth2/authorize`, signed in and agreed before",
        is_authorize,
    )
    .agreed()
    .leaving(2),
    Deed::new(
        "`GET /oauth2/authorize` of a pushed request, signed in and agreed before",
        is_authorize,
    )
    .agreed()
    .pushed(),
    Deed::new("`POST /oauth2/par`", is_push).pushed(),
    // A code that was redeemed and is presented again revokes what came of it.
    Deed::new("`POST /oauth2/token` with a code", is_redemption).leaving(2),
    Deed::new("`POST /oauth2/token` with its refresh token", is_refresh),
];

fn is(request: &HttpRequest, method: &str, path: &str) -> bool {
    let request = request.in_process();
    request.method() == method && request.uri().path() == path
}

fn is_authorize(request: &HttpRequest) -> bool {
    is(request, "GET", paths::AUTHORIZE)
}

fn is_login(request: &HttpRequest) -> bool {
    is(request, "POST", paths::LOGIN)
}

fn is_consent_page(request: &HttpRequest) -> bool {
    is(request, "GET", paths::CONSENT)
}

fn is_consent(request: &HttpRequest) -> bool {
    is(request, "POST", paths::CONSENT)
}

fn is_push(request: &HttpRequest) -> bool {
    is(request, "POST", paths::PUSHED_AUTHORIZATION)
}

fn is_token(request: &HttpRequest, grant_type: &str) -> bool {
    let body = request.in_process().into_body();
    let body = String::from_utf8_lossy(&body).into_owned();
    is(request, "POST", paths::TOKEN) && body.contains(&format!("grant_type={grant_type}"))
}

fn is_redemption(request: &HttpRequest) -> bool {
    is_token(request, "authorization_code")
}

fn is_refresh(request: &HttpRequest) -> bool {
    is_token(request, "refresh_token")
}

/// A person who was sent by a client, and how far they are.
pub(super) struct Walk {
    issuer: InProcess,
    name: String,
    pub(super) browser: Browser,
    flow: CodeFlow,
    pushed: bool,
    /// How often the client had to send the person anew.
    pub(super) begun_anew: usize,
    refreshed: bool,
    /// The newest refresh token that the client has got.
    refresh_token: String,
}

impl Walk {
    /// A new person, before their first request.
    pub(super) async fn new(scene: &Scene, client: &TestClient, name: &str, deed: &Deed) -> Self {
        scene.register(name).await;
        let scope = "openid offline_access a";
        if deed.agreed {
            scene.consent(name, client, scope).await;
        }
        let browser = match deed.signed_in {
            true => scene.browser_of(name).await,
            false => Browser::default(),
        };
        Self {
            issuer: scene.issuer.clone(),
            name: name.to_owned(),
            browser,
            flow: CodeFlow::new(client, CALLBACK, scope),
            pushed: deed.pushed,
            begun_anew: 0,
            refreshed: false,
            refresh_token: String::new(),
        }
    }

    /// Goes on until the next request is the one that `deed` means.
    pub(super) async fn until(&mut self, deed: &Deed) -> HttpRequest {
        let mut request = self.first();
        while !(deed.is_it)(&request) {
            let answer = self.send(request).await;
            let next = self.next(&answer);
            request = next.unwrap_or_else(|| panic!("{} never comes", deed.name));
        }
        request
    }

    /// Sends a request, and goes on to the end.
    pub(super) async fn finish(&mut self, request: HttpRequest) {
        let mut next = Some(request);
        while let Some(request) = next {
            let answer = self.send(request).await;
            next = self.next(&answer);
            assert!(self.begun_anew < 3, "{}", answer.body);
        }
    }

    pub(super) async fn send(&mut self, request: HttpRequest) -> Answer {
        let issuer = self.issuer.clone();
        let _while_it_lasts = StandingTime::new();
        self.browser.send(&issuer, request).await
    }

    /// How it begins.
    fn first(&self) -> HttpRequest {
        if !self.pushed {
            return HttpRequest::get(&self.flow.target());
        }
        let parameters = &self.flow.parameters;
        let parameters: Vec<(&str, &str)> = parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        HttpRequest::form(paths::PUSHED_AUTHORIZATION, &parameters).by(&self.flow.client)
    }

    /// What the person or the client does upon an answer; `None` when the client has refreshed.
    fn next(&mut self, answer: &Answer) -> Option<HttpRequest> {
        if let Some(location) = answer.header("location") {
            return Some(self.sent_to(location));
        }
        match answer.status {
            201 => {
                let mut query = url::form_urlencoded::Serializer::new(String::new());
                query.append_pair("client_id", &self.flow.client.id);
                query.append_pair("request_uri", &answer.string("request_uri"));
                let target = format!("{}?{}", paths::AUTHORIZE, query.finish());
                Some(HttpRequest::get(&target))
            }
            200 if answer.body.starts_with('{') => {
                self.refresh_token = answer.refresh_token();
                let refresh = HttpRequest::refresh(&self.flow.client, &self.refresh_token);
                (!std::mem::replace(&mut self.refreshed, true)).then_some(refresh)
            }
            200 => Some(self.answered(answer)),
            _ => {
                // OAuth 2.1 §4.1.3: a code is good once, and the client sends the person again.
                answer.assert_refused(400, "invalid_grant");
                self.begun_anew += 1;
                Some(self.first())
            }
        }
    }

    fn sent_to(&self, location: &str) -> HttpRequest {
        if !location.starts_with(CALLBACK) {
            return HttpRequest::get(location);
        }
        let back = Url::parse(location).expect("a URL");
        let code = parameter(&back, "code");
        let code = code.unwrap_or_else(|| panic!("no code: {back}"));
        self.flow.redemption(&code)
    }

    /// What the person enters or presses on a page.
    fn answered(&self, answer: &Answer) -> HttpRequest {
        let form = field(answer, "form");
        if page(answer).has_button("allow") {
            let fields = [("form", form.as_str()), ("decision", "allow")];
            return HttpRequest::form(paths::CONSENT, &fields);
        }
        let fields = [
            ("form", form.as_str()),
            ("user_name", self.name.as_str()),
            ("password", PASSWORD),
        ];
        HttpRequest::form(paths::LOGIN, &fields)
    }

    /// The client refreshes once more.
    pub(super) async fn refresh(&self) -> Answer {
        let refreshed = self.issuer.refresh(&self.flow.client, &self.refresh_token);
        refreshed.await
    }

    /// The grants of the person.
    pub(super) async fn grants(&self) -> Vec<Grant> {
        let items = self.issuer.items().await;
        let mut grants = Vec::new();
        for (key, item) in items {
            let is_own = item.get("subject").and_then(|is| is.as_s().ok()) == Some(&self.name);
            if is_own && let Some(id) = key.strip_prefix("GRANT#") {
                let id = id.trim_end_matches("/-").parse().expect("an id");
                grants.push(self.issuer.record(&Grant::key_of(id)).await);
            }
        }
        grants
    }
}
