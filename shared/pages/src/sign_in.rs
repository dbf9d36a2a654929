//! Signing in.

use maud::{Markup, html};

use crate::frame::{Width, document};
use crate::language::Language;
use crate::look::Look;
use crate::moment::wait;
use crate::parts::{PROBLEM, alert, sealed};

/// The page that asks who a person is. It sends `form`, `user_name` and `password`.
#[derive(Clone, Copy, Debug)]
pub struct SignIn<'a> {
    /// The value of the hidden field `form`.
    pub form: &'a str,
    /// Where the form is sent.
    pub action: &'a str,
    /// The client that asks for it, by its name.
    pub client: Option<&'a str>,
    /// What is already known or was entered before (`login_hint` of OpenID Connect Core 1.0 §3.1.2.1).
    pub user_name: Option<&'a str>,
    /// What was wrong with the last attempt.
    pub problem: Option<SignInProblem>,
    /// Other ways to sign in.
    pub upstreams: &'a [UpstreamLink<'a>],
}

/// Why the last attempt did not work.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignInProblem {
    /// There is no such user, or it is the wrong password, or the user is disabled. Which of them, nobody learns.
    WrongCredentials,
    /// After so many seconds, there may be another attempt.
    TryAgainIn(u64),
    /// The page was open for too long.
    Expired,
}

/// An OpenID provider that people can sign in with.
#[derive(Clone, Copy, Debug)]
pub struct UpstreamLink<'a> {
    /// Its name.
    pub name: &'a str,
    /// Where signing in there begins.
    pub href: &'a str,
}

impl SignIn<'_> {
    /// The document.
    pub fn html(&self, look: &Look, language: Language) -> String {
        let texts = &language.texts().sign_in;
        let content = html! {
            h1 { (texts.title) }
            @if let Some(client) = self.client { p .lead { (texts.asks.name(client)) } }
            @if let Some(problem) = self.problem { (alert(&problem.text(language))) }
            (self.fields(language))
            @if !self.upstreams.is_empty() {
                p .or { span { (texts.or) } }
                div .upstreams {
                    @for upstream in self.upstreams {
                        a .button .quiet href=(upstream.href) { (texts.with.name(upstream.name)) }
                    }
                }
            }
        };
        document(look, language, texts.title, Width::Narrow, &content)
    }

    fn fields(&self, language: Language) -> Markup {
        let texts = &language.texts().sign_in;
        let user_name = self.user_name.filter(|name| !name.is_empty());
        let about = self.problem.map(|_| PROBLEM);
        let is_wrong = self.problem == Some(SignInProblem::WrongCredentials);
        let invalid = is_wrong.then_some("true");
        html! {
            form method="post" action=(self.action) {
                (sealed(self.form))
                label for="user_name" { (texts.user_name) }
                input type="text" id="user_name" name="user_name" value=[user_name] required
                    autocomplete="username" autocapitalize="none" autocorrect="off" spellcheck="false"
                    aria-describedby=[about] aria-invalid=[invalid] autofocus[user_name.is_none()];
                label for="password" { (texts.password) }
                input type="password" id="password" name="password" required
                    autocomplete="current-password"
                    aria-describedby=[about] aria-invalid=[invalid] autofocus[user_name.is_some()];
                button type="submit" { (texts.submit) }
            }
        }
    }
}

impl SignInProblem {
    fn text(self, language: Language) -> String {
        let texts = language.texts();
        match self {
            Self::WrongCredentials => texts.sign_in.wrong.to_owned(),
            Self::TryAgainIn(seconds) => texts.common.try_again.text(&wait(seconds, language)),
            Self::Expired => texts.sign_in.expired.to_owned(),
        }
    }
}
