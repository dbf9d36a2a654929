//! One visit of a browser: the rules that every page keeps.
//!
//! A GET of somebody who has not signed in writes nothing. Each form carries a token that is bound to a cookie of its browser, to its
//! purpose and to ten minutes. What has signed in gets a new session. Answers to a POST redirect by 303.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokensmith_issuer::Issuer;
use tokensmith_issuer::config::{BrandName, Config};
use tokensmith_issuer::endpoint::{Call, Form};
use tokensmith_issuer::error::{Error, SignInDenied, Unavailable};
use tokensmith_issuer::event::RequestContext;
use tokensmith_issuer::sealed::Unsealed;
use tokensmith_pages::{Brand, Language, Look};

use crate::cookies::Cookies;

/// One request of a browser.
pub(crate) struct Visit<'a> {
    pub(crate) issuer: &'a Issuer,
    pub(crate) request: &'a Request<Bytes>,
    pub(crate) cookies: Cookies,
    pub(crate) look: Look,
    pub(crate) language: Language,
}

impl<'a> Visit<'a> {
    pub(crate) fn of(call: &Call<'a>) -> Self {
        Self::new(call.issuer, call.request)
    }

    pub(crate) fn new(issuer: &'a Issuer, request: &'a Request<Bytes>) -> Self {
        Self {
            issuer,
            request,
            cookies: Cookies::of(request.headers(), &issuer.config().issuer),
            look: Look::new(brand_of(issuer.config())),
            language: language_of(request, None),
        }
    }

    /// Where it comes from.
    pub(crate) fn source(&self) -> Option<&'a str> {
        let context = self.request.extensions().get::<RequestContext>();
        context.and_then(|context| context.source.as_deref())
    }

    /// Speaks the language that a request asks for, if it is one of ours.
    pub(crate) fn speak(&mut self, ui_locales: Option<&str>) {
        self.language = language_of(self.request, ui_locales);
    }

    pub(crate) fn is_post(&self) -> bool {
        self.request.method() == Method::POST
    }

    /// The form that a page of ours has sent: no other site may (RFC 9700 §4.7.1). Browsers say where a form comes from.
    pub(crate) fn posted(&self) -> Result<Form, Error> {
        let request = self.request;
        let site = request.headers().get("sec-fetch-site");
        if site.is_some_and(|site| site != "same-origin" && site != "none") {
            return Err(SignInDenied::CrossSite.into());
        }
        let form = Form::parse(request.uri(), request.headers(), request.body());
        Ok(form?)
    }

    /// The token of a form for somebody who has not signed in.
    pub(crate) async fn seal_for_stranger(
        &self,
        purpose: &str,
        value: &impl Serialize,
    ) -> Result<String, Unavailable> {
        let mark = self.cookies.mark();
        self.seal_in_session(purpose, mark, value).await
    }

    /// What such a form was given, even when its time is over.
    pub(crate) async fn unseal_of_stranger<T: DeserializeOwned>(
        &self,
        purpose: &str,
        sealed: Option<&str>,
    ) -> Result<Unsealed<T>, Error> {
        let mark = self.cookies.mark();
        self.unseal_in_session(purpose, mark, sealed).await
    }

    /// The token of a form within a session.
    pub(crate) async fn seal_in_session(
        &self,
        purpose: &str,
        session: &str,
        value: &impl Serialize,
    ) -> Result<String, Unavailable> {
        self.issuer
            .seal(purpose, session, value, FORM_LIFETIME)
            .await
    }

    /// What such a form was given, even when its time is over.
    pub(crate) async fn unseal_in_session<T: DeserializeOwned>(
        &self,
        purpose: &str,
        session: &str,
        sealed: Option<&str>,
    ) -> Result<Unsealed<T>, Error> {
        let opened = self
            .issuer
            .unseal(purpose, session, sealed.unwrap_or_default());
        let opened = opened.await?;
        opened.ok_or_else(|| SignInDenied::ForeignForm.into())
    }

    /// A page.
    pub(crate) fn page(&self, status: StatusCode, html: String) -> Response<Bytes> {
        self.page_under(status, html, self.look.content_security_policy())
    }

    /// A page with a policy of its own.
    pub(crate) fn page_under(
        &self,
        status: StatusCode,
        html: String,
        policy: &str,
    ) -> Response<Bytes> {
        let mut response = page(status, html, policy);
        self.cookies.send_mark(response.headers_mut());
        response
    }

    /// Sends the browser on by a GET (RFC 9700 §4.12).
    pub(crate) fn see_other(&self, location: &str) -> Response<Bytes> {
        let mut response = page(StatusCode::SEE_OTHER, String::new(), "default-src 'none'");
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_TYPE);
        // What was parsed as a URL, or is made of base64url and paths, is always a valid header value.
        if let Ok(location) = HeaderValue::from_str(location) {
            headers.insert(header::LOCATION, location);
        }
        self.cookies.send_mark(headers);
        response
    }
}

/// A page that no cache keeps, no other site frames, and from which no address leaks.
pub(crate) fn page(status: StatusCode, html: String, policy: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn language_of(request: &Request<Bytes>, ui_locales: Option<&str>) -> Language {
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE);
    let accepted = accepted.and_then(|value| value.to_str().ok());
    Language::from_accept(accepted, ui_locales)
}

pub(crate) fn brand_of(config: &Config) -> Brand {
    let (brand, host) = (&config.brand, config.issuer.as_str().split("://").nth(1));
    let name = brand.name.as_ref().map(BrandName::as_str).or(host);
    Brand {
        name: name.unwrap_or_default().to_owned(),
        // What was parsed as either is one of these, too.
        logo: brand
            .logo
            .as_ref()
            .and_then(|logo| logo.as_str().parse().ok()),
        colour: brand
            .colour
            .as_ref()
            .and_then(|colour| colour.as_str().parse().ok()),
    }
}

/// RFC 9700 §4.2.4 (referrers), §4.16 (frames); OAuth 2.1 §7.1 (caches).
const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::PRAGMA, "no-cache"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin-allow-popups",
    ),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];

/// How long a form, and a request on its way through the pages, can be used.
const FORM_LIFETIME: Duration = Duration::from_secs(10 * 60);

#[cfg(test)]
mod tests {
    use tokensmith_issuer::config::Config;

    use super::brand_of;

    /// The two crates check the form of a brand each by itself: what the first accepts must not be dropped by the second.
    #[test]
    fn a_configured_brand_is_on_the_pages() {
        let issuer = "https://login.example.com".parse().expect("an issuer");
        let mut config = Config::new(issuer);
        assert_eq!(brand_of(&config).name, "login.example.com");
        config.brand.name = Some("Bäckerei Müller".parse().expect("a name"));
        for logo in [
            "https://a",
            "https://a.example:443?x",
            "https://a-b.example:65535/logo.svg?v=1;2#top",
            "https://1.example/%20'\"<>",
        ] {
            config.brand.logo = Some(logo.parse().expect("a logo"));
            let shown = brand_of(&config).logo.expect("the same logo");
            assert_eq!(shown.as_str(), logo);
        }
        for colour in ["#0a6a5c", "#FFFFFF", "#000000"] {
            config.brand.colour = Some(colour.parse().expect("a colour"));
            let shown = brand_of(&config).colour.expect("the same colour");
            assert_eq!(shown.to_string(), colour.to_ascii_lowercase());
        }
        assert_eq!(brand_of(&config).name, "Bäckerei Müller");
    }
}
