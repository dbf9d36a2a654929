use serde_json::Value;

use crate::{HttpRequest, HttpResponse, Registered, Running};

/// A grant that `tokensmith grant create` has made.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The grant id.
    pub id: String,
    /// Its first refresh token.
    pub refresh_token: String,
}

/// The tokens of a successful answer.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
}

impl Tokens {
    /// Takes them from a successful answer to a refresh (RFC 6749 §5.1).
    ///
    /// # Panics
    /// When the answer is another one.
    pub fn from_answer(answer: &HttpResponse) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let json = answer.json();
        Self {
            access: text(&json, "access_token"),
            refresh: text(&json, "refresh_token"),
        }
    }
}

impl HttpRequest {
    /// A POST of a form by a confidential client.
    pub fn by(client: &Registered, target: &str, form: String) -> Self {
        Self::post(target, form).basic(&client.id, &client.secret)
    }

    /// A refresh by a confidential client (RFC 6749 §6).
    pub fn refresh(client: &Registered, token: &str) -> Self {
        let form = format!("grant_type=refresh_token&refresh_token={token}");
        Self::by(client, "/oauth2/token", form)
    }

    /// A revocation by a confidential client (RFC 7009).
    pub fn revoke(client: &Registered, token: &str) -> Self {
        Self::by(client, "/oauth2/revoke", format!("token={token}"))
    }

    /// An introspection by a confidential client (RFC 7662).
    pub fn introspect(client: &Registered, token: &str) -> Self {
        Self::by(client, "/oauth2/introspect", format!("token={token}"))
    }
}

impl Running {
    /// Makes a grant of `subject` to `client`.
    pub fn grant(&self, client: &str, subject: &str, arguments: &[&str]) -> Granted {
        let create = ["grant", "create", "--client", client, "--subject", subject];
        let created = self.manage(&[&create, arguments].concat());
        Granted {
            id: text(&created, "grant_id"),
            refresh_token: text(&created, "refresh_token"),
        }
    }

    /// What `client` is told of a token.
    pub fn introspect(&self, client: &Registered, token: &str) -> Value {
        let answer = self.send(&HttpRequest::introspect(client, token));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    }
}

fn text(json: &Value, name: &str) -> String {
    let value = json[name].as_str();
    value
        .unwrap_or_else(|| panic!("{name} is in {json}"))
        .to_owned()
}
