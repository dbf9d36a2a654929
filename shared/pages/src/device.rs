//! Devices that cannot show these pages themselves (RFC 8628 §3.3).

use maud::{Markup, html};

use crate::consent::ConsentAccess;
use crate::frame::{Width, document};
use crate::language::Language;
use crate::look::Look;
use crate::moment::{elapsed, wait};
use crate::parts::{PROBLEM, SignedIn, access, alert, decision, name, person, sealed};

/// The page on which a person enters the code of a device. It sends `form` and `user_code`.
#[derive(Clone, Copy, Debug)]
pub struct DeviceCode<'a> {
    /// The value of the hidden field `form`.
    pub form: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
    /// The code of a link (`verification_uri_complete`), or what was entered before.
    pub prefilled: Option<&'a str>,
    /// What was wrong with the last attempt.
    pub problem: Option<DeviceProblem>,
}

/// Why the last attempt did not work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceProblem {
    /// There is no such code.
    UnknownCode,
    /// The code is older than ten minutes.
    Expired,
    /// After so many seconds, there may be another attempt.
    TooManyAttempts(u64),
}

/// The page that asks a person whether a device may have access. It sends `form` and `decision`, which is `allow`,
/// `deny` or `switch` (to another account).
#[derive(Clone, Copy, Debug)]
pub struct DeviceConfirm<'a> {
    /// The value of the hidden field `form`.
    pub form: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
    /// The client on the device.
    pub client_name: &'a str,
    /// The code, as the device shows it.
    pub user_code: &'a str,
    /// Where the request came from (RFC 8628 §5.4).
    pub source: Option<&'a str>,
    /// How long ago the device asked.
    pub requested_ago_seconds: u64,
    /// What the client asks for.
    pub access: &'a [ConsentAccess<'a>],
    /// Who is signed in.
    pub who: SignedIn<'a>,
}

/// The page after the decision about a device.
#[derive(Clone, Copy, Debug)]
pub struct DeviceDone {
    /// Whether the device may have access.
    pub approved: bool,
}

impl DeviceCode<'_> {
    /// The document.
    pub fn html(&self, look: &Look, language: Language) -> String {
        let texts = &language.texts().device;
        let prefilled = self.prefilled.filter(|code| !code.is_empty());
        let is_link = prefilled.is_some() && self.problem.is_none();
        let about = match self.problem {
            Some(_) => format!("example {PROBLEM}"),
            None => "example".to_owned(),
        };
        let invalid = self.problem.and_then(|problem| match problem {
            DeviceProblem::UnknownCode | DeviceProblem::Expired => Some("true"),
            DeviceProblem::TooManyAttempts(_) => None,
        });
        let content = html! {
            h1 { (texts.title) }
            p .lead { @if is_link { (texts.compare) } @else { (texts.enter) } }
            @if let Some(problem) = self.problem { (alert(&problem.text(language))) }
            form method="post" action=(self.action) {
                (sealed(self.form))
                label for="user_code" { (texts.code) }
                // People also enter a code with spaces in it.
                input .code type="text" id="user_code" name="user_code" value=[prefilled] required
                    maxlength="32" autocomplete="off" autocapitalize="characters" autocorrect="off"
                    spellcheck="false" aria-describedby=(about) aria-invalid=[invalid] autofocus[!is_link];
                p .hint #example { (texts.example) }
                button type="submit" { (language.texts().common.go_on) }
            }
        };
        document(look, language, texts.title, Width::Narrow, &content)
    }
}

impl DeviceProblem {
    fn text(self, language: Language) -> String {
        let texts = language.texts();
        match self {
            Self::UnknownCode => texts.device.unknown.to_owned(),
            Self::Expired => texts.device.expired.to_owned(),
            Self::TooManyAttempts(seconds) => texts.common.try_again.text(&wait(seconds, language)),
        }
    }
}

impl DeviceConfirm<'_> {
    /// The document.
    pub fn html(&self, look: &Look, language: Language) -> String {
        let texts = &language.texts().device;
        let common = &language.texts().common;
        let content = html! {
            h1 { (texts.confirm.name(self.client_name)) }
            (self.request(language))
            form method="post" action=(self.action) {
                (sealed(self.form))
                (person(self.who, language))
                (access(self.access, language))
                p .warning { (texts.only_if) }
                (decision(common.allow, common.deny))
            }
        };
        let title = texts.confirm.text(self.client_name);
        document(look, language, &title, Width::Narrow, &content)
    }

    /// What a person compares with the device.
    fn request(&self, language: Language) -> Markup {
        let texts = &language.texts().device;
        let ago = elapsed(self.requested_ago_seconds, language);
        html! {
            div .shown {
                p .muted { (texts.shown) }
                p .code { (self.user_code) }
                p .muted {
                    (texts.asked) " " (texts.ago.text(&ago))
                    @if let Some(source) = self.source { " " (texts.from.0) (name(source)) (texts.from.1) }
                }
            }
        }
    }
}

impl DeviceDone {
    /// The document.
    pub fn html(&self, look: &Look, language: Language) -> String {
        let texts = &language.texts().device;
        let (title, text) = match self.approved {
            true => (texts.approved, texts.approved_text),
            false => (texts.denied, texts.denied_text),
        };
        let content = html! {
            @if self.approved { div .tick aria-hidden="true" {} }
            h1 { (title) }
            p { (text) }
        };
        document(look, language, title, Width::Narrow, &content)
    }
}
