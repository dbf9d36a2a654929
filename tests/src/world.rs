use serde_json::{Value, json};

use crate::assertion::OwnKey;
use crate::records::API;
use crate::{Answer, HttpRequest, TestClient, TestGrant, TestIssuer, Tokens, unique};

/// An issuer, a client with grants, and the resource server that its access tokens are for.
pub struct World {
    /// The issuer.
    pub issuer: TestIssuer,
    /// The confidential client.
    pub client: TestClient,
    /// The resource server, which owns the resource and has nothing else.
    pub server: TestClient,
    /// The registered resource.
    pub resource: String,
}

impl World {
    /// Registers the resource server, its resource, and the client.
    pub fn new(issuer: TestIssuer) -> Self {
        let server = issuer.register("server", &[]);
        let resource = format!("https://api.example/{}", unique("resource"));
        issuer.register_resource(&resource, &["read", "write"], &["--owner", &server.id]);
        let allow = format!("{resource}=read,write");
        let client = issuer.register("client", &client_of(&allow));
        Self {
            issuer,
            client,
            server,
            resource,
        }
    }

    /// Registers a client with the same rights, which signs assertions with `keys`.
    pub fn register_keys(&self, prefix: &str, keys: &[&OwnKey]) -> TestClient {
        let allow = format!("{}=read,write", self.resource);
        self.issuer.register_keys(prefix, keys, &client_of(&allow))
    }

    /// Registers the client again, after it was deleted.
    pub fn register_again(&mut self) {
        let (id, allow) = (&self.client.id, format!("{}=read,write", self.resource));
        let create = ["client", "create", "--id", id];
        let created = self
            .issuer
            .manage(&[&create, &client_of(&allow)[..]].concat());
        let secret = created["client_secret"].as_str().expect("a secret");
        self.client = TestClient::new(id, secret);
    }

    /// A new grant of a new subject to the client.
    pub fn grant(&self) -> TestGrant {
        self.grant_by(&unique("user"))
    }

    /// A new grant of `subject` to the client.
    pub fn grant_by(&self, subject: &str) -> TestGrant {
        let scopes = ["--scope=read", "--scope=write"];
        self.issuer.grant(&self.client, subject, &scopes)
    }

    /// The answer to a refresh by the client.
    pub fn try_refresh(&self, token: &str) -> Answer {
        self.issuer.send(&HttpRequest::refresh(&self.client, token))
    }

    /// The tokens of a refresh by the client.
    pub fn refresh(&self, token: &str) -> Tokens {
        self.try_refresh(token).tokens()
    }

    /// A token that the client gets for itself.
    pub fn own_token(&self) -> String {
        self.issuer.token(&self.client, "").access_token()
    }

    /// An access token that a new user has given a new client, which may know who it is.
    pub fn token_of_a_person(&self) -> String {
        let create = ["user", "create", &unique("ada"), "--no-password"];
        let user = self
            .issuer
            .manage(&[&create[..], &["--email=ada@example.com"]].concat());
        let subject = user["subject"].as_str().expect("a subject");
        let scopes = ["--scope=openid", "--scope=email"];
        let client = self.issuer.register_public("told", &scopes);
        let grant = self.issuer.grant(&client, subject, &scopes);
        let refresh = HttpRequest::refresh(&client, &grant.token);
        self.issuer.send(&refresh).access_token()
    }

    /// Whether an access token is live, as the resource server is told: nothing more of a dead one
    /// (RFC 7662 §2.2).
    pub fn is_active(&self, access_token: &str) -> bool {
        let told = self.issuer.introspect(&self.server, access_token);
        let active = told["active"] == true;
        assert!(active || told == json!({ "active": false }), "{told}");
        active
    }

    /// Checks that neither of the tokens is good for anything.
    pub fn assert_invalid(&self, tokens: &Tokens) {
        assert!(!self.is_active(&tokens.access));
        let refused = self.try_refresh(&tokens.refresh);
        refused.assert_refused(400, "invalid_grant");
    }

    /// What `tokensmith inspect` says.
    pub fn inspect(&self, token: &str) -> Value {
        self.issuer.manage(&["inspect", token])
    }
}

fn client_of(allow: &str) -> [&str; 4] {
    let [refresh, own, ..] = CLIENT;
    [refresh, own, "--allow", allow]
}

/// The registration of a client that needs no registered resource.
pub const CLIENT: [&str; 6] = [
    "--grant=refresh_token",
    "--grant=client_credentials",
    "--scope=read",
    "--scope=write",
    "--audience",
    API,
];
