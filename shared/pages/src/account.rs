//! The page on which a person sees, and ends, what belongs to the account.

use maud::{Markup, html};

use crate::frame::{Width, document};
use crate::language::Language;
use crate::look::Look;
use crate::moment::{Moment, wait};
use crate::parts::{PROBLEM, SignedIn, alert, name, scopes, sealed, status};
use crate::sign_in::UpstreamLink;

/// The account of a person.
///
/// Every form sends `form` and `action`, which is `sign-out`, `sign-out-everywhere`, `end-session`, `revoke-grant`,
/// `revoke-consent`, `unlink` or `change-password`. The row that it is about is in `id`; a new password comes with
/// `current_password` and `new_password`.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The value of the hidden field `form`.
    pub form: &'a str,
    /// Where the forms are sent.
    pub action: &'a str,
    /// Whose page it is.
    pub who: SignedIn<'a>,
    /// Where the person is signed in.
    pub sessions: &'a [SessionRow<'a>],
    /// What has access.
    pub grants: &'a [GrantRow<'a>],
    /// What the person is not asked again.
    pub consents: &'a [ConsentRow<'a>],
    /// The accounts elsewhere that the person can sign in with.
    pub links: &'a [LinkRow<'a>],
    /// Where another account elsewhere can be linked.
    pub upstreams: &'a [UpstreamLink<'a>],
    /// Whether there is a password to change.
    pub has_password: bool,
    /// What the last action did.
    pub notice: Option<AccountNotice>,
}

/// A browser in which the person is signed in.
#[derive(Clone, Copy, Debug)]
pub struct SessionRow<'a> {
    /// What `end-session` sends.
    pub id: &'a str,
    /// The browser, as a person knows it.
    pub browser: Option<&'a str>,
    /// Where it signed in from.
    pub source: Option<&'a str>,
    /// When it signed in.
    pub signed_in_at: Moment,
    /// Whether it is the one that shows this page.
    pub is_this: bool,
}

/// A grant of the person.
#[derive(Clone, Copy, Debug)]
pub struct GrantRow<'a> {
    /// What `revoke-grant` sends.
    pub id: &'a str,
    /// The client that has it.
    pub client_name: &'a str,
    /// What it may do.
    pub scopes: &'a [String],
    /// Since when.
    pub given_at: Moment,
}

/// A consent that is remembered.
#[derive(Clone, Copy, Debug)]
pub struct ConsentRow<'a> {
    /// What `revoke-consent` sends, as `id`.
    pub client_id: &'a str,
    /// The client that has it.
    pub client_name: &'a str,
    /// What the client gets without a question.
    pub scopes: &'a [String],
}

/// An account elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct LinkRow<'a> {
    /// What `unlink` sends, as `id`.
    pub id: &'a str,
    /// The OpenID provider.
    pub upstream_name: &'a str,
    /// Since when.
    pub linked_at: Moment,
}

/// What the last action did, or why it did nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AccountNotice {
    /// The password is changed; the other sessions have ended.
    PasswordChanged,
    /// A session has ended.
    SessionEnded,
    /// A grant is revoked.
    GrantRevoked,
    /// A consent is forgotten.
    ConsentRevoked,
    /// An account elsewhere is linked.
    Linked,
    /// An account elsewhere is no longer linked.
    Unlinked,
    /// The current password is not that.
    WrongPassword,
    /// The new password has fewer than 8 characters.
    PasswordTooShort,
    /// The new password has more bytes than are hashed.
    PasswordTooLong,
    /// The new password is on the list of the most common ones.
    PasswordTooCommon,
    /// The new password is the user name.
    PasswordIsUserName,
    /// The account elsewhere is linked to another account here.
    LinkedElsewhere,
    /// There is no other way to sign in.
    LastWayToSignIn,
    /// After so many seconds, there may be another attempt.
    TryAgainIn(u64),
    /// The page was open for too long.
    Expired,
}

