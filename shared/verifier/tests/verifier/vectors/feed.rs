//! `feed.json`: hashes, single documents, and what a verifier that follows the feed says as time passes.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::feed_cases;
use super::format::{Document, Feed, Hash, Reading};
use super::keys::{Keys, signed};
use crate::support::{Forger, ISSUER, START, base64url};

pub fn made(keys: &Keys) -> Feed {
    Feed {
        hashes: hashes(),
        documents: Documents {
            keys,
            made: Vec::new(),
        }
        .all(),
        cases: feed_cases::made(keys),
    }
}

/// The kinds of entries as they are in the feed, and as they are hashed.
const KINDS: [(&str, &str, &str); 6] = [
    ("token", "token", "0Uj3GzvYZ8pQ"),
    ("grant", "grant", "grant-1"),
    ("client", "client", "app"),
    ("subject", "subject", "Zoë 🦀"),
    ("key", "key", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
    ("api_key", "api key", "3v8NqWz1"),
];

fn hashes() -> Vec<Hash> {
    let made = KINDS.iter().map(|(kind, hashed, name)| Hash {
        kind: (*kind).to_owned(),
        name: (*name).to_owned(),
        input: input(hashed, name)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
        hash: hash(kind, name),
    });
    made.collect()
}

fn input(hashed: &str, name: &str) -> Vec<u8> {
    format!("tokensmith revoked {hashed}\0{name}").into_bytes()
}

/// The hash of an entry, by what `docs/feed.md` says.
pub fn hash(kind: &str, name: &str) -> String {
    let found = KINDS.iter().find(|(known, _, _)| *known == kind);
    let hashed = found.map_or(kind, |(_, hashed, _)| *hashed);
    base64url(&digest(&SHA256, &input(hashed, name)).as_ref()[..16])
}

/// An entry with these members besides.
pub fn entry(kind: &str, name: &str, until: u64, more: Value) -> Value {
    let mut entry = json!({ "kind": kind, "hash": hash(kind, name), "until": until });
    let more = more.as_object().expect("an object").clone();
    entry.as_object_mut().expect("an object").extend(more);
    entry
}

/// The payload of a document that was made at its end.
pub fn payload(from: u64, until: u64, entries: Value) -> Value {
    json!({
        "iss": ISSUER, "iat": until, "exp": until + 60, "from": from, "until": until, "more": false, "entries": entries,
    })
}

pub fn document(key: &Forger, payload: &Value) -> String {
    signed(key, &header(key), payload)
}

fn header(key: &Forger) -> Value {
    json!({ "alg": key.algorithm, "typ": "tokensmith-revocations+jwt", "kid": key.kid })
}

/// Documents that are judged at [`START`], as the answer to a cursor 30 s before it.
struct Documents<'a> {
    keys: &'a Keys,
    made: Vec<Document>,
}

const SINCE: u64 = START - 30;

