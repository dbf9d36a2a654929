use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tokensmith_issuer::credential::random_id;
use tokensmith_verifier::paths;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::{Answer, HttpRequest, Person, Place, TestClient, TestIssuer};

/// An authorization request of a client, with PKCE, and what comes back (RFC 6749 §4.1).
#[derive(Clone, Debug)]
pub struct CodeFlow {
    /// The client.
    pub client: TestClient,
    /// The parameters of the authorization request.
    pub parameters: Vec<(String, String)>,
    /// The secret behind the challenge (RFC 7636).
    pub verifier: String,
}

impl CodeFlow {
    /// A request for `scope`, whose answer goes to `redirect_uri`.
    pub fn new(client: &TestClient, redirect_uri: &str, scope: &str) -> Self {
        let verifier = format!("{}{}", random_id(), random_id());
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let parameters = [
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", redirect_uri),
            ("scope", scope),
            ("state", &random_id()),
            ("nonce", &random_id()),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            client: client.clone(),
            parameters: parameters.to_vec(),
            verifier,
        }
    }

    /// The same with this parameter, in place of the one with its name.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        let mut other = self.without(name);
        other.parameters.push((name.to_owned(), value.to_owned()));
        other
    }

    /// The same without this parameter.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.parameters.retain(|(one, _)| one != name);
        self
    }

    /// The value of a parameter of the request.
    pub fn value(&self, name: &str) -> &str {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(one, _)| one == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The parameters, encoded.
    pub fn query(&self) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(&self.parameters).finish()
    }

    /// Where the client sends the person.
    pub fn target(&self) -> String {
        format!("{}?{}", paths::AUTHORIZE, self.query())
    }

    /// The client sends the person to the issuer.
    pub fn begin(&self, person: &mut Person, issuer: &TestIssuer) -> Place {
        person.open(issuer, &self.target())
    }

    /// The code that came back, after everything else that came back was checked (RFC 6749 §4.1.2, RFC 9207 §2.4).
    pub fn code(&self, issuer: &TestIssuer, back: &Url) -> String {
        let parameter = |name: &str| parameter(back, name);
        assert_eq!(parameter("error"), None, "{back}");
        assert!(
            back.as_str().starts_with(self.value("redirect_uri")),
            "{back}"
        );
        assert_eq!(parameter("state").as_deref(), Some(self.value("state")));
        assert_eq!(parameter("iss").as_deref(), Some(issuer.url.as_str()));
        assert_eq!(back.fragment(), None);
        parameter("code").expect("a code")
    }

    /// The error that came back, after everything else that came back was checked (RFC 6749 §4.1.2.1).
    pub fn error(&self, issuer: &TestIssuer, back: &Url) -> String {
        let parameter = |name: &str| parameter(back, name);
        assert_eq!(parameter("code"), None, "{back}");
        assert!(
            back.as_str().starts_with(self.value("redirect_uri")),
            "{back}"
        );
        assert_eq!(parameter("state").as_deref(), Some(self.value("state")));
        assert_eq!(parameter("iss").as_deref(), Some(issuer.url.as_str()));
        parameter("error").expect("an error")
    }

    /// The client's request for tokens (RFC 6749 §4.1.3).
    pub fn redemption(&self, code: &str) -> HttpRequest {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.value("redirect_uri")),
            ("code_verifier", &self.verifier),
        ];
        HttpRequest::form(paths::TOKEN, &form).by(&self.client)
    }

    /// The client exchanges the code.
    pub fn redeem(&self, issuer: &TestIssuer, code: &str) -> Answer {
        issuer.send(&self.redemption(code))
    }
}

/// A parameter in the query of a URL.
pub fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(one, _)| one == name);
    found.map(|(_, value)| value.into_owned())
}
