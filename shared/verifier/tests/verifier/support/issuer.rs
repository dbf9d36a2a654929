use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokensmith_verifier::{CacheHeaders, Fetch, FetchError, FetchRequest, Fetched};

use super::Forger;

/// Serves documents from this process, and records the requests.
#[derive(Default)]
pub struct FakeIssuer(Mutex<State>);

#[derive(Default)]
struct State {
    feed: Option<FeedAnswer>,
    documents: HashMap<String, Vec<u8>>,
    headers: CacheHeaders,
    mood: Mood,
    asked: Vec<Asked>,
}

/// The feed's answer to a cursor.
type FeedAnswer = Arc<dyn Fn(u64) -> String + Send + Sync>;

/// One request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asked {
    pub url: String,
    pub etag: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Mood {
    #[default]
    Answers,
    Fails,
    Hangs,
    Slow(Duration),
}

impl FakeIssuer {
    pub const JWKS: &str = "https://issuer.example/.well-known/jwks.json";

    const FEED: &str = "https://issuer.example/oauth2/revocations?since=";

    /// Publishes these keys and no others.
    pub fn publish(&self, keys: &[&Forger]) {
        let keys: Vec<_> = keys.iter().map(|key| &key.jwk).collect();
        self.serve(Self::JWKS, json!({ "keys": keys }).to_string());
    }

    pub fn serve(&self, url: &str, document: impl Into<Vec<u8>>) {
        self.state()
            .documents
            .insert(url.to_owned(), document.into());
    }

    /// Answers `GET /oauth2/revocations?since=` with this.
    pub fn serve_feed(&self, answer: impl Fn(u64) -> String + Send + Sync + 'static) {
        self.state().feed = Some(Arc::new(answer));
    }

    /// The cursors that were asked for since the last call; other requests are forgotten.
    pub fn asked_cursors(&self) -> Vec<u64> {
        let asked = self.asked();
        asked
            .iter()
            .filter_map(|asked| cursor(&asked.url))
            .collect()
    }

    pub fn cache_control(&self, value: Option<&str>) {
        self.state().headers.cache_control = value.map(str::to_owned);
    }

    /// Every answer is 503.
    pub fn fail(&self) {
        self.state().mood = Mood::Fails;
    }

    /// No answer ever comes.
    pub fn hang(&self) {
        self.state().mood = Mood::Hangs;
    }

    /// Every answer takes this long.
    pub fn slow(&self, latency: Duration) {
        self.state().mood = Mood::Slow(latency);
    }

    pub fn recover(&self) {
        self.state().mood = Mood::Answers;
    }

    /// The requests since the last call.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state().asked)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panicked here")
    }
}

#[async_trait]
impl Fetch for FakeIssuer {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Fetched, FetchError> {
        let mood = {
            let mut state = self.state();
            state.asked.push(Asked {
                url: request.url.to_owned(),
                etag: request.etag.map(str::to_owned),
            });
            state.mood
        };
        // As long as a real one takes, seen from the other tasks.
        tokio::task::yield_now().await;
        match mood {
            Mood::Answers => {}
            Mood::Fails => return Err(FetchError::Status(503)),
            Mood::Hangs => std::future::pending().await,
            // Only under a paused clock.
            Mood::Slow(latency) => tokio::time::sleep(latency).await,
        }
        let state = self.state();
        let document = match (cursor(request.url), &state.feed) {
            (Some(since), Some(feed)) => Some(feed(since).into_bytes()),
            _ => state.documents.get(request.url).cloned(),
        };
        let document = document.ok_or(FetchError::Status(404))?;
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &document);
        let headers = CacheHeaders {
            etag: Some(format!("\"{}\"", super::forger::base64url(hash.as_ref()))),
            ..state.headers.clone()
        };
        match request.etag == headers.etag.as_deref() {
            true => Ok(Fetched::NotModified(headers)),
            false => Ok(Fetched::Document(document, headers)),
        }
    }
}

impl fmt::Debug for FakeIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeIssuer")
    }
}

fn cursor(url: &str) -> Option<u64> {
    let since = url.strip_prefix(FakeIssuer::FEED)?;
    Some(since.parse().expect("whole seconds"))
}
