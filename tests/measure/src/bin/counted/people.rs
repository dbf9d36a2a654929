//! What it costs that somebody signs in, agrees, and a client gets their tokens; and what it costs when they have done so before.

use serde_json::json;
use tokensmith_issuer::HashPasswords;
use tokensmith_issuer::store::records::{Login, Subject, SubjectKind};
use tokensmith_measure::browser::{Browser, code_in, form_of};
use tokensmith_people::Passwords;
use tokensmith_tests::{Answer, CodeFlow, HttpRequest};

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
        let login = form_of(&answer, "Sign in", &ENTERED);
        let (cost, answer) = self.visit("login", &login, 303, &mut browser).await;
        costs.push(("login", cost));
        let request = HttpRequest::get(answer.header("location").expect("a redirect"));
        let (cost, answer) = self
            .visit("consent_page", &request, 200, &mut browser)
            .await;
        costs.push(("consent_page", cost));
        let consent = form_of(&answer, "allow", &[]);
        let (cost, answer) = self.visit("consent", &consent, 303, &mut browser).await;
        costs.push(("consent", cost));
        let redemption = flow.redemption(&code_in(&answer).expect("a code"));
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

const CALLBACK: &str = "https://shop.example/callback";
const GRANTS: [&str; 2] = ["authorization_code", "refresh_token"];
const ENTERED: [(&str, &str); 2] = [
    ("user_name", "alice"),
    ("password", "a long walk by the river"),
];
