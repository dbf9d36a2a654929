//! Consent to what a client asks for.

use maud::html;

use crate::frame::{Width, document};
use crate::language::Language;
use crate::look::Look;
use crate::parts::{SignedIn, access, decision, person, sealed};

/// The page that asks a person whether a client may have access. It sends `form` and `decision`, which is `allow`,
/// `deny` or `switch` (to another account).
#[derive(Clone, Copy, Debug)]
pub struct Consent<'a> {
    /// The value of the hidden field `form`.
    pub form: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
    /// The client that asks.
    pub client_name: &'a str,
    /// Where the person is sent afterwards: the host of the redirect URI.
    pub client_host: Option<&'a str>,
    /// Who is signed in.
    pub who: SignedIn<'a>,
    /// What the client asks for.
    pub access: &'a [ConsentAccess<'a>],
}

/// What a client asks for at one resource.
#[derive(Clone, Copy, Debug)]
pub struct ConsentAccess<'a> {
    /// The resource, by its name or URI; none for what is about the person.
    pub resource: Option<&'a str>,
    /// Its scopes, with the descriptions that the resource has for them. The scopes of OpenID Connect need none.
    pub scopes: &'a [(&'a str, Option<&'a str>)],
}

impl Consent<'_> {
    /// The document.
    pub fn html(&self, look: &Look, language: Language) -> String {
        let texts = &language.texts().consent;
        let common = &language.texts().common;
        let content = html! {
            h1 { (texts.title.name(self.client_name)) }
            form method="post" action=(self.action) {
                (sealed(self.form))
                (person(self.who, language))
                (access(self.access, language))
                (decision(common.allow, common.deny))
            }
            div .small {
                @if let Some(host) = self.client_host { p { (texts.sent_to.name(host)) } }
                p { (texts.later) }
            }
        };
        let title = texts.title.text(self.client_name);
        document(look, language, &title, Width::Narrow, &content)
    }
}
