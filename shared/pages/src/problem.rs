//! What a person sees when something is wrong that no redirect may tell a client.

use maud::{Markup, html};

use crate::frame::{Width, document};
use crate::language::Language;
use crate::look::Look;
use crate::moment::wait;
use crate::texts::{ProblemTexts, Trouble};

/// The page that says what went wrong.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// What happened, for the person.
    pub kind: ProblemKind<'a>,
    /// What is wrong, for a developer: in English, whatever the language of the page.
    pub detail: Option<&'a str>,
    /// What operators find the request by.
    pub request_id: Option<&'a str>,
}

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProblemKind<'a> {
    /// No such client is registered (RFC 6749 §4.1.2.1: nobody is redirected).
    UnknownClient,
    /// The redirect URI is not one of the client's (RFC 6749 §4.1.2.1: nobody is redirected).
    BadRedirectUri,
    /// The request is malformed.
    BadRequest,
    /// What was sent is older than its page may be, or belongs to another session.
    ExpiredForm {
        /// Where to start again, if that is known.
        start_again: Option<&'a str>,
    },
    /// The cookie that belongs to a form did not come back.
    NoCookies,
    /// The request has been answered before.
    AlreadyAnswered,
    /// The person may not do this.
    Forbidden,
    /// After so many seconds, there may be another attempt.
    TooManyRequests(u64),
    /// A dependency failed.
    Unavailable,
    /// There is no such page.
    NotFound,
    /// An upstream OpenID provider did not say who the person is.
    UpstreamFailed {
        /// Where to start again, if that is known.
        start_again: Option<&'a str>,
    },
    /// An upstream OpenID provider said who the person is, and that account is linked to none here.
    NotLinked {
        /// Where to start again, if that is known.
        start_again: Option<&'a str>,
    },
}

impl Problem<'_> {
    /// The document.
    pub fn html(&self, look: &Look, language: Language) -> String {
        let texts = &language.texts().problem;
        let trouble = self.kind.trouble(texts);
        let content = html! {
            h1 { (trouble.title) }
            p { (trouble.text) }
            (self.kind.way_out(language))
            @if self.detail.is_some() || self.request_id.is_some() { (self.particulars(texts)) }
        };
        document(look, language, trouble.title, Width::Narrow, &content)
    }

    fn particulars(&self, texts: &ProblemTexts) -> Markup {
        html! {
            section .small aria-labelledby="developers" {
                h2 id="developers" { (texts.for_developers) }
                @if let Some(detail) = self.detail { p lang="en" { code { (detail) } } }
                @if let Some(id) = self.request_id { p { (texts.request_id) " " code { (id) } } }
            }
        }
    }
}

impl ProblemKind<'_> {
    fn trouble(self, texts: &ProblemTexts) -> &Trouble {
        match self {
            Self::UnknownClient => &texts.unknown_client,
            Self::BadRedirectUri => &texts.bad_redirect_uri,
            Self::BadRequest => &texts.bad_request,
            Self::ExpiredForm { .. } => &texts.expired_form,
            Self::NoCookies => &texts.no_cookies,
            Self::AlreadyAnswered => &texts.already_answered,
            Self::Forbidden => &texts.forbidden,
            Self::TooManyRequests(_) => &texts.too_many_requests,
            Self::Unavailable => &texts.unavailable,
            Self::NotFound => &texts.not_found,
            Self::UpstreamFailed { .. } => &texts.upstream_failed,
            Self::NotLinked { .. } => &texts.not_linked,
        }
    }

    /// What to do now, where the text does not say it.
    fn way_out(self, language: Language) -> Markup {
        let texts = &language.texts().problem;
        html! {
            @match self {
                Self::ExpiredForm { start_again }
                | Self::UpstreamFailed { start_again }
                | Self::NotLinked { start_again } => {
                    @match start_again {
                        Some(href) => a .button href=(href) { (texts.start_again) },
                        None => p { (texts.go_back) },
                    }
                },
                Self::TooManyRequests(seconds) => p { (texts.wait.text(&wait(seconds, language))) },
                Self::UnknownClient | Self::BadRedirectUri | Self::BadRequest | Self::NoCookies
                | Self::AlreadyAnswered | Self::Forbidden | Self::Unavailable | Self::NotFound => {},
            }
        }
    }
}
