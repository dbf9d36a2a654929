use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokensmith_verifier::{FEED_TYPE, FeedDocument, Revocation};

use super::{Forger, ISSUER};

/// The issuer's side of the feed: what was recorded when, in pages.
pub struct Feed {
    pub key: Arc<Forger>,
    recorded: Mutex<Vec<(u64, Revocation)>>,
    /// A page ends with the second that brings it to this many entries.
    page: usize,
}

impl Feed {
    pub fn new(key: Arc<Forger>, page: usize) -> Arc<Self> {
        Arc::new(Self {
            key,
            recorded: Mutex::default(),
            page,
        })
    }

    pub fn record(&self, at: u64, revocation: Revocation) {
        let mut recorded = self.recorded.lock().expect("no test panicked here");
        recorded.push((at, revocation));
        recorded.sort_by_key(|(at, _)| *at);
    }

    /// The payload for `since`, made at `now`.
    pub fn payload(&self, since: u64, now: u64) -> Value {
        let recorded = self.recorded.lock().expect("no test panicked here");
        let wanted = recorded.iter().filter(|(at, _)| (since..now).contains(at));
        let wanted: Vec<_> = wanted.copied().collect();
        let until = match wanted.get(self.page - 1) {
            Some((last, _)) if wanted.len() > self.page => last + 1,
            _ => now,
        };
        let document = FeedDocument {
            iss: ISSUER.to_owned(),
            iat: now,
            exp: now + 60,
            from: since,
            until,
            more: until < now,
            entries: wanted
                .into_iter()
                .filter(|(at, _)| *at < until)
                .map(|(_, revocation)| revocation)
                .collect(),
        };
        json!(document)
    }

    pub fn sign(&self, payload: &Value) -> String {
        self.key.sign(&self.header(), payload)
    }

    pub fn header(&self) -> Value {
        json!({ "alg": self.key.algorithm, "typ": FEED_TYPE, "kid": self.key.kid })
    }
}
