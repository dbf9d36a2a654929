//! The two cookies. One marks a browser before anybody has signed in, the other is a session. Neither is readable by scripts, sent
//! to another host, or, but for an issuer on `http`, sent in the clear.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use tokensmith_issuer::credential::{random_bytes, sha256_text};
use tokensmith_issuer::names::{IssuerUrl, SubjectName};

/// The cookies of one browser.
#[derive(Debug)]
pub(crate) struct Cookies {
    is_secure: bool,
    /// Marks the browser; what it was sent, or what it is sent now.
    mark: SecretString,
    is_new: bool,
    session: Option<SessionCookie>,
}

impl Cookies {
    /// Those that a request has brought.
    pub(crate) fn of(headers: &HeaderMap, issuer: &IssuerUrl) -> Self {
        let is_secure = issuer.as_str().starts_with("https:");
        let values = headers.get_all(header::COOKIE).iter();
        let values: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
        let found = |name: &str| {
            let pairs = values.iter().flat_map(|value| value.split(';'));
            let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
            let named = pairs.filter(|(one, _)| *one == cookie_name(is_secure, name));
            named.map(|(_, value)| value).next()
        };
        let mark = found(MARK)
            .filter(|mark| is_random(mark))
            .map(str::to_owned);
        Self {
            is_secure,
            is_new: mark.is_none(),
            mark: mark.unwrap_or_else(random).into(),
            session: found(SESSION).and_then(SessionCookie::parse),
        }
    }

    /// What a form is bound to before anybody has signed in.
    pub(crate) fn mark(&self) -> &str {
        self.mark.expose_secret()
    }

    /// Whether the browser has brought none, although every page sends one.
    pub(crate) fn are_missing(&self) -> bool {
        self.is_new
    }

    /// The session that the browser says it has.
    pub(crate) fn session(&self) -> Option<&SessionCookie> {
        self.session.as_ref()
    }

    /// Sends the mark, if the browser had none.
    pub(crate) fn send_mark(&self, headers: &mut HeaderMap) {
        if self.is_new {
            self.send(headers, MARK, self.mark(), "");
        }
    }

    /// Sends a session, in place of the one that the browser had.
    pub(crate) fn send_session(&self, headers: &mut HeaderMap, session: &SessionCookie) {
        self.send(headers, SESSION, session.value(), "");
    }

    /// Makes the browser forget its session.
    pub(crate) fn end_session(&self, headers: &mut HeaderMap) {
        self.send(headers, SESSION, "", "; Max-Age=0");
    }

    fn send(&self, headers: &mut HeaderMap, name: &str, value: &str, more: &str) {
        let name = cookie_name(self.is_secure, name);
        let secure = if self.is_secure { "; Secure" } else { "" };
        let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
        // Our own names and base64url are always a valid header value.
        if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
            cookie.set_sensitive(true);
            headers.append(header::SET_COOKIE, cookie);
        }
    }
}

/// What proves a session: who has signed in, and 256 random bits. Only its hash is stored.
#[derive(Clone, Debug)]
pub(crate) struct SessionCookie {
    subject: SubjectName,
    value: SecretString,
}

impl SessionCookie {
    /// A new one.
    pub(crate) fn new(subject: &SubjectName) -> Self {
        Self {
            subject: subject.clone(),
            value: format!("{subject}.{}", random()).into(),
        }
    }

    fn parse(value: &str) -> Option<Self> {
        let (subject, secret) = value.rsplit_once('.')?;
        is_random(secret).then_some(())?;
        Some(Self {
            subject: subject.parse().ok()?,
            value: value.to_owned().into(),
        })
    }

    /// Whose session it says it is. The subject stands in it so that one read finds the session and its user.
    pub(crate) fn subject(&self) -> &SubjectName {
        &self.subject
    }

    /// The id of its record.
    pub(crate) fn id(&self) -> String {
        sha256_text(self.value().as_bytes())
    }

    /// What a form is bound to while it lasts.
    pub(crate) fn value(&self) -> &str {
        self.value.expose_secret()
    }
}

/// `__Host-` keeps other hosts of the domain from setting it (RFC 6265bis §4.1.3.2). Browsers want `Secure` with that.
fn cookie_name(is_secure: bool, name: &str) -> String {
    let prefix = if is_secure { "__Host-" } else { "" };
    format!("{prefix}tokensmith-{name}")
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

fn is_random(text: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.len() == 43 && text.bytes().all(is_base64url)
}

const MARK: &str = "browser";
const SESSION: &str = "session";
