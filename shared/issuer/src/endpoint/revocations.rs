//! The revocation feed for verifiers that cannot read the table: signed, cacheable, and with hashes
//! in place of names.

use bytes::Bytes;
use http::Request;
use http::header::HeaderValue;
use tokensmith_verifier::{Timestamp, paths};

use super::answer::{json_error, public_document};
use super::check::check_feed;
use super::{ALWAYS, Answer, Endpoint, Mount};
use crate::Issuer;
use crate::error::{BadRequest, Error, Unavailable};
use crate::keys::Custody;
use crate::revocation::SignedFeed;

/// The revocation feed: a [`FeedDocument`](tokensmith_verifier::FeedDocument) of what was revoked at or after `since`, or without
/// `since` of all revocations that concern unexpired tokens.
pub static REVOCATIONS: Endpoint = Endpoint {
    name: "revocations",
    path: paths::REVOCATIONS,
    methods: "GET, HEAD, OPTIONS",
    has_cors: true,
    is_on: ALWAYS,
    warm_up: |issuer| Box::pin(issuer.open_signing_keys()),
    check: |issuer| Box::pin(issuer.check_feed()),
    serve: |call| Box::pin(call.issuer.revocations(call.request)),
    refuse: json_error,
};

/// [`REVOCATIONS`], which signs.
pub const fn revocations<C: Custody>() -> Mount<C> {
    Mount::signing(&REVOCATIONS)
}

impl Issuer {
    async fn check_feed(&self) -> Result<(), Unavailable> {
        check_feed(&self.table, self.clock.now()).await?;
        self.check_signing_keys().await
    }

    async fn revocations(&self, request: &Request<Bytes>) -> Result<Answer, Error> {
        let since = parse_since(request.uri().query().unwrap_or_default())?;
        let now = self.clock.now();
        let document = self.feed.document(since, now, &self.config, &self.keys);
        let SignedFeed { jws, fresh_for } = document.await?;
        let response = public_document(jws, JOSE, fresh_for.as_secs(), request.headers());
        Ok(Answer::public(response))
    }
}

/// Parses the only parameter. 0, or no parameter, asks for all revocations.
fn parse_since(query: &str) -> Result<Timestamp, BadRequest> {
    let mut values = url::form_urlencoded::parse(query.as_bytes())
        .filter(|(name, value)| name == "since" && !value.is_empty());
    let since = values.next();
    if values.next().is_some() {
        return Err(BadRequest::RepeatedParameter);
    }
    let Some((_, since)) = since else {
        return Ok(Timestamp::default());
    };
    let digits = since.len() <= 10 && since.bytes().all(|byte| byte.is_ascii_digit());
    let since = since.parse().ok().filter(|_| digits);
    since
        .map(Timestamp::from_seconds)
        .ok_or(BadRequest::MalformedCursor)
}

/// RFC 7515 §9.2.1.
const JOSE: HeaderValue = HeaderValue::from_static("application/jose");