impl Documents<'_> {
    fn all(mut self) -> Vec<Document> {
        self.good();
        self.headers();
        self.payloads();
        self.entries();
        self.made
    }

    fn add(&mut self, name: &str, document: String, expected: Reading) {
        self.made.push(Document {
            name: name.to_owned(),
            now: START,
            issuer: ISSUER.to_owned(),
            since: SINCE,
            document,
            expected,
        });
    }

    fn refused(&mut self, name: &str, document: String, reason: &str) {
        self.add(
            name,
            document,
            Reading::Reject {
                reason: reason.to_owned(),
            },
        );
    }

    fn accepted(&mut self, name: &str, payload: &Value) {
        let expected = Reading::Accept {
            until: payload["until"].as_u64().expect("a time"),
            more: payload["more"] == true,
            entries: payload["entries"].as_array().expect("an array").len(),
        };
        self.add(name, document(&self.keys.eddsa, payload), expected);
    }

    fn good(&mut self) {
        let keys = self.keys;
        for key in [&keys.rs256, &keys.ps256, &keys.es256, &keys.eddsa] {
            let expected = Reading::Accept {
                until: START,
                more: false,
                entries: 0,
            };
            let name = format!("without entries, signed by {}", key.algorithm);
            self.add(
                &name,
                document(key, &payload(SINCE, START, json!([]))),
                expected,
            );
        }
        let all = json!([
            entry("token", "t", START + 600, json!({})),
            entry("grant", "g", START + 600, json!({})),
            entry("client", "c", START + 600, json!({ "not_before": START })),
            entry("subject", "s", START + 600, json!({ "not_before": START })),
            entry("key", "k", START + 600, json!({})),
            entry("api_key", "a", START + 600, json!({ "ends_at": 0 })),
            entry(
                "tenant",
                "t",
                START + 600,
                json!({ "not_before": START, "region": ["eu"] })
            ),
            entry("something_new", "x", START + 600, json!({})),
        ]);
        self.accepted(
            "every kind, and two that are not known",
            &payload(SINCE, START, all),
        );
        for (name, changes) in [
            ("a member that is not known", json!({ "generation": 7 })),
            ("more than was asked for", json!({ "from": 0 })),
            ("nothing new", json!({ "until": SINCE })),
            ("a page", json!({ "until": SINCE + 10, "more": true })),
            ("59 s after exp", json!({ "exp": START - 59 })),
            ("iat 60 s ahead", json!({ "iat": START + 60 })),
        ] {
            self.accepted(name, &changed(&changes));
        }
    }

    fn headers(&mut self) {
        let keys = self.keys;
        let payload = payload(SINCE, START, json!([]));
        for (name, member, value, reason) in [
            ("typ of a token", "typ", json!("at+jwt"), "wrong_type"),
            ("typ JWT", "typ", json!("JWT"), "wrong_type"),
            ("alg none", "alg", json!("none"), "wrong_algorithm"),
            (
                "alg of another key",
                "alg",
                json!("RS256"),
                "wrong_algorithm",
            ),
            (
                "a kid that is not published",
                "kid",
                json!("x"),
                "unknown_key",
            ),
            ("crit", "crit", json!(["exp"]), "unsupported_header"),
            (
                "a key in the header",
                "jwk",
                json!(keys.eddsa.jwk),
                "unsupported_header",
            ),
        ] {
            let mut header = header(&keys.eddsa);
            header[member] = value;
            self.refused(name, signed(&keys.eddsa, &header, &payload), reason);
        }
        self.refused(
            "by a stranger",
            document(&keys.stranger, &payload),
            "unknown_key",
        );
        let forged = signed(&keys.stranger, &header(&keys.eddsa), &payload);
        self.refused(
            "by a stranger who names another key",
            forged,
            "bad_signature",
        );
        self.refused("not a JWS", "<html></html>".to_owned(), "malformed");
        self.refused("empty", String::new(), "malformed");
    }

    fn payloads(&mut self) {
        let own = &self.keys.eddsa;
        let withdrawn = json!([entry("key", own.kid.as_str(), START + 600, json!({}))]);
        for (name, changes, reason) in [
            (
                "another issuer",
                json!({ "iss": "https://other.example" }),
                "wrong_issuer",
            ),
            ("60 s after exp", json!({ "exp": START - 60 }), "expired"),
            (
                "iat 61 s ahead",
                json!({ "iat": START + 61 }),
                "not_yet_valid",
            ),
            (
                "it starts after what was asked for",
                json!({ "from": SINCE + 1 }),
                "gap",
            ),
            (
                "it ends before what was asked for",
                json!({ "until": SINCE - 1 }),
                "no_progress",
            ),
            (
                "more, but it ends where it was asked to start",
                json!({ "until": SINCE, "more": true }),
                "no_progress",
            ),
            (
                "it ends after it was made",
                json!({ "until": START + 1 }),
                "from_the_future",
            ),
            (
                "it names its own key as withdrawn",
                json!({ "entries": withdrawn }),
                "withdrawn_key",
            ),
            (
                "until is text",
                json!({ "until": "1800000000" }),
                "malformed",
            ),
            ("more is text", json!({ "more": "no" }), "malformed"),
            (
                "entries is an object",
                json!({ "entries": {} }),
                "malformed",
            ),
        ] {
            self.refused(name, document(own, &changed(&changes)), reason);
        }
        for member in ["iss", "iat", "exp", "from", "until", "more", "entries"] {
            let mut payload = changed(&json!({}));
            payload.as_object_mut().expect("an object").remove(member);
            self.refused(
                &format!("no {member}"),
                document(own, &payload),
                "malformed",
            );
        }
    }

    fn entries(&mut self) {
        let until = START + 600;
        for (name, bad) in [
            (
                "a token with not_before",
                entry("token", "t", until, json!({ "not_before": START })),
            ),
            (
                "a client without not_before",
                entry("client", "c", until, json!({})),
            ),
            (
                "a subject without not_before",
                entry("subject", "s", until, json!({})),
            ),
            (
                "an API key without ends_at",
                entry("api_key", "a", until, json!({})),
            ),
            (
                "a hash of 15 bytes",
                json!({ "kind": "grant", "hash": base64url(&[0; 15]), "until": until }),
            ),
            (
                "a hash of 17 bytes",
                json!({ "kind": "grant", "hash": base64url(&[0; 17]), "until": until }),
            ),
            (
                "a hash that is not base64url",
                json!({ "kind": "grant", "hash": "!!!!!!!!!!!!!!!!!!!!!!", "until": until }),
            ),
            (
                "no until",
                json!({ "kind": "grant", "hash": base64url(&[0; 16]) }),
            ),
            (
                "no kind",
                json!({ "hash": base64url(&[0; 16]), "until": until }),
            ),
        ] {
            let payload = changed(&json!({ "entries": [bad] }));
            self.refused(
                &format!("an entry: {name}"),
                document(&self.keys.eddsa, &payload),
                "malformed",
            );
        }
    }
}

/// A good payload, but for these members.
fn changed(changes: &Value) -> Value {
    let mut payload = payload(SINCE, START, json!([]));
    let changes = changes.as_object().expect("an object").clone();
    payload.as_object_mut().expect("an object").extend(changes);
    payload
}
