//! Requests to the issuer of [`InProcess`], and its answers.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, Request, header};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_issuer::names::ClientId;
use tokensmith_issuer::{Endpoint, endpoint};
use tokensmith_verifier::AccessTokenClaims;

use super::InProcess;

impl InProcess {
    /// Posts a form as `client`.
    pub async fn post(
        &self,
        endpoint: &'static Endpoint,
        client: &TestClient,
        form: Form<'_>,
    ) -> Answer {
        let request = client.post(endpoint, form);
        let (head, body) = self.issuer.handle(endpoint, request).await.into_parts();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).expect("text"),
        }
    }

    /// Refreshes (RFC 6749 §6).
    pub async fn refresh(&self, client: &TestClient, token: &str) -> Answer {
        self.refresh_with(client, token, &[]).await
    }

    /// Refreshes, with more parameters.
    pub async fn refresh_with(&self, client: &TestClient, token: &str, more: Form<'_>) -> Answer {
        let own = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let form = [&own, more].concat();
        self.post(&endpoint::TOKEN, client, &form).await
    }

    /// Asks for a token for the client itself (RFC 6749 §4.4).
    pub async fn client_credentials(&self, client: &TestClient) -> Answer {
        let form = [("grant_type", "client_credentials")];
        self.post(&endpoint::TOKEN, client, &form).await
    }

    /// Revokes a token (RFC 7009).
    pub async fn revoke(&self, client: &TestClient, token: &str) -> Answer {
        self.post(&endpoint::REVOKE, client, &[("token", token)])
            .await
    }

    /// Introspects a token (RFC 7662).
    pub async fn introspect(&self, client: &TestClient, token: &str) -> Answer {
        self.post(&endpoint::INTROSPECT, client, &[("token", token)])
            .await
    }

    /// Whether introspection calls a token active.
    pub async fn is_active(&self, client: &TestClient, token: &str) -> bool {
        let answer = self.introspect(client, token).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["active"].as_bool().expect("a boolean")
    }
}

/// The parameters of a form.
pub type Form<'a> = &'a [(&'a str, &'a str)];

/// Who sends a request.
#[derive(Clone, Debug)]
pub struct TestClient {
    /// Its id.
    pub id: ClientId,
    /// Its secret, unless it is public.
    pub secret: Option<String>,
}

impl TestClient {
    /// A form with this client's authentication.
    pub fn post(&self, endpoint: &'static Endpoint, form: Form<'_>) -> Request<Bytes> {
        let mut encoded = url::form_urlencoded::Serializer::new(String::new());
        encoded.extend_pairs(form);
        let mut request = Request::post(endpoint.path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match &self.secret {
            None => {
                encoded.append_pair("client_id", self.id.as_str());
            }
            Some(secret) => {
                let credentials = STANDARD.encode(format!("{}:{secret}", self.id));
                request = request.header(header::AUTHORIZATION, format!("Basic {credentials}"));
            }
        }
        let body = Bytes::from(encoded.finish());
        request.body(body).expect("a request")
    }

    /// The same client with a well-formed secret that is not its own.
    pub fn with_wrong_secret(&self) -> Self {
        let secret = ClientSecret::generate().expose_secret().to_owned();
        Self {
            id: self.id.clone(),
            secret: Some(secret),
        }
    }
}

/// An answer of the issuer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// A string of the JSON body.
    pub fn text(&self, name: &str) -> String {
        let json = self.json();
        let text = json[name].as_str();
        text.unwrap_or_else(|| panic!("no {name} in {}", self.body))
            .to_owned()
    }

    /// The refresh token of a successful answer.
    pub fn refresh_token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.text("refresh_token")
    }

    /// The access token of a successful answer.
    pub fn access_token(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.body);
        self.text("access_token")
    }

    /// What the access token of a successful answer says. Its signature is not looked at.
    pub fn claims(&self) -> AccessTokenClaims {
        let token = self.access_token();
        let payload = token.split('.').nth(1).expect("three parts");
        let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
        serde_json::from_slice(&payload).expect("claims")
    }

    /// The status and the `error` of a refusal.
    pub fn error(&self) -> (u16, String) {
        assert_ne!(self.status, 200, "{}", self.body);
        (self.status, self.text("error"))
    }

    /// Asserts that it is a 503 as the contract has it.
    pub fn assert_unavailable(&self) {
        let expected = (503, "temporarily_unavailable".to_owned());
        assert_eq!(self.error(), expected);
        let retry_after = self.headers.get(header::RETRY_AFTER).expect("Retry-After");
        let seconds: u64 = retry_after
            .to_str()
            .expect("text")
            .parse()
            .expect("seconds");
        assert!(seconds > 0);
    }
}
