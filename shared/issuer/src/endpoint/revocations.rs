//! The revocation feed for verifiers that cannot read the table: signed, cacheable, and with hashes
//! in place of names.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Request, Response};
use tokensmith_verifier::{CLOCK_SKEW_SECONDS, FEED_TYPE, FeedDocument, paths};

use super::answer::json_error;
use super::{Endpoint, Mount};
use crate::Issuer;
use crate::error::{BadRequest, Error, Unavailable};
use crate::keys::{ActiveKey, Custody};
use crate::store::StoreError;
use crate::store::records::FEED_SHARD;
use crate::token::sign_document;
use tokensmith_verifier::Timestamp;

/// The revocation feed: a [`FeedDocument`] of what was revoked at or after `since`, or without
/// `since` of all revocations that concern unexpired tokens.
pub static REVOCATIONS: Endpoint = Endpoint {
    name: "revocations",
    path: paths::REVOCATIONS,
    methods: "GET, HEAD, OPTIONS",
    has_cors: true,
    warm_up: |issuer| Box::pin(issuer.open_signing_keys()),
    serve: |call| Box::pin(call.issuer.revocations(call.request)),
    refuse: json_error,
};

/// [`REVOCATIONS`], which signs.
pub const fn revocations<C: Custody>() -> Mount<C> {
    Mount::signing(&REVOCATIONS)
}

impl Issuer {
    async fn revocations(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let since = parse_since(request.uri().query().unwrap_or_default())?;
        let now = self.clock.now();
        let key = self.feed_key(now).await?;
        let document = self.feed_since(since, now, most_entries(&key)).await?;
        let jws = sign_document(FEED_TYPE, &document, &key).await?;
        let mut response = Response::new(jws.into());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, JOSE);
        headers.insert(header::CACHE_CONTROL, FOR_A_MOMENT);
        Ok(response)
    }

    /// The key of the first algorithm that can sign a document of any length, or else of the
    /// default algorithm.
    async fn feed_key(&self, now: Timestamp) -> Result<Arc<ActiveKey>, Unavailable> {
        for algorithm in &self.config.algorithms {
            let key = self.keys.active(*algorithm, now).await?;
            if key.signer.longest_message() == usize::MAX {
                return Ok(key);
            }
        }
        let default = self.config.default_algorithm();
        self.keys.active(default, now).await
    }

    /// One page of the feed, or several when the first holds only entries of the second `since`,
    /// because a document must not end within a second. It has at most `most` entries, unless they
    /// are all of one second.
    async fn feed_since(
        &self,
        since: Timestamp,
        now: Timestamp,
        most: usize,
    ) -> Result<FeedDocument, StoreError> {
        let live = now.before(Duration::from_secs(CLOCK_SKEW_SECONDS));
        let (mut found, mut after) = (Vec::new(), None);
        let (mut until, mut more) = loop {
            let page = self.table.query_feed(FEED_SHARD, since, live, after, None);
            let (items, next) = page.await?;
            let last = items.last().map(|item| item.at);
            found.extend(items);
            match (next, last) {
                (None, _) => break (now, false),
                // The next page may have more entries of the last second.
                (Some(_), Some(last)) if last > since => break (last, true),
                (next, _) => after = next,
            }
        };
        if let Some(beyond) = found.get(most).map(|item| item.at)
            && beyond > since
        {
            found.retain(|item| item.at < beyond);
            (until, more) = (beyond, true);
        }
        Ok(FeedDocument {
            iss: self.config.issuer.as_str().to_owned(),
            iat: now.seconds(),
            exp: now.after(BELIEVED_FOR).seconds(),
            from: since.seconds(),
            until: until.min(now).seconds(),
            more,
            entries: found.into_iter().map(|entry| entry.revocation).collect(),
        })
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

/// How many entries a document may have so that `key` can sign it: KMS accepts at most 4 KiB for
/// EdDSA, because it computes the digest itself.
fn most_entries(key: &ActiveKey) -> usize {
    key.signer
        .longest_message()
        .saturating_sub(REST_OF_A_DOCUMENT)
        / LONGEST_ENTRY
}

/// The most that a signed document takes without its entries, in bytes of base64url.
const REST_OF_A_DOCUMENT: usize = 1024;

/// The most that an entry adds to it.
const LONGEST_ENTRY: usize = 128;

/// RFC 7515 §9.2.1.
const JOSE: HeaderValue = HeaderValue::from_static("application/jose");

/// A cache answers all verifiers that ask within 2 s with one document, so each sees a revocation
/// up to 2 s later.
const FOR_A_MOMENT: HeaderValue = HeaderValue::from_static("public, max-age=2");

/// How long verifiers accept a document. Bounds how long a cache, or an attacker on the way, can
/// replay one that lacks a newer revocation.
const BELIEVED_FOR: Duration = Duration::from_secs(60);
