//! How users and sessions are shown.

use serde::Serialize;
use serde_json::{Map, Value};
use tokensmith_issuer::names::{SubjectName, UserName};
use tokensmith_issuer::store::records::{Session, User};

use crate::display_time;
use crate::list::Listed;

/// A user as it is shown.
#[derive(Serialize)]
pub struct DisplayedUser<'a> {
    user_name: &'a UserName,
    subject: &'a SubjectName,
    claims: &'a Map<String, Value>,
    disabled: bool,
    sessions_not_before: Option<String>,
    created_at: String,
    updated_at: String,
}

impl<'a> DisplayedUser<'a> {
    pub fn new(user: &'a User) -> Self {
        Self {
            user_name: &user.name,
            subject: &user.subject,
            claims: &user.claims,
            disabled: user.disabled,
            sessions_not_before: user.sessions_not_before.map(display_time),
            created_at: display_time(user.created_at),
            updated_at: display_time(user.updated_at),
        }
    }
}

impl Listed for DisplayedUser<'_> {
    const COLUMNS: &'static [&'static str] = &["USER", "STATE", "SUBJECT", "EMAIL", "CREATED"];

    fn cells(&self) -> Vec<String> {
        let state = match self.disabled {
            true => "disabled",
            false => "enabled",
        };
        let email = self.claims.get("email").and_then(Value::as_str);
        vec![
            self.user_name.to_string(),
            state.to_owned(),
            self.subject.to_string(),
            email.unwrap_or_default().to_owned(),
            self.created_at.clone(),
        ]
    }
}

/// A session as it is shown.
#[derive(Serialize)]
pub struct DisplayedSession<'a> {
    session_id: &'a str,
    signed_in_at: String,
    methods: &'a [String],
    browser: Option<&'a str>,
    source: Option<&'a str>,
    expires_at: String,
}

impl<'a> DisplayedSession<'a> {
    pub fn new(session: &'a Session) -> Self {
        Self {
            session_id: &session.id,
            signed_in_at: display_time(session.signed_in_at),
            methods: &session.methods,
            browser: session.browser.as_deref(),
            source: session.source.as_deref(),
            expires_at: display_time(session.expires_at),
        }
    }
}

impl Listed for DisplayedSession<'_> {
    const COLUMNS: &'static [&'static str] = &["SESSION", "SIGNED IN", "SOURCE", "BROWSER"];

    fn cells(&self) -> Vec<String> {
        // What a browser calls itself is its own choice, also as to what it does to a terminal.
        let browser = self.browser.unwrap_or_default().chars();
        vec![
            self.session_id.to_owned(),
            self.signed_in_at.clone(),
            self.source.unwrap_or_default().to_owned(),
            browser.filter(|one| !one.is_control()).collect(),
        ]
    }
}
