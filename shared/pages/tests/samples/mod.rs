//! Every page in every state, for the tests and the gallery.

use tokensmith_pages::*;

/// What others write on the pages: everything that comes from a client, a person, a resource or a browser.
#[derive(Clone, Copy, Debug)]
pub struct Words {
    pub client: &'static str,
    pub user_name: &'static str,
    pub display_name: &'static str,
    pub host: &'static str,
    pub resource: &'static str,
    pub scope: &'static str,
    pub description: &'static str,
    pub browser: &'static str,
    pub source: &'static str,
    pub upstream: &'static str,
    pub href: &'static str,
    pub code: &'static str,
    pub detail: &'static str,
    pub form: &'static str,
    pub token: &'static str,
    pub id: &'static str,
}

impl Words {
    fn who(&self) -> SignedIn<'static> {
        SignedIn {
            user_name: self.user_name,
            display_name: Some(self.display_name),
        }
    }

    fn who_without_name(&self) -> SignedIn<'static> {
        SignedIn {
            display_name: None,
            ..self.who()
        }
    }
}

/// What usually stands there.
pub const USUAL: Words = Words {
    client: "Paper Planner",
    user_name: "ada",
    display_name: "Ada Lovelace",
    host: "planner.example.com",
    resource: "Calendar",
    scope: "calendar:write",
    description: "Add and change events in your calendars",
    browser: "Firefox on Linux",
    source: "203.0.113.7",
    upstream: "Example Works",
    href: "https://planner.example.com/",
    code: "BCDF-GHJK",
    detail: "redirect_uri https://evil.example.net/callback is not registered for the client",
    // As long as what is sealed for a request with all its parameters.
    form: "v1.KZc0vWmq1r7mT5wQf3yJxXb2n8sLhG4dPaUeRoIiVtYkCzBMjDgSlNqF6H9E_A-0pO1uWvXyZaBcDeFgHiJkLmNoPqRsTuVwXyZ0\
           1234567890abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_KZc0vWmq1r7mT5wQf3yJxXb2n8sLhG4dPaUeR\
           oIiVtYkCzBMjDgSlNqF6H9E_A-0pO1uWvXyZaBcDeFgHiJkLmNoPqRsTuVwXyZ01234567890abcdefghijklmnopqrstuvwxyzAB",
    // As long as what binds a form to a session.
    token: "v1.KZc0vWmq1r7mT5wQf3yJxXb2n8sLhG4dPaUeRoIiVtYkCzBMjDgSlNqF6H9E_A",
    id: "hM0q2cX1S6Wq7GZ0nXo9bw",
};

/// A page, by what it shows.
#[derive(Debug)]
pub struct Sample {
    pub name: &'static str,
    pub html: String,
}

/// Every page in every state.
pub fn samples(look: &Look, language: Language, words: Words) -> Vec<Sample> {
    let mut samples = sign_in(look, language, words);
    samples.extend(consent(look, language, words));
    samples.extend(device(look, language, words));
    samples.extend(account(look, language, words));
    samples.extend(sign_out(look, language, words));
    samples.extend(problems(look, language, words));
    samples
}

fn page(name: &'static str, html: String) -> Sample {
    Sample { name, html }
}

fn sign_in(look: &Look, language: Language, words: Words) -> Vec<Sample> {
    let upstreams = [UpstreamLink {
        name: words.upstream,
        href: words.href,
    }];
    let plain = SignIn {
        form: words.form,
        action: "/login",
        client: Some(words.client),
        user_name: None,
        problem: None,
        upstreams: &[],
    };
    let again = SignIn {
        user_name: Some(words.user_name),
        upstreams: &upstreams,
        ..plain
    };
    let with = |problem| SignIn {
        problem: Some(problem),
        ..again
    };
    let wrong = with(SignInProblem::WrongCredentials);
    let slow = with(SignInProblem::TryAgainIn(8));
    let expired = with(SignInProblem::Expired);
    vec![
        page("sign-in", plain.html(look, language)),
        page("sign-in-again", again.html(look, language)),
        page("sign-in-wrong", wrong.html(look, language)),
        page("sign-in-slow", slow.html(look, language)),
        page("sign-in-expired", expired.html(look, language)),
    ]
}

fn consent(look: &Look, language: Language, words: Words) -> Vec<Sample> {
    let person = [
        ("openid", None),
        ("profile", None),
        ("email", None),
        ("address", None),
        ("phone", None),
        ("offline_access", None),
    ];
    let resource = [
        (words.scope, Some(words.description)),
        ("calendar:read", None),
    ];
    let access = [
        ConsentAccess {
            resource: None,
            scopes: &person,
        },
        ConsentAccess {
            resource: Some(words.resource),
            scopes: &resource,
        },
    ];
    let consent = Consent {
        form: words.form,
        action: "/consent",
        client_name: words.client,
        client_host: Some(words.host),
        who: words.who(),
        access: &access,
    };
    let nothing = Consent {
        access: &[],
        client_host: None,
        who: words.who_without_name(),
        ..consent
    };
    let confirm = DeviceConfirm {
        form: words.form,
        action: "/device",
        client_name: words.client,
        user_code: words.code,
        source: Some(words.source),
        requested_ago_seconds: 40,
        access: &access[1..],
        who: words.who(),
    };
    vec![
        page("consent", consent.html(look, language)),
        page("consent-nothing", nothing.html(look, language)),
        page("device-confirm", confirm.html(look, language)),
    ]
}

