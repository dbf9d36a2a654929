use serde_json::{Value, json};

use crate::{Granted, HttpRequest, HttpResponse, Registered, Running, Tokens, unique};

/// An issuer, a client with grants, and the resource server that its access tokens are for.
pub struct World {
    /// The issuer.
    pub issuer: Running,
    /// The confidential client.
    pub client: Registered,
    /// The resource server, which owns [`AUDIENCE`] and has nothing else.
    pub server: Registered,
}

impl World {
    /// Registers the client and the resource server.
    pub fn new(issuer: Running) -> Self {
        let client = issuer.register("client", &CLIENT);
        let server = issuer.register("server", &["--audience", AUDIENCE]);
        Self {
            issuer,
            client,
            server,
        }
    }

    /// A new grant of a new subject to the client.
    pub fn grant(&self) -> Granted {
        self.grant_by(&unique("user"))
    }

    /// A new grant of `subject` to the client.
    pub fn grant_by(&self, subject: &str) -> Granted {
        let scopes = ["--scope=read", "--scope=write"];
        self.issuer.grant(&self.client.id, subject, &scopes)
    }

    /// The answer to a refresh by the client.
    pub fn try_refresh(&self, token: &str) -> HttpResponse {
        self.issuer.send(&HttpRequest::refresh(&self.client, token))
    }

    /// The tokens of a refresh by the client.
    ///
    /// # Panics
    /// When it is refused.
    pub fn refresh(&self, token: &str) -> Tokens {
        Tokens::from_answer(&self.try_refresh(token))
    }

    /// A token that the client gets for itself.
    pub fn own_token(&self) -> String {
        let answer = self.issuer.token(&self.client, "");
        assert_eq!(answer.status, 200, "{}", answer.text());
        let token = answer.json()["access_token"].as_str().map(str::to_owned);
        token.expect("a token")
    }

    /// Whether an access token is live, as the resource server is told.
    ///
    /// # Panics
    /// When more is told of a dead one (RFC 7662 §2.2).
    pub fn is_active(&self, access_token: &str) -> bool {
        let told = self.issuer.introspect(&self.server, access_token);
        let active = told["active"] == true;
        assert!(active || told == json!({ "active": false }), "{told}");
        active
    }

    /// Checks that neither of the tokens is good for anything.
    pub fn assert_dead(&self, tokens: &Tokens) {
        assert!(!self.is_active(&tokens.access));
        assert_refused(&self.try_refresh(&tokens.refresh), 400, "invalid_grant");
    }

    /// What `tokensmith inspect` says.
    pub fn inspect(&self, token: &str) -> Value {
        self.issuer.manage(&["inspect", token])
    }
}

/// Checks that an answer is this refusal (RFC 6749 §5.2).
pub fn assert_refused(answer: &HttpResponse, status: u16, error: &str) {
    let told = (answer.status, answer.json()["error"].clone());
    assert_eq!(told, (status, json!(error)), "{}", answer.text());
}

/// The audience of the client and of the resource server.
pub const AUDIENCE: &str = "https://api.example/";

/// The registration of the client.
pub const CLIENT: [&str; 6] = [
    "--grant=refresh_token",
    "--grant=client_credentials",
    "--scope=read",
    "--scope=write",
    "--audience",
    AUDIENCE,
];
