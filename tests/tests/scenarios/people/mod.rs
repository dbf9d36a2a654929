//! People who sign in, and clients that they let have something.

mod account;
mod attacks;
mod basic_op;
mod code_flow;
mod delegation;
mod devices;
mod logout;
mod userinfo;

use std::io::Write;
use std::process::Stdio;

use tokensmith_tests::{CodeFlow, Page, Person, Place, TestClient, TestIssuer, unique};
use url::Url;

/// A client, somebody with a password, and their browser.
pub struct World {
    pub issuer: TestIssuer,
    pub client: TestClient,
    pub user: String,
    pub person: Person,
}

pub const CALLBACK: &str = "https://app.example/callback";
pub const PASSWORD: &str = "correct horse battery staple";
const SCOPES: [&str; 7] = [
    "openid",
    "profile",
    "email",
    "address",
    "phone",
    "offline_access",
    "read",
];

impl World {
    /// With a confidential client that may ask for every scope.
    pub fn new() -> Self {
        Self::with(&[])
    }

    pub fn with(arguments: &[&str]) -> Self {
        let issuer = TestIssuer::shared();
        let client = register(&issuer, arguments);
        Self::of(issuer, client)
    }

    pub fn of(issuer: TestIssuer, client: TestClient) -> Self {
        let user = unique("ada");
        create_user(&issuer, &user, &[]);
        Self {
            issuer,
            client,
            user,
            person: Person::new(),
        }
    }

    pub fn flow(&self, scope: &str) -> CodeFlow {
        CodeFlow::new(&self.client, CALLBACK, scope)
    }

    /// The page that asks who is there.
    pub fn sign_in_page(&mut self, flow: &CodeFlow) -> Page {
        let page = flow.begin(&mut self.person, &self.issuer).page();
        assert!(page.has_button("Sign in"), "{}", page.text());
        page
    }

    pub fn sign_in(&mut self, page: &Page, password: &str) -> Place {
        let entered = [("user_name", self.user.as_str()), ("password", password)];
        self.person.press(&self.issuer, page, "Sign in", &entered)
    }

    pub fn decide(&mut self, page: &Page, decision: &str) -> Place {
        self.person.press(&self.issuer, page, decision, &[])
    }

    /// Signs in, allows everything, and comes back to the client.
    pub fn approve(&mut self, flow: &CodeFlow) -> Url {
        match flow.begin(&mut self.person, &self.issuer) {
            Place::Elsewhere(back) => back,
            Place::Page(page) => {
                let page = match page.has_button("allow") {
                    true => page,
                    false => match self.sign_in(&page, PASSWORD) {
                        Place::Page(page) => page,
                        Place::Elsewhere(back) => return back,
                    },
                };
                self.decide(&page, "allow").elsewhere()
            }
        }
    }

    /// The same, and the code.
    pub fn code(&mut self, flow: &CodeFlow) -> String {
        let back = self.approve(flow);
        flow.code(&self.issuer, &back)
    }
}

pub fn register(issuer: &TestIssuer, arguments: &[&str]) -> TestClient {
    let scopes = SCOPES.map(|scope| format!("--scope={scope}"));
    let mut all: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let callback = format!("--redirect-uri={CALLBACK}");
    all.push(&callback);
    all.extend(arguments);
    match arguments.contains(&"--public") {
        true => {
            all.retain(|argument| *argument != "--public");
            issuer.register_public("app", &all)
        }
        false => issuer.register("app", &all),
    }
}

fn create_user(issuer: &TestIssuer, name: &str, more: &[&str]) -> serde_json::Value {
    let create = ["user", "create", name, "--password-stdin"];
    let mut command = issuer.command(&[&create, more].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = command.spawn().expect("the command runs");
    let mut stdin = running.stdin.take().expect("a pipe");
    stdin.write_all(PASSWORD.as_bytes()).expect("it reads");
    drop(stdin);
    let output = running.wait_with_output().expect("it ends");
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("JSON")
}
