//! The page at `/`: what this issuer is, for whoever develops with it. It is HTML without a script, and holds no
//! secret.

mod clients;
mod commands;
mod keys;
mod last_requests;
mod visitor;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, header};
use http_body_util::Full;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use tokensmith_issuer::admin::Administrator;
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::StoreError;
use tokensmith_verifier::Timestamp;

use clients::FirstClients;
use commands::{Shell, endpoints_section};
use keys::keys_section;
pub(crate) use last_requests::{LastRequests, Noted};

/// What the page tells.
#[derive(Debug)]
pub struct Page {
    issuer: IssuerUrl,
    admin: Administrator,
    shell: Shell,
}

impl Page {
    /// The page of `issuer`, whose data `admin` reads. For the commands on it: the `program` that this is, and
    /// the `directory` of the data, both as absolute paths.
    pub fn new(
        issuer: IssuerUrl,
        admin: Administrator,
        program: PathBuf,
        directory: PathBuf,
    ) -> Self {
        Self {
            issuer,
            admin,
            shell: Shell { program, directory },
        }
    }

    /// The host that the visitor names, if this is a request for the page by somebody who may see it.
    pub(crate) fn is_asked_for<B>(peer: SocketAddr, request: &Request<B>) -> Option<String> {
        match request.uri().path() {
            "/" => visitor::admitted(peer, request),
            _ => None,
        }
    }

    /// Makes the page for a visitor who names this host.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails.
    pub(crate) async fn response(
        &self,
        host: &str,
        requests: &LastRequests,
    ) -> Result<Response<Full<Bytes>>, StoreError> {
        let clients = FirstClients::read(&self.admin).await?;
        let keys = self.admin.signing_keys().await?;
        let now = self.admin.now().await?;
        let sections = html! {
            (endpoints_section(&self.shell, host, &clients.shown))
            (keys_section(keys, now))
            (clients.section())
            (requests.section())
        };
        let html = self.document(&sections, now).into_string();
        let mut response = Response::new(Full::new(html.into()));
        for (name, value) in HEADERS {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        if let Ok(policy) = HeaderValue::from_str(&content_security_policy()) {
            response
                .headers_mut()
                .insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        Ok(response)
    }

    fn document(&self, sections: &Markup, now: Timestamp) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { "tokensmith: " (self.issuer.as_str()) }
                    // A browser that is told of no icon asks for /favicon.ico, which would be one of the last requests.
                    link rel="icon" href=(ICON);
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    header {
                        h1 { "tokensmith" }
                        p { "The issuer " code { (self.issuer.as_str()) } }
                        p .muted {
                            "Data in " code { (self.shell.directory.display()) } ". As of " (moment(now))
                            " UTC; reload for what is new."
                        }
                        nav aria-label="Sections" {
                            a href="#endpoints" { "Endpoints" } " "
                            a href="#keys" { "Signing keys" } " "
                            a href="#clients" { "Clients" } " "
                            a href="#requests" { "Last requests" }
                        }
                    }
                    main { (sections) }
                }
            }
        }
    }
}

/// Nothing is fetched, run, sent or framed, and the one style sheet is the one that was written here.
fn content_security_policy() -> String {
    let sheet = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{sheet}'; img-src data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
}

/// A moment of the issuer, in UTC.
fn moment(moment: Timestamp) -> Markup {
    time(UNIX_EPOCH + Duration::from_secs(moment.seconds()))
}

/// A time, in UTC. A narrow table leaves the date out.
fn time(time: SystemTime) -> Markup {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    let (date, of_day) = text.split_once('T').unwrap_or(("", &text));
    html! {
        time datetime=(text) { span .date { (date) " " } (of_day.trim_end_matches('Z')) }
    }
}

/// No other site may read the page, embed it or learn that it was left, and nothing keeps it.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_TYPE, "text/html; charset=utf-8"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];
const ICON: &str = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>\
                    <circle cx='8' cy='8' r='6' fill='teal'/></svg>";
const STYLE: &str = include_str!("style.css");
