//! What it costs that somebody signs in, agrees, and a client gets their tokens; and what it costs when they have done so before.

use serde_json::json;
use tokensmith_issuer::HashPasswords;
use tokensmith_issuer::store::records::{Login, Subject, SubjectKind};
use tokensmith_people::Passwords;
use tokensmith_tests::{Answer, CodeFlow, HttpRequest, Page};
use url::Url;

use super::{Cost, Counter};

impl Counter {
    /// Each request on the way, by its name.
    pub(super) async fn people_costs(&self) -> Vec<(&'static str, Cost)> {
        self.register_person().await;
        let client = self.world.confidential("shop", |client| {
            client.redirect_uris = vec![CALLBACK.parse().expect("a URI")];
            client.scopes = "openid email read".parse().expect("scopes");
            client.grant_types = GRANTS.map(|grant| grant.parse().expect("a grant")).to_vec();
        });
        let client = client.await;
        let mut browser = Browser::default();
        let mut costs = Vec::new();

        let flow = CodeFlow::new(&client, CALLBACK, "openid email read");
        let request = HttpRequest::get(&flow.target());
        let (cost, answer) = self.visit("authorize", &request, 200, &mut browser).await;
        costs.push(("authorize", cost));
        let login = form_of(answer, "Sign in", &ENTERED);
        let (cost, answer) = self.visit("login", &login, 303, &mut browser).await;
        costs.push(("login", cost));
        let request = HttpRequest::get(answer.header("location").expect("a redirect"));
        let (cost, answer) = self
            .visit("consent_page", &request, 200, &mut browser)
            .await;
        costs.push(("consent_page", cost));
        let consent = form_of(answer, "allow", &[]);
        let (cost, answer) = self.visit("consent", &consent, 303, &mut browser).await;
        costs.push(("consent", cost));
        let redemption = flow.redemption(&code_in(&answer));
        let (cost, _) = self.visit("code", &redemption, 200, &mut browser).await;
        costs.push(("code", cost));

        let again = CodeFlow::new(&client, CALLBACK, "openid email read");
        let request = HttpRequest::get(&again.target());
        let (cost, _) = self
            .visit("authorize_again", &request, 303, &mut browser)
            .await;
        costs.push(("authorize_again", cost));
        costs
    }

    /// Somebody with a name, a password and some claims, as an operator makes them.
    async fn register_person(&self) {
        let [(_, name), (_, password)] = ENTERED;
        self.world
            .person(name, json!({"email": "alice@example.com"}))
            .await;
        let password = password.to_owned().into();
        let login = Login {
            name: name.parse().expect("a user name"),
            subject: name.parse().expect("a subject"),
            password: Passwords::default().hash(&password).await,
            changed_at: self.world.now(),
        };
        let table = self.world.table();
        table.insert(&login).await.expect("the table works");
        let subject = Subject::new(name, SubjectKind::User);
        table.insert(&subject).await.expect("the table works");
    }

    async fn visit(
        &self,
        name: &str,
        request: &HttpRequest,
        status: u16,
        browser: &mut Browser,
    ) -> (Cost, Answer) {
        let (cost, answer) = self.answered(name, &browser.sending(request), status).await;
        browser.keep(&answer);
        (cost, answer)
    }
}

/// The cookies of a browser.
#[derive(Default)]
struct Browser(Vec<(String, String)>);

impl Browser {
    fn sending(&self, request: &HttpRequest) -> HttpRequest {
        let cookies = self.0.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies: Vec<_> = cookies.collect();
        let request = request.clone().header("user-agent", USER_AGENT);
        match cookies.is_empty() {
            true => request,
            false => request.header("cookie", cookies.join("; ")),
        }
    }

    fn keep(&mut self, answer: &Answer) {
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let pair = cookie.split(';').next().expect("a pair");
            let (name, value) = pair.split_once('=').expect("a value");
            self.0.retain(|(other, _)| other != name);
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// The request by which a page's form is sent.
fn form_of(answer: Answer, button: &str, entered: &[(&str, &str)]) -> HttpRequest {
    let page = Page {
        answer,
        target: String::new(),
    };
    let form = page.form_with(button);
    let (name, value) = form
        .buttons
        .iter()
        .find(|(_, value)| value == button)
        .expect("the button");
    let fields = form.fields.iter().map(|(field, filled)| {
        let by_hand = entered.iter().find(|(one, _)| one == field);
        let value = by_hand.map_or(filled.as_str(), |(_, text)| *text);
        (field.as_str(), value)
    });
    let mut fields: Vec<_> = fields.collect();
    if !name.is_empty() {
        fields.push((name, value));
    }
    HttpRequest::form(&form.action, &fields)
}

/// The code that a browser is sent back with.
fn code_in(answer: &Answer) -> String {
    let back = Url::parse(answer.header("location").expect("a redirect")).expect("a URL");
    let mut parameters = back.query_pairs();
    let code = parameters.find(|(name, _)| name == "code");
    code.expect("a code").1.into_owned()
}

const CALLBACK: &str = "https://shop.example/callback";
const GRANTS: [&str; 2] = ["authorization_code", "refresh_token"];
const ENTERED: [(&str, &str); 2] = [
    ("user_name", "alice"),
    ("password", "a long walk by the river"),
];

/// As long as those of today's browsers.
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
