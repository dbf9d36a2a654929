use serde::Serialize;
use url::Url;

use crate::error::ErrorCode;
use crate::names::IssuerUrl;

/// Where the answer to an authorization request goes, once it is known that it may go there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redirect {
    /// The redirect URI.
    pub uri: String,
    /// How the answer gets there.
    pub mode: ResponseMode,
    /// What the client wants to have back (RFC 6749 §4.1.1 `state`).
    pub state: Option<String>,
}

/// How an answer gets to the redirect URI.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In its query (OAuth 2.0 Multiple Response Types §2.1).
    #[default]
    Query,
    /// By a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    /// Every one, as metadata lists them.
    pub const NAMES: [&str; 2] = ["query", "form_post"];
}

impl Redirect {
    /// The parameters of an answer with a code (RFC 6749 §4.1.2, RFC 9207 §2).
    pub fn code<'a>(&'a self, code: &'a str, issuer: &'a IssuerUrl) -> Vec<(&'a str, &'a str)> {
        self.answer(vec![("code", code)], issuer)
    }

    /// The parameters of an answer with an error (RFC 6749 §4.1.2.1, RFC 9207 §2).
    pub fn error<'a>(
        &'a self,
        code: ErrorCode,
        description: &'a str,
        issuer: &'a IssuerUrl,
    ) -> Vec<(&'a str, &'a str)> {
        let parameters = vec![("error", code.as_str()), ("error_description", description)];
        self.answer(parameters, issuer)
    }

    fn answer<'a>(
        &'a self,
        mut parameters: Vec<(&'a str, &'a str)>,
        issuer: &'a IssuerUrl,
    ) -> Vec<(&'a str, &'a str)> {
        if let Some(state) = &self.state {
            parameters.push(("state", state));
        }
        parameters.push(("iss", issuer.as_str()));
        parameters
    }

    /// The redirect URI with these parameters behind those that it has.
    pub fn location(&self, parameters: &[(&str, &str)]) -> String {
        let Ok(mut url) = Url::parse(&self.uri) else {
            // It was parsed before, when it was registered and compared.
            return self.uri.clone();
        };
        url.query_pairs_mut().extend_pairs(parameters);
        url.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc6749_3_1_2_the_query_of_a_redirect_uri_is_kept() {
        let redirect = Redirect {
            uri: "https://app.example/cb?tenant=a%20b".to_owned(),
            mode: ResponseMode::Query,
            state: Some("a&b=c d".to_owned()),
        };
        let issuer: IssuerUrl = "https://issuer.example".parse().expect("an issuer");
        let location = redirect.location(&redirect.code("x", &issuer));
        assert_eq!(
            location,
            "https://app.example/cb?tenant=a%20b&code=x&state=a%26b%3Dc+d&iss=https%3A%2F%2Fissuer.example"
        );
    }
}