fn device(look: &Look, language: Language, words: Words) -> Vec<Sample> {
    let empty = DeviceCode {
        form: words.form,
        action: "/device",
        prefilled: None,
        problem: None,
    };
    let link = DeviceCode {
        prefilled: Some(words.code),
        ..empty
    };
    let with = |problem| DeviceCode {
        problem: Some(problem),
        ..link
    };
    let unknown = with(DeviceProblem::UnknownCode);
    let expired = with(DeviceProblem::Expired);
    let slow = with(DeviceProblem::TooManyAttempts(90));
    let approved = DeviceDone { approved: true };
    let denied = DeviceDone { approved: false };
    vec![
        page("device-code", empty.html(look, language)),
        page("device-code-link", link.html(look, language)),
        page("device-code-unknown", unknown.html(look, language)),
        page("device-code-expired", expired.html(look, language)),
        page("device-code-slow", slow.html(look, language)),
        page("device-approved", approved.html(look, language)),
        page("device-denied", denied.html(look, language)),
    ]
}

fn account(look: &Look, language: Language, words: Words) -> Vec<Sample> {
    let signed_in_at = Moment::from_seconds(1_795_943_100);
    let this = SessionRow {
        id: words.id,
        browser: Some(words.browser),
        source: Some(words.source),
        signed_in_at,
        is_this: true,
    };
    let other = SessionRow {
        is_this: false,
        ..this
    };
    let unknown = SessionRow {
        browser: None,
        source: None,
        ..other
    };
    let scopes = [words.scope, "openid", "email", "offline_access"].map(str::to_owned);
    let grant = GrantRow {
        id: words.id,
        client_name: words.client,
        scopes: &scopes,
        given_at: signed_in_at,
    };
    let consent = ConsentRow {
        client_id: words.id,
        client_name: words.client,
        scopes: &scopes[1..],
    };
    let link = LinkRow {
        id: words.id,
        upstream_name: words.upstream,
        linked_at: signed_in_at,
    };
    let upstream = UpstreamLink {
        name: words.upstream,
        href: words.href,
    };
    let full = Account {
        form: words.token,
        action: "/account",
        who: words.who(),
        sessions: &[this, other, unknown],
        grants: &[grant, grant],
        consents: &[consent],
        links: &[link],
        upstreams: &[upstream],
        has_password: true,
        notice: None,
    };
    let new = Account {
        who: words.who_without_name(),
        sessions: &[this],
        grants: &[],
        consents: &[],
        links: &[],
        upstreams: &[],
        ..full
    };
    let mut samples = vec![
        page("account", full.html(look, language)),
        page("account-new", new.html(look, language)),
    ];
    samples.extend(NOTICES.map(|(name, notice)| {
        let notice = Some(notice);
        page(name, Account { notice, ..new }.html(look, language))
    }));
    samples
}

fn sign_out(look: &Look, language: Language, words: Words) -> Vec<Sample> {
    let asked = SignOut {
        form: words.form,
        action: "/oauth2/logout",
        client_name: Some(words.client),
    };
    let own = SignOut {
        client_name: None,
        ..asked
    };
    let back = SignedOut {
        return_to: Some((words.client, words.href)),
    };
    let stay = SignedOut { return_to: None };
    let form_post = FormPost {
        action: words.href,
        parameters: &[("code", words.code), ("state", words.id)],
    };
    vec![
        page("sign-out", asked.html(look, language)),
        page("sign-out-own", own.html(look, language)),
        page("signed-out", back.html(look, language)),
        page("signed-out-stay", stay.html(look, language)),
        page("form-post", form_post.html(look, language)),
    ]
}

fn problems(look: &Look, language: Language, words: Words) -> Vec<Sample> {
    let start_again = Some(words.href);
    let known = [
        ("unknown-client", ProblemKind::UnknownClient),
        ("bad-redirect-uri", ProblemKind::BadRedirectUri),
        ("bad-request", ProblemKind::BadRequest),
        ("expired-form", ProblemKind::ExpiredForm { start_again }),
        (
            "expired-form-lost",
            ProblemKind::ExpiredForm { start_again: None },
        ),
        ("no-cookies", ProblemKind::NoCookies),
        ("already-answered", ProblemKind::AlreadyAnswered),
        ("forbidden", ProblemKind::Forbidden),
        ("too-many-requests", ProblemKind::TooManyRequests(30)),
        ("unavailable", ProblemKind::Unavailable),
        ("not-found", ProblemKind::NotFound),
        (
            "upstream-failed",
            ProblemKind::UpstreamFailed { start_again },
        ),
        ("not-linked", ProblemKind::NotLinked { start_again }),
    ];
    let problem = |(name, kind)| {
        let problem = Problem {
            kind,
            detail: Some(words.detail),
            request_id: Some(words.id),
        };
        page(name, problem.html(look, language))
    };
    known.map(problem).into()
}

const NOTICES: [(&str, AccountNotice); 15] = [
    ("password-changed", AccountNotice::PasswordChanged),
    ("session-ended", AccountNotice::SessionEnded),
    ("grant-revoked", AccountNotice::GrantRevoked),
    ("consent-revoked", AccountNotice::ConsentRevoked),
    ("linked", AccountNotice::Linked),
    ("unlinked", AccountNotice::Unlinked),
    ("wrong-password", AccountNotice::WrongPassword),
    ("password-too-short", AccountNotice::PasswordTooShort),
    ("password-too-long", AccountNotice::PasswordTooLong),
    ("password-too-common", AccountNotice::PasswordTooCommon),
    ("password-is-user-name", AccountNotice::PasswordIsUserName),
    ("linked-elsewhere", AccountNotice::LinkedElsewhere),
    ("last-way", AccountNotice::LastWayToSignIn),
    ("try-again", AccountNotice::TryAgainIn(15)),
    ("expired", AccountNotice::Expired),
];
