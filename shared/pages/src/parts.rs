//! What several pages have.

use maud::{Markup, html};

use crate::consent::ConsentAccess;
use crate::frame::initial;
use crate::language::Language;
use crate::texts::ScopeTexts;

/// A name that others have chosen. Letters that change the direction of writing stay inside it.
pub(crate) fn name(text: &str) -> Markup {
    html! { bdi .name { (text) } }
}

/// The hidden field that every form has.
pub(crate) fn sealed(form: &str) -> Markup {
    html! { input type="hidden" name="form" value=(form); }
}

/// What went wrong, which a screen reader says at once. Fields refer to it by [`PROBLEM`].
pub(crate) fn alert(text: &str) -> Markup {
    html! { p .alert role="alert" id=(PROBLEM) { (text) } }
}

/// What went well.
pub(crate) fn status(text: &str) -> Markup {
    html! { p .status role="status" { (text) } }
}

/// The main button of a form that asks a question, and the other one.
pub(crate) fn decision(yes: &str, no: &str) -> Markup {
    html! {
        div .decision {
            button type="submit" name="decision" value="allow" { (yes) }
            button .quiet type="submit" name="decision" value="deny" { (no) }
        }
    }
}

/// Somebody who has signed in, as they know themselves.
#[derive(Clone, Copy, Debug)]
pub struct SignedIn<'a> {
    /// What the person signs in with. It says nothing to those who sign in elsewhere.
    pub user_name: &'a str,
    /// What the person is called.
    pub display_name: Option<&'a str>,
}

/// Who is signed in, with the way to be somebody else. It stands in a form.
pub(crate) fn person(who: SignedIn<'_>, language: Language) -> Markup {
    let texts = &language.texts().common;
    let called = who.display_name.unwrap_or(who.user_name);
    html! {
        div .person {
            span .face aria-hidden="true" { (initial(called)) }
            p {
                span .muted { (texts.signed_in_as) } " " (name(called))
                @if who.display_name.is_some() { br; bdi .muted { (who.user_name) } }
            }
            button .link type="submit" name="decision" value="switch" { (texts.switch) }
        }
    }
}

/// What a client asks for.
pub(crate) fn access(access: &[ConsentAccess<'_>], language: Language) -> Markup {
    let texts = &language.texts().access;
    let is_empty = access.iter().all(|at| at.scopes.is_empty());
    html! {
        section .access aria-labelledby="access" {
            h2 id="access" { (texts.title) }
            @if is_empty { p { (texts.nothing) } }
            @for at in access {
                @if let Some(resource) = at.resource { p .at { (texts.at.name(resource)) } }
                ul {
                    @for (scope, description) in at.scopes {
                        li { (described(scope, *description, &texts.scopes)) }
                    }
                }
            }
        }
    }
}

/// A scope in words, or its name if there are none. The scopes of OpenID Connect have our own words.
fn described(scope: &str, description: Option<&str>, texts: &ScopeTexts) -> Markup {
    html! {
        @match openid_scope(scope, texts).or(description) {
            Some(words) => bdi { (words) },
            None => code { (scope) },
        }
    }
}

/// Scopes in short, as the account page lists them.
pub(crate) fn scopes(scopes: &[String], language: Language) -> Markup {
    let texts = &language.texts().access.short;
    html! {
        @if !scopes.is_empty() {
            ul .scopes { @for scope in scopes { li { (described(scope, None, texts)) } } }
        }
    }
}

/// The scopes of OpenID Connect Core 1.0 §5.4 and §11.
fn openid_scope(scope: &str, texts: &ScopeTexts) -> Option<&'static str> {
    match scope {
        "openid" => Some(texts.openid),
        "profile" => Some(texts.profile),
        "email" => Some(texts.email),
        "address" => Some(texts.address),
        "phone" => Some(texts.phone),
        "offline_access" => Some(texts.offline_access),
        _ => None,
    }
}

/// The `id` of what [`alert`] makes.
pub(crate) const PROBLEM: &str = "problem";
