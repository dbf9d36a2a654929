//! Signing in through another OpenID provider, whatever happens to the process meanwhile, and to the keys of this issuer.

use super::interrupted::{End, Interrupted, StandingTime, interrupted};
use super::*;
use std::sync::Arc;
use tokensmith_issuer::admin::NewUpstream;
use tokensmith_issuer::store::records::{LinkedAccount, User};
use tokensmith_tests::TestProvider;
use tokensmith_tests::faults::Fault;
use tokio::time::Instant;

/// An issuer with people, who may also sign in elsewhere.
pub(super) struct Beside {
    scene: Scene,
    provider: Arc<TestProvider>,
}

impl Beside {
    pub(super) async fn new() -> Self {
        let mut scene = Scene::new().await;
        let provider = TestProvider::new(scene.issuer.clock());
        scene.issuer = scene.issuer.beside(&provider).await;
        let upstream = NewUpstream {
            name: "op".parse().expect("a name"),
            shown_as: None,
            issuer: TestProvider::ISSUER.parse().expect("an issuer"),
            client_id: TestProvider::CLIENT_ID.to_owned(),
            secret: Some(TestProvider::SECRET.to_owned().into()),
            scopes: scopes("email"),
            creates_users: true,
        };
        let administrator = scene.issuer.administrator();
        let created = administrator.create_upstream(upstream);
        created.await.expect("a new upstream");
        Self { scene, provider }
    }

    pub(super) fn issuer(&self) -> &InProcess {
        &self.scene.issuer
    }

    /// The subjects of the users who have come from the provider with this account.
    async fn users_of(&self, account: &str) -> Vec<String> {
        let mut subjects = Vec::new();
        for key in self.issuer().items().await.into_keys() {
            let Some(subject) = key.strip_prefix("USER#") else {
                continue;
            };
            let subject = subject.trim_end_matches("/-").parse().expect("a name");
            let user = self.issuer().record(&User::key_of(&subject)).await;
            let email = user.claims.get("email").and_then(|email| email.as_str());
            if email == Some(&format!("{account}@provider.example")) {
                subjects.push(user.subject.to_string());
            }
        }
        subjects
    }

    /// Whom the account leads to.
    async fn linked_to(&self, account: &str) -> Option<String> {
        let issuer = TestProvider::ISSUER.parse().expect("an issuer");
        let key = LinkedAccount::key_of(&LinkedAccount::id_of(&issuer, account));
        let link = self.issuer().table().get(&key).await.expect("a read");
        link.map(|link| link.subject.to_string())
    }
}

/// What somebody does there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Deed {
    /// They sign in for the first time, and become a user.
    Become,
    /// They sign in once more.
    Return,
    /// They link their account there to what they are here.
    Link,
}

impl Deed {
    /// What its request on the way there, or back, is called in the contract.
    pub(super) const fn request(self, is_back: bool) -> &'static str {
        match (self, is_back) {
            (Self::Link, false) => "`GET /login/upstream`, to connect an account",
            (_, false) => "`GET /login/upstream`, nobody signed in",
            (Self::Become, true) => "`GET /login/upstream` with a code, of somebody new",
            (Self::Return, true) => "`GET /login/upstream` with a code, of somebody known",
            (Self::Link, true) => "`GET /login/upstream` with a code, to connect an account",
        }
    }
}

/// Somebody with an account at the provider, and how far they are.
pub(super) struct Traveller<'a> {
    beside: &'a Beside,
    deed: Deed,
    account: String,
    browser: Browser,
    /// How often they had to be sent to the provider anew.
    begun_anew: usize,
}

impl<'a> Traveller<'a> {
    pub(super) async fn new(beside: &'a Beside, deed: Deed, account: &str) -> Self {
        let mut new = Self {
            beside,
            deed,
            account: account.to_owned(),
            browser: Browser::default(),
            begun_anew: 0,
        };
        match deed {
            Deed::Become => {}
            Deed::Return => {
                let first = new.departure().await;
                new.finish(first.expect("a link")).await;
                new.browser = Browser::default();
            }
            Deed::Link => {
                beside.scene.register(account).await;
                new.browser = beside.scene.browser_of(account).await;
            }
        }
        new
    }

    pub(super) async fn send(&mut self, request: HttpRequest) -> Answer {
        let _while_it_lasts = StandingTime::new();
        self.browser.send(self.beside.issuer(), request).await
    }

    /// They follow the link to the provider, which a page has for them; `None` when they have connected their account.
    async fn departure(&mut self) -> Option<HttpRequest> {
        let mut answer = self.send(HttpRequest::get(paths::ACCOUNT)).await;
        if let Some(location) = answer.header("location") {
            answer = self.send(HttpRequest::get(location)).await;
        }
        let mut links = answer.body.split("href=\"").skip(1);
        let link = links.find(|link| link.starts_with(paths::UPSTREAM));
        let link = link.and_then(|link| link.split('"').next());
        link.map(|link| HttpRequest::get(&link.replace("&amp;", "&")))
    }

    /// They come back from where `answer` has sent them.
    fn arrival(&self, answer: &Answer) -> HttpRequest {
        let asked = answer.header("location").expect("a redirect");
        let back = self.beside.provider.sign_in(asked, &self.account);
        let query = back.query().expect("a query");
        HttpRequest::get(&format!("{}?{query}", back.path()))
    }

    /// The request that is to be disturbed: of the way there, or of the way back.
    pub(super) async fn until(&mut self, is_back: bool) -> HttpRequest {
        let departure = self.departure().await.expect("a link");
        if !is_back {
            return departure;
        }
        let sent = self.send(departure).await;
        self.arrival(&sent)
    }

