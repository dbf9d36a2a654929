//! Signing out (OpenID Connect RP-Initiated Logout 1.0).

use maud::html;

use crate::frame::{Width, document};
use crate::language::Language;
use crate::look::Look;
use crate::parts::{decision, sealed};

/// The page that asks a person whether to sign out (§2). It sends `form` and `decision`, which is `allow` or `deny`.
#[derive(Clone, Copy, Debug)]
pub struct SignOut<'a> {
    /// The value of the hidden field `form`.
    pub form: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
    /// The client that asks for it, by its name.
    pub client_name: Option<&'a str>,
}

/// The page after signing out.
#[derive(Clone, Copy, Debug)]
pub struct SignedOut<'a> {
    /// The client to go back to: its name, and one of its registered addresses (§3).
    pub return_to: Option<(&'a str, &'a str)>,
}

impl SignOut<'_> {
    /// The document.
    pub fn html(&self, look: &Look, language: Language) -> String {
        let texts = &language.texts().sign_out;
        let content = html! {
            h1 { (texts.title) }
            p {
                @match self.client_name {
                    Some(client) => (texts.asks.name(client)),
                    None => (texts.question),
                }
            }
            form method="post" action=(self.action) {
                (sealed(self.form))
                (decision(texts.submit, texts.stay))
            }
        };
        document(look, language, texts.title, Width::Narrow, &content)
    }
}

impl SignedOut<'_> {
    /// The document.
    pub fn html(&self, look: &Look, language: Language) -> String {
        let texts = &language.texts().sign_out;
        let content = html! {
            h1 { (texts.done) }
            @match self.return_to {
                Some((client, href)) => a .button href=(href) { (texts.return_to.name(client)) },
                None => p { (texts.done_text) },
            }
        };
        document(look, language, texts.done, Width::Narrow, &content)
    }
}
