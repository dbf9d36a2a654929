//! The answer to a client that wants it in a form (OAuth 2.0 Form Post Response Mode).

use maud::{PreEscaped, html};

use crate::frame::{Width, document};
use crate::language::Language;
use crate::look::Look;

/// The page that sends a person back to a client (§2), by a script or else by a button. It is sent with
/// [`Look::form_post_policy`].
#[derive(Clone, Copy, Debug)]
pub struct FormPost<'a> {
    /// The redirect URI.
    pub action: &'a str,
    /// The parameters of the answer.
    pub parameters: &'a [(&'a str, &'a str)],
}

impl FormPost<'_> {
    /// The document.
    pub fn html(&self, look: &Look, language: Language) -> String {
        let texts = &language.texts().form_post;
        let content = html! {
            h1 { (texts.title) }
            p { (texts.text) }
            form method="post" action=(self.action) {
                @for (name, value) in self.parameters {
                    input type="hidden" name=(name) value=(value);
                }
                button type="submit" { (language.texts().common.go_on) }
            }
            script { (PreEscaped(SUBMIT)) }
        };
        document(look, language, texts.title, Width::Narrow, &content)
    }
}

/// The one script of all pages.
pub(crate) const SUBMIT: &str = "document.forms[0].submit()";
