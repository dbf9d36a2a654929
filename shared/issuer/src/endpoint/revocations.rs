//! The revocation feed for verifiers that cannot read the table: signed, cacheable, and without names.

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

/// The revocation feed: a [`FeedDocument`] of what was revoked from the moment `since` on, or of
/// everything that still matters.
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

    /// The key of the first algorithm that signs a document of any length, or else of the default one.
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

    /// One page of the feed, or as many as it takes to get beyond the second of `since`; at `most`
    /// so many entries, if they are not all of one second.
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
                // Of the last second, there may be more on the next page.
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

/// The only parameter; 0, or none, is everything.
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

/// How many entries a document may have that `key` signs: KMS takes 4 KiB for EdDSA, which it digests
/// itself.
fn most_entries(key: &ActiveKey) -> usize {
    key.signer
        .longest_message()
        .saturating_sub(REST_OF_A_DOCUMENT)
        / LONGEST_ENTRY
}

/// What a signed document is at most besides its entries, in bytes, base64url included.
const REST_OF_A_DOCUMENT: usize = 1024;

/// What an entry adds to it at most.
const LONGEST_ENTRY: usize = 128;

/// RFC 7515 §9.2.1.
const JOSE: HeaderValue = HeaderValue::from_static("application/jose");

/// Many verifiers that ask at once are one request; each sees a revocation two seconds later at most.
const FOR_A_MOMENT: HeaderValue = HeaderValue::from_static("public, max-age=2");

/// How long a document may be shown to verifiers, whoever keeps it.
const BELIEVED_FOR: Duration = Duration::from_secs(60);