    /// Sends a request, and goes on to the account page.
    async fn finish(&mut self, mut request: HttpRequest) {
        loop {
            let answer = self.send(request).await;
            let location = answer.header("location");
            if location.is_some_and(|location| location.starts_with(TestProvider::ISSUER)) {
                request = self.arrival(&answer);
            } else if location.is_some_and(|location| location.starts_with(paths::ACCOUNT)) {
                return;
            } else {
                // The provider takes its code once (OAuth 2.1 §4.1.3).
                assert_eq!(answer.status, 403, "{}", text(&answer));
                assert_eq!(self.begun_anew, 0, "{}", text(&answer));
                self.begun_anew += 1;
                match self.departure().await {
                    Some(departure) => request = departure,
                    None => return assert_eq!(self.deed, Deed::Link),
                }
            }
        }
    }

    /// They are signed in as the only user whom their account leads to.
    async fn assert_is_one_user(&mut self, case: &str) {
        let linked = self.beside.linked_to(&self.account).await;
        let linked = linked.unwrap_or_else(|| panic!("{case}: no link"));
        let made = self.beside.users_of(&self.account).await;
        match self.deed {
            Deed::Link => assert_eq!((linked.as_str(), made.len()), (&*self.account, 0), "{case}"),
            _ => assert_eq!(made, [linked.as_str()], "{case}"),
        }
        let cookie = self.browser.session_cookie();
        let cookie = cookie.unwrap_or_else(|| panic!("{case}: no session"));
        assert!(cookie.starts_with(&linked), "{case}");
        let page = self.browser.account(self.beside.issuer()).await;
        assert_eq!(page.status, 200, "{case}");
    }
}

/// Each with whether it is the way back.
pub(super) const DEEDS: [(Deed, bool); 5] = [
    (Deed::Become, false),
    (Deed::Become, true),
    (Deed::Return, true),
    (Deed::Link, false),
    (Deed::Link, true),
];

#[tokio::test(start_paused = true)]
async fn invariant_8_whoever_repeats_a_sign_in_elsewhere_that_was_killed_is_one_user() {
    for (deed, is_back) in DEEDS {
        let beside = Beside::new().await;
        let mut step = 0;
        'calls: loop {
            for end in [End::KilledBefore, End::KilledAfter] {
                let case = format!("{}, call {step}, {end:?}", deed.request(is_back));
                let account = format!("ada-{step}-{end:?}").to_lowercase();
                let mut traveller = Traveller::new(&beside, deed, &account).await;
                let request = traveller.until(is_back).await;
                let issuer = beside.issuer();
                match interrupted(issuer, &traveller.browser, &request, step, end).await {
                    Interrupted::Through => break 'calls,
                    Interrupted::Killed => {}
                    Interrupted::Answered(answer) => panic!("{case}: {}", answer.body),
                }
                traveller.finish(request).await;
                assert!(is_back || traveller.begun_anew == 0, "{case}");
                traveller.assert_is_one_user(&case).await;
            }
            step += 1;
        }
        assert!(step >= 2, "{deed:?}: {step} calls were killed");
    }
}

#[tokio::test(start_paused = true)]
async fn invariant_9_while_the_table_fails_nobody_is_signed_in_from_elsewhere() {
    for (deed, is_back) in DEEDS {
        let beside = Beside::new().await;
        let budget = beside.issuer().config.request_timeout;
        let mut step = 0;
        'calls: loop {
            for fault in [Fault::Throttled, Fault::Silence] {
                let case = format!("{}, call {step}, {fault:?}", deed.request(is_back));
                let account = format!("ada-{step}-{fault:?}").to_lowercase();
                let mut traveller = Traveller::new(&beside, deed, &account).await;
                let request = traveller.until(is_back).await;
                let (issuer, end, begun) = (beside.issuer(), End::From(fault), Instant::now());
                let answer =
                    match interrupted(issuer, &traveller.browser, &request, step, end).await {
                        Interrupted::Through => break 'calls,
                        Interrupted::Killed => panic!("{case}"),
                        Interrupted::Answered(answer) => answer,
                    };
                kills::assert_unavailable(&answer, &case);
                assert!(begun.elapsed() <= budget, "{case}: {:?}", begun.elapsed());
                traveller.finish(request).await;
                traveller.assert_is_one_user(&case).await;
            }
            step += 1;
        }
        assert!(step >= 2, "{deed:?}: {step} calls failed");
    }
}

/// What this issuer proves itself with elsewhere outlives its own keys: they rotate, and end when they were stolen.
#[tokio::test]
async fn the_secret_at_a_provider_outlives_every_hmac_key() {
    let mut beside = Beside::new().await;
    for number in 0..3 {
        let account = format!("ada-{number}");
        let mut traveller = Traveller::new(&beside, Deed::Become, &account).await;
        let departure = traveller.departure().await;
        traveller.finish(departure.expect("a link")).await;
        assert_eq!(traveller.begun_anew, 0);
        traveller.assert_is_one_user(&account).await;
        let issuer = beside.issuer();
        let rotation = issuer.hmac_rotation();
        let (url, now) = (&issuer.config.issuer, issuer.now());
        match number {
            0 => drop(rotation.rotate(url, now).await.expect("a new version")),
            _ => drop(rotation.replace(url, now).await.expect("a new version")),
        }
        issuer.pass(2);
        beside.scene = beside.scene.cold().await;
    }
}