impl Account<'_> {
    /// The document.
    pub fn html(&self, look: &Look, language: Language) -> String {
        let texts = &language.texts().account;
        let content = html! {
            div .top {
                div {
                    h1 { (texts.title) }
                    p .lead {
                        @if let Some(display_name) = self.who.display_name { (name(display_name)) ", " }
                        bdi { (self.who.user_name) }
                    }
                }
                (self.form(None, html! { (act("sign-out", texts.end, None)) }))
            }
            @if let Some(notice) = self.notice { (notice.shown(language)) }
            (self.sessions(language))
            (self.grants(language))
            @if !self.consents.is_empty() { (self.consents(language)) }
            @if !self.links.is_empty() || !self.upstreams.is_empty() { (self.links(language)) }
            @if self.has_password { (self.password(language)) }
        };
        document(look, language, texts.title, Width::Wide, &content)
    }

    fn sessions(&self, language: Language) -> Markup {
        let texts = &language.texts().account;
        html! {
            section aria-labelledby="sessions" {
                h2 id="sessions" { (texts.sessions) }
                p .muted { (texts.sessions_text) }
                ul .rows {
                    @for session in self.sessions {
                        @let browser = session.browser.unwrap_or(texts.unknown_browser);
                        li {
                            div {
                                p {
                                    (name(browser))
                                    @if session.is_this { " " span .badge { (texts.this) } }
                                }
                                p .muted {
                                    (texts.signed_in) " " (session.signed_in_at.shown(language))
                                    @if let Some(source) = session.source { ", " bdi { (source) } }
                                }
                            }
                            @if !session.is_this {
                                (self.form(Some(session.id), act("end-session", texts.end, Some(browser))))
                            }
                        }
                    }
                }
                (self.form(None, act("sign-out-everywhere", texts.everywhere, None)))
            }
        }
    }

    fn grants(&self, language: Language) -> Markup {
        let texts = &language.texts().account;
        html! {
            section aria-labelledby="grants" {
                h2 id="grants" { (texts.grants) }
                @if self.grants.is_empty() {
                    p .muted { (texts.no_grants) }
                } @else {
                    p .muted { (texts.grants_text) }
                    ul .rows {
                        @for grant in self.grants {
                            li {
                                div {
                                    p { (name(grant.client_name)) }
                                    (scopes(grant.scopes, language))
                                    p .muted { (texts.since) " " (grant.given_at.shown(language)) }
                                }
                                (self.form(
                                    Some(grant.id),
                                    act("revoke-grant", texts.revoke, Some(grant.client_name)),
                                ))
                            }
                        }
                    }
                }
            }
        }
    }

    fn consents(&self, language: Language) -> Markup {
        let texts = &language.texts().account;
        html! {
            section aria-labelledby="consents" {
                h2 id="consents" { (texts.consents) }
                p .muted { (texts.consents_text) }
                ul .rows {
                    @for consent in self.consents {
                        li {
                            div {
                                p { (name(consent.client_name)) }
                                (scopes(consent.scopes, language))
                            }
                            (self.form(
                                Some(consent.client_id),
                                act("revoke-consent", texts.forget, Some(consent.client_name)),
                            ))
                        }
                    }
                }
            }
        }
    }

    fn links(&self, language: Language) -> Markup {
        let texts = &language.texts().account;
        html! {
            section aria-labelledby="links" {
                h2 id="links" { (texts.links) }
                p .muted { (texts.links_text) }
                ul .rows {
                    @for link in self.links {
                        li {
                            div {
                                p { (name(link.upstream_name)) }
                                p .muted { (texts.since) " " (link.linked_at.shown(language)) }
                            }
                            (self.form(Some(link.id), act("unlink", texts.unlink, Some(link.upstream_name))))
                        }
                    }
                }
                @if !self.upstreams.is_empty() {
                    div .others {
                        @for upstream in self.upstreams {
                            a .button .quiet .short href=(upstream.href) { (texts.link.name(upstream.name)) }
                        }
                    }
                }
            }
        }
    }

    fn password(&self, language: Language) -> Markup {
        let texts = &language.texts().account;
        let (current, new) = self.notice.map_or((false, false), |notice| notice.about());
        let rule = if new {
            format!("rule {PROBLEM}")
        } else {
            "rule".to_owned()
        };
        let fields = html! {
            // A password manager stores the new password under this name. It has no name here, so it is not sent.
            input type="text" value=(self.who.user_name) autocomplete="username" hidden readonly;
            label for="current_password" { (texts.current) }
            input type="password" id="current_password" name="current_password" required
                autocomplete="current-password" aria-describedby=[current.then_some(PROBLEM)]
                aria-invalid=[current.then_some("true")];
            label for="new_password" { (texts.new) }
            input type="password" id="new_password" name="new_password" required minlength="8"
                autocomplete="new-password" aria-describedby=(rule) aria-invalid=[new.then_some("true")];
            p .hint #rule { (texts.rule) }
            button type="submit" name="action" value="change-password" { (texts.change) }
        };
        html! {
            section aria-labelledby="password" {
                h2 id="password" { (texts.password) }
                p .muted { (texts.password_text) }
                (self.form(None, fields))
            }
        }
    }

    /// A form of its own for each thing that can be done.
    fn form(&self, id: Option<&str>, content: Markup) -> Markup {
        html! {
            form method="post" action=(self.action) {
                (sealed(self.form))
                @if let Some(id) = id { input type="hidden" name="id" value=(id); }
                (content)
            }
        }
    }
}

/// A button that does something. Where several have the same words, a screen reader also says what each is `about`.
fn act(action: &str, words: &str, about: Option<&str>) -> Markup {
    html! {
        button .quiet .short type="submit" name="action" value=(action) {
            (words)
            @if let Some(about) = about { span .unseen { " " bdi { (about) } } }
        }
    }
}

impl AccountNotice {
    fn shown(self, language: Language) -> Markup {
        let texts = &language.texts().notice;
        match self {
            Self::PasswordChanged => status(texts.password_changed),
            Self::SessionEnded => status(texts.session_ended),
            Self::GrantRevoked => status(texts.grant_revoked),
            Self::ConsentRevoked => status(texts.consent_revoked),
            Self::Linked => status(texts.linked),
            Self::Unlinked => status(texts.unlinked),
            Self::WrongPassword => alert(texts.wrong_password),
            Self::PasswordTooShort => alert(texts.too_short),
            Self::PasswordTooLong => alert(texts.too_long),
            Self::PasswordTooCommon => alert(texts.too_common),
            Self::PasswordIsUserName => alert(texts.is_user_name),
            Self::LinkedElsewhere => alert(texts.linked_elsewhere),
            Self::LastWayToSignIn => alert(texts.last_way),
            Self::TryAgainIn(seconds) => alert(
                &language
                    .texts()
                    .common
                    .try_again
                    .text(&wait(seconds, language)),
            ),
            Self::Expired => alert(texts.expired),
        }
    }

    /// Whether it is about the current password, and whether about the new one.
    fn about(self) -> (bool, bool) {
        match self {
            Self::WrongPassword => (true, false),
            Self::PasswordTooShort
            | Self::PasswordTooLong
            | Self::PasswordTooCommon
            | Self::PasswordIsUserName => (false, true),
            Self::PasswordChanged
            | Self::SessionEnded
            | Self::GrantRevoked
            | Self::ConsentRevoked
            | Self::Linked
            | Self::Unlinked
            | Self::LinkedElsewhere
            | Self::LastWayToSignIn
            | Self::TryAgainIn(_)
            | Self::Expired => (false, false),
        }
    }
}
