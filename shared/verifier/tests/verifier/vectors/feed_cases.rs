//! The feed as time passes: each step sets the clock, renews what is overdue, and judges tokens.

use serde_json::{Value, json};

use super::feed::{document, entry, payload};
use super::format::{FeedCase, FeedFetch, Judged, Outcome, Schemes, Step, Steps};
use super::keys::{Keys, signed};
use super::refusals::refused;
use super::tokens::{claims, claims_with};
use crate::support::{AUDIENCE, Forger, ISSUER, START};

/// Until when an entry matters, where that does not matter.
const LONG: u64 = START + 100_000;

pub fn made(keys: &Keys) -> Vec<FeedCase> {
    let cases = [
        each_kind(keys),
        parents_and_actors(keys),
        unknown_kinds(keys),
        later_until(keys),
        cursors(keys),
        freshness(keys),
        pages(keys),
        ends_of_entries(keys),
        withdrawn_key(keys),
        new_key(keys),
        bad_documents(keys),
        replay(keys),
        stale(keys, "closed"),
        stale(keys, "open"),
        cold(keys, "closed"),
        cold(keys, "open"),
        frozen(keys),
    ];
    cases.into_iter().map(FeedCase::Steps).collect()
}

fn case(keys: &Keys, name: &str, mut steps: Vec<Step>) -> Steps {
    steps[0].jwks = Some(keys.published());
    Steps {
        name: name.to_owned(),
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        interval: 5,
        max_age: 120,
        stale: "closed".to_owned(),
        steps,
    }
}

fn step(now: u64, fetches: Vec<FeedFetch>, tokens: Vec<Judged>) -> Step {
    Step {
        now,
        jwks: None,
        fetches,
        tokens,
    }
}

fn fetch(since: u64, document: String) -> FeedFetch {
    FeedFetch {
        since,
        cache_control: None,
        document: Some(document),
    }
}

fn failed(since: u64) -> FeedFetch {
    FeedFetch {
        since,
        cache_control: None,
        document: None,
    }
}

/// The first document, which is made at [`START`].
fn first(keys: &Keys, entries: Value) -> FeedFetch {
    fetch(0, document(&keys.eddsa, &payload(0, START, entries)))
}

/// One of 5 s later.
fn second(keys: &Keys, entries: Value) -> FeedFetch {
    fetch(
        START - 30,
        document(&keys.eddsa, &payload(START - 30, START + 5, entries)),
    )
}

fn token(key: &Forger, claims: &Value) -> String {
    signed(key, &key.header(), claims)
}

fn good(keys: &Keys, name: &str, claims: Value) -> Judged {
    Judged {
        name: name.to_owned(),
        token: token(&keys.eddsa, &claims),
        expected: Outcome::Accept { claims },
    }
}

fn bad(keys: &Keys, name: &str, claims: &Value, reason: &str) -> Judged {
    bad_by(&keys.eddsa, name, claims, reason)
}

fn bad_by(key: &Forger, name: &str, claims: &Value, reason: &str) -> Judged {
    Judged {
        name: name.to_owned(),
        token: token(key, claims),
        expected: refused(reason, Schemes::Bearer),
    }
}

fn each_kind(keys: &Keys) -> Steps {
    let with = claims_with;
    let entries = json!([
        entry("token", "t-1", LONG, json!({})),
        entry("grant", "g-1", LONG, json!({})),
        entry("client", "gone", LONG, json!({ "not_before": START })),
        entry("subject", "bob", LONG, json!({ "not_before": START })),
        entry("key", keys.other.kid.as_str(), LONG, json!({})),
        entry("api_key", "k-1", LONG, json!({ "ends_at": START + 10 })),
        entry("api_key", "k-0", LONG, json!({ "ends_at": 0 })),
    ]);
    let by_other = token(&keys.other, &claims());
    let of_key = |id: &str| with(json!({ "parents": [{ "key": id }] }));
    let before = vec![
        good(keys, "a token", with(json!({ "jti": "t-1" }))),
        good(keys, "of a grant", with(json!({ "grant_id": "g-1" }))),
        good(keys, "of a client", with(json!({ "client_id": "gone" }))),
        good(keys, "of a subject", with(json!({ "sub": "bob" }))),
        Judged {
            name: "by a key".to_owned(),
            token: by_other,
            expected: Outcome::Accept { claims: claims() },
        },
    ];
    let after = vec![
        bad(
            keys,
            "a revoked token",
            &with(json!({ "jti": "t-1" })),
            "token_revoked",
        ),
        bad(
            keys,
            "of a revoked grant",
            &with(json!({ "grant_id": "g-1" })),
            "grant_revoked",
        ),
        bad(
            keys,
            "of a client, issued at not_before",
            &with(json!({ "client_id": "gone" })),
            "client_revoked",
        ),
        good(
            keys,
            "of a client, issued later",
            with(json!({ "client_id": "gone", "iat": START + 1 })),
        ),
        bad(
            keys,
            "of a subject, issued at not_before",
            &with(json!({ "sub": "bob" })),
            "subject_revoked",
        ),
        good(
            keys,
            "of a subject, issued later",
            with(json!({ "sub": "bob", "iat": START + 1 })),
        ),
        bad_by(
            &keys.other,
            "by a withdrawn key",
            &claims(),
            "withdrawn_key",
        ),
        good(keys, "of an API key that ends in 5 s", of_key("k-1")),
        bad(
            keys,
            "of an API key that ended at once",
            &of_key("k-0"),
            "api_key_ended",
        ),
        good(keys, "of nothing that was revoked", claims()),
        good(
            keys,
            "of a client with the name of a grant",
            with(json!({ "client_id": "g-1", "grant_id": "gone" })),
        ),
        bad(
            keys,
            "expired, and revoked",
            &with(json!({ "jti": "t-1", "exp": START - 60 })),
            "expired",
        ),
        bad(
            keys,
            "a revoked token of a revoked grant",
            &with(json!({ "jti": "t-1", "grant_id": "g-1" })),
            "token_revoked",
        ),
        bad(
            keys,
            "of a revoked grant and subject",
            &with(json!({ "sub": "bob", "grant_id": "g-1" })),
            "grant_revoked",
        ),
    ];
    let third = fetch(
        START - 25,
        document(&keys.eddsa, &payload(START - 25, START + 10, json!([]))),
    );
    let last = vec![
        bad(
            keys,
            "of an API key that has ended",
            &of_key("k-1"),
            "api_key_ended",
        ),
        bad(
            keys,
            "a revoked token, still",
            &with(json!({ "jti": "t-1" })),
            "token_revoked",
        ),
    ];
    case(
        keys,
        "each kind ends what it names",
        vec![
            step(START, vec![first(keys, json!([]))], before),
            step(START + 5, vec![second(keys, entries)], after),
            step(START + 10, vec![third], last),
        ],
    )
}

fn parents_and_actors(keys: &Keys) -> Steps {
    let chain = json!({
        "jti": "third", "client_id": "agent", "grant_id": null, "act": { "sub": "carol", "act": { "sub": "api" } },
        "parents": [
            { "key": "k" },
            { "jti": "first", "client_id": "app", "grant_id": "g", "kid": keys.other.kid },
            { "jti": "second", "client_id": "api" },
        ],
    });
    let chain = claims_with(chain);
    let steps = [
        (entry("token", "first", LONG, json!({})), "token_revoked"),
        (entry("token", "second", LONG, json!({})), "token_revoked"),
        (entry("grant", "g", LONG, json!({})), "grant_revoked"),
        (
            entry("client", "app", LONG, json!({ "not_before": START })),
            "client_revoked",
        ),
        (
            entry("client", "api", LONG, json!({ "not_before": START })),
            "client_revoked",
        ),
        (
            entry("client", "agent", LONG, json!({ "not_before": START })),
            "client_revoked",
        ),
        (
            entry("subject", "alice", LONG, json!({ "not_before": START })),
            "subject_revoked",
        ),
        (
            entry("subject", "carol", LONG, json!({ "not_before": START })),
            "subject_revoked",
        ),
        (
            entry("subject", "api", LONG, json!({ "not_before": START })),
            "subject_revoked",
        ),
        (
            entry("api_key", "k", LONG, json!({ "ends_at": START })),
            "api_key_ended",
        ),
        (
            entry("key", keys.other.kid.as_str(), LONG, json!({})),
            "withdrawn_key",
        ),
    ];
    // A later `until` with an earlier end takes back what the entry before has said: so each is alone.
    let mut made = vec![step(
        START,
        vec![first(keys, json!([]))],
        vec![good(keys, "exchanged", chain.clone())],
    )];
    let mut now = START;
    for (index, (entry, reason)) in steps.into_iter().enumerate() {
        // It ends before the next step: 60 s after `until` nobody needs it.
        let mut entry = entry;
        now += 100;
        entry["until"] = json!(now - 30);
        let since = if index == 0 { START - 30 } else { now - 130 };
        let found = document(&keys.eddsa, &payload(since, now, json!([entry])));
        let chain = long_lived(&chain);
        let name = format!(
            "after an entry of kind {}",
            entry["kind"].as_str().expect("text")
        );
        made.push(step(
            now,
            vec![fetch(since, found)],
            vec![bad(keys, &name, &chain, reason)],
        ));
    }
    let since = now - 30;
    let unrelated = json!([
        entry("client", "app", LONG, json!({ "not_before": START - 1 })),
        entry("subject", "carol", LONG, json!({ "not_before": START - 1 })),
        entry("api_key", "k", LONG, json!({ "ends_at": now + 200 })),
        entry("token", "g", LONG, json!({})),
        entry("key", "first", LONG, json!({})),
        entry("grant", "second", LONG, json!({})),
    ]);
    let found = document(&keys.eddsa, &payload(since, now + 100, unrelated));
    let ended = vec![good(
        keys,
        "after entries that end nothing of it",
        long_lived(&chain),
    )];
    made.push(step(now + 100, vec![fetch(since, found)], ended));
    case(
        keys,
        "a token ends with each of its parents and with each of its actors",
        made,
    )
}

/// The same claims, but valid until the end of the case.
fn long_lived(claims: &Value) -> Value {
    let mut claims = claims.clone();
    claims["exp"] = json!(START + 7200);
    claims
}

fn unknown_kinds(keys: &Keys) -> Steps {
    let entries = json!([
        entry("something_new", "x", LONG, json!({})),
        entry(
            "tenant",
            "t",
            LONG,
            json!({ "not_before": START, "region": { "name": "eu" } })
        ),
        entry("grant", "g-1", LONG, json!({})),
    ]);
    let tokens = vec![
        bad(
            keys,
            "what is known counts",
            &claims_with(json!({ "grant_id": "g-1" })),
            "grant_revoked",
        ),
        good(keys, "nothing else is concerned", claims()),
    ];
    case(
        keys,
        "kinds that nobody knows yet",
        vec![step(START, vec![first(keys, entries)], tokens)],
    )
}

fn later_until(keys: &Keys) -> Steps {
    let client = |until: u64, not_before: u64| {
        entry("client", "app", until, json!({ "not_before": not_before }))
    };
    let key =
        |until: u64, ends_at: u64| entry("api_key", "k", until, json!({ "ends_at": ends_at }));
    let entries = json!([
        client(LONG, START - 100),
        client(LONG + 1, START - 50),
        key(LONG + 1, START - 1),
        key(LONG, START + 1000),
    ]);
    let issued = |iat: u64| claims_with(json!({ "iat": iat }));
    let of_key = claims_with(json!({ "client_id": "api", "parents": [{ "key": "k" }] }));
    let then = vec![
        bad(
            keys,
            "the later until counts, though it comes second",
            &issued(START - 50),
            "client_revoked",
        ),
        good(keys, "issued after it", issued(START - 49)),
        bad(
            keys,
            "the later until counts, though it comes first",
            &of_key,
            "api_key_ended",
        ),
    ];
    let older = json!([
        client(LONG, START + 100),
        key(LONG + 2, START + 1000),
        client(LONG + 1, START - 40),
        client(LONG + 1, START - 60),
    ]);
    let afterwards = vec![
        good(
            keys,
            "an earlier until changes nothing, though its document is newer",
            issued(START - 39),
        ),
        bad(
            keys,
            "of two with one until, the later not_before counts",
            &issued(START - 40),
            "client_revoked",
        ),
        good(keys, "an API key whose end was put off", of_key),
    ];
    case(
        keys,
        "of two entries with one hash the later until counts",
        vec![
            step(START, vec![first(keys, entries)], then),
            step(START + 5, vec![second(keys, older)], afterwards),
        ],
    )
}

fn cursors(keys: &Keys) -> Steps {
    let answer = |since: u64, until: u64| {
        fetch(
            since,
            document(&keys.eddsa, &payload(since, until, json!([]))),
        )
    };
    // The issuer may answer with an earlier `from`, and its documents end at moments of its own.
    let earlier = fetch(
        START - 25,
        document(&keys.eddsa, &payload(START - 60, START + 12, json!([]))),
    );
    let steps = vec![
        step(
            START,
            vec![answer(0, START - 1)],
            vec![good(keys, "a token", claims())],
        ),
        step(
            START + 4,
            vec![],
            vec![good(keys, "nothing is due", claims())],
        ),
        step(
            START + 5,
            vec![answer(START - 35, START + 5)],
            vec![good(keys, "a token", claims())],
        ),
        step(
            START + 12,
            vec![earlier],
            vec![good(keys, "a token", claims())],
        ),
        step(
            START + 16,
            vec![],
            vec![good(keys, "nothing is due", claims())],
        ),
        step(
            START + 17,
            vec![answer(START - 20, START + 15)],
            vec![good(keys, "a token", claims())],
        ),
    ];
    case(
        keys,
        "the cursor goes back 30 s, and then down to the interval",
        steps,
    )
}

fn freshness(keys: &Keys) -> Steps {
    let kept = |since: u64, until: u64, cache_control: &str| FeedFetch {
        since,
        cache_control: Some(cache_control.to_owned()),
        document: Some(document(&keys.eddsa, &payload(since, until, json!([])))),
    };
    let token = || vec![good(keys, "a token", claims())];
    let steps = vec![
        step(START, vec![kept(0, START, "public, max-age=2")], token()),
        step(START + 1, vec![], token()),
        step(
            START + 2,
            vec![kept(START - 30, START, "public, max-age=0")],
            token(),
        ),
        step(
            START + 3,
            vec![kept(START - 30, START, "public, max-age=60")],
            token(),
        ),
        step(START + 7, vec![], token()),
        step(
            START + 8,
            vec![kept(START - 30, START + 5, "public, max-age=2")],
            token(),
        ),
    ];
    case(
        keys,
        "the next fetch is due when the document is no longer fresh, after 1 s to the interval",
        steps,
    )
}

fn pages(keys: &Keys) -> Steps {
    let page = |since: u64, until: u64, more: bool, jti: &str| {
        let mut payload = payload(since, until, json!([entry("token", jti, LONG, json!({}))]));
        payload["more"] = json!(more);
        (payload["iat"], payload["exp"]) = (json!(START), json!(START + 60));
        fetch(since, document(&keys.eddsa, &payload))
    };
    let revoked = |jti: &str| {
        bad(
            keys,
            jti,
            &claims_with(json!({ "jti": jti })),
            "token_revoked",
        )
    };
    let steps = vec![step(
        START,
        vec![
            page(0, START - 1000, true, "on page 1"),
            page(START - 1000, START - 999, true, "on page 2"),
            page(START - 999, START, false, "on page 3"),
        ],
        vec![
            revoked("on page 1"),
            revoked("on page 2"),
            revoked("on page 3"),
            good(keys, "on none", claims()),
        ],
    )];
    case(
        keys,
        "pages are read until there are no more, from the until of the last",
        steps,
    )
}

fn ends_of_entries(keys: &Keys) -> Steps {
    let revoked = claims_with(json!({ "exp": START + 10 }));
    let entries = json!([entry("token", "token-1", START + 10, json!({}))]);
    let answer = |since: u64, until: u64| {
        fetch(
            since,
            document(&keys.eddsa, &payload(since, until, json!([]))),
        )
    };
    let steps = vec![
        step(
            START,
            vec![first(keys, entries)],
            vec![bad(keys, "at first", &revoked, "token_revoked")],
        ),
        step(
            START + 69,
            vec![answer(START - 30, START + 65)],
            vec![bad(keys, "59 s after exp", &revoked, "token_revoked")],
        ),
        step(
            START + 74,
            vec![answer(START + 35, START + 70)],
            vec![bad(keys, "64 s after exp", &revoked, "expired")],
        ),
    ];
    case(
        keys,
        "an entry counts for 60 s after its until, as a token does after its exp",
        steps,
    )
}

fn withdrawn_key(keys: &Keys) -> Steps {
    let by_other = |since: u64, until: u64, entries: Value| {
        fetch(
            since,
            document(&keys.other, &payload(since, until, entries)),
        )
    };
    let accepted = Judged {
        name: "by a key in use".to_owned(),
        token: token(&keys.other, &claims()),
        expected: Outcome::Accept { claims: claims() },
    };
    let withdrawn = json!([entry("key", keys.other.kid.as_str(), LONG, json!({}))]);
    let revoked = || bad_by(&keys.other, "the same token", &claims(), "withdrawn_key");
    let own = json!([
        entry("token", "token-1", LONG, json!({})),
        entry("key", keys.other.kid.as_str(), LONG, json!({}))
    ]);
    let mut steps = vec![
        step(START, vec![by_other(0, START, json!([]))], vec![accepted]),
        step(
            START + 5,
            vec![by_other(START - 30, START + 5, own)],
            vec![good(
                keys,
                "a document that names its own key is not believed",
                claims(),
            )],
        ),
        step(
            START + 10,
            vec![fetch(
                START - 30,
                document(&keys.eddsa, &payload(START - 30, START + 10, withdrawn)),
            )],
            vec![revoked()],
        ),
    ];
    let silent = json!([entry("grant", "grant-1", LONG, json!({}))]);
    steps.push(step(
        START + 15,
        vec![by_other(START - 20, START + 15, silent)],
        vec![
            good(
                keys,
                "a document by the withdrawn key is not believed",
                claims(),
            ),
            revoked(),
        ],
    ));
    let old = long_lived(&claims());
    steps.push(step(
        START + 131,
        vec![by_other(START - 20, START + 130, json!([]))],
        vec![bad(
            keys,
            "nor does it make the view newer",
            &old,
            "unavailable",
        )],
    ));
    case(
        keys,
        "a withdrawn signing key: its tokens, those accepted before too, and its documents",
        steps,
    )
}

fn new_key(keys: &Keys) -> Steps {
    let by_next = |until: u64| {
        let entries = json!([entry("token", "token-1", LONG, json!({}))]);
        fetch(
            START - 30,
            document(&keys.next, &payload(START - 30, until, entries)),
        )
    };
    let mut jwks = keys.published();
    jwks["keys"]
        .as_array_mut()
        .expect("an array")
        .push(json!(keys.next.jwk));
    let mut published = step(
        START + 6,
        vec![by_next(START + 5)],
        vec![bad(keys, "revoked", &claims(), "token_revoked")],
    );
    published.jwks = Some(jwks);
    let steps = vec![
        step(
            START,
            vec![first(keys, json!([]))],
            vec![good(keys, "a token", claims())],
        ),
        step(
            START + 5,
            vec![by_next(START + 5)],
            vec![good(keys, "its key is not published yet", claims())],
        ),
        published,
    ];
    case(
        keys,
        "a document by a new key: the keys are fetched again at once, the document again after 1 s",
        steps,
    )
}

fn bad_documents(keys: &Keys) -> Steps {
    let revokes = json!([entry("token", "token-1", LONG, json!({}))]);
    let good_payload = |until: u64| payload(START - 30, until, revokes.clone());
    let mut foreign = good_payload(START + 5);
    foreign["iss"] = json!("https://other.example");
    let mut expired = good_payload(START - 60);
    expired["until"] = json!(START - 30);
    expired["exp"] = json!(START - 50);
    let mut gap = good_payload(START + 15);
    gap["from"] = json!(START - 29);
    let forged = {
        let header =
            json!({ "alg": "EdDSA", "typ": "tokensmith-revocations+jwt", "kid": keys.eddsa.kid });
        signed(&keys.stranger, &header, &good_payload(START + 20))
    };
    let wrong_type = token(&keys.eddsa, &good_payload(START + 25));
    let mut steps = vec![step(
        START,
        vec![first(keys, json!([]))],
        vec![good(keys, "a token", claims())],
    )];
    for (seconds, name, bad_document) in [
        (5, "of another issuer", document(&keys.eddsa, &foreign)),
        (10, "expired", document(&keys.eddsa, &expired)),
        (15, "with a gap", document(&keys.eddsa, &gap)),
        (20, "with a bad signature", forged),
        (25, "with the type of a token", wrong_type),
        (30, "not a JWS", "<html></html>".to_owned()),
    ] {
        let name = format!("the view is as it was after a document {name}");
        steps.push(step(
            START + seconds,
            vec![fetch(START - 30, bad_document)],
            vec![good(keys, &name, claims())],
        ));
    }
    let last = fetch(START - 30, document(&keys.eddsa, &good_payload(START + 35)));
    steps.push(step(
        START + 35,
        vec![last],
        vec![bad(
            keys,
            "and after a good one it is newer",
            &claims(),
            "token_revoked",
        )],
    ));
    case(
        keys,
        "nothing of a document that is refused is taken",
        steps,
    )
}

fn replay(keys: &Keys) -> Steps {
    let answer = |until: u64| {
        fetch(
            START - 30,
            document(&keys.eddsa, &payload(START - 30, until, json!([]))),
        )
    };
    let lived = || long_lived(&claims());
    let old = || {
        fetch(
            START - 20,
            document(&keys.eddsa, &payload(START - 20, START - 5, json!([]))),
        )
    };
    let steps = vec![
        step(
            START,
            vec![first(keys, json!([]))],
            vec![good(keys, "a token", lived())],
        ),
        step(
            START + 10,
            vec![answer(START + 10)],
            vec![good(keys, "a token", lived())],
        ),
        step(
            START + 15,
            vec![old()],
            vec![good(
                keys,
                "an older document does not take the view back",
                lived(),
            )],
        ),
        step(
            START + 40,
            vec![old()],
            vec![good(keys, "nor later", lived())],
        ),
    ];
    case(keys, "an older document that is replayed", steps)
}

fn stale(keys: &Keys, policy: &str) -> Steps {
    let lived = || long_lived(&claims());
    let revoked = claims_with(json!({ "jti": "t-1", "exp": START + 7200 }));
    let entries = json!([entry("token", "t-1", LONG, json!({}))]);
    let too_old = |name: &str| match policy {
        "open" => good(keys, name, lived()),
        _ => bad(keys, name, &lived(), "unavailable"),
    };
    let reason = if policy == "open" {
        "token_revoked"
    } else {
        "unavailable"
    };
    let since = START - 30;
    let answer = fetch(
        since,
        document(&keys.eddsa, &payload(since, START + 125, json!([]))),
    );
    let steps = vec![
        step(
            START,
            vec![first(keys, entries)],
            vec![good(keys, "a token", lived())],
        ),
        step(
            START + 5,
            vec![failed(since)],
            vec![good(keys, "the last view decides", lived())],
        ),
        step(
            START + 9,
            vec![],
            vec![good(
                keys,
                "nobody asks again before the interval is over",
                lived(),
            )],
        ),
        step(
            START + 120,
            vec![failed(since)],
            vec![
                good(keys, "it is 120 s old", lived()),
                bad(keys, "revoked", &revoked, "token_revoked"),
            ],
        ),
        step(
            START + 125,
            vec![failed(since)],
            vec![
                too_old("it is 125 s old"),
                bad(keys, "revoked, when it is 125 s old", &revoked, reason),
                bad(
                    keys,
                    "expired, whatever is known",
                    &claims_with(json!({ "exp": START })),
                    "expired",
                ),
            ],
        ),
        step(
            START + 130,
            vec![answer],
            vec![good(keys, "the issuer answers again", lived())],
        ),
    ];
    let mut case = case(
        keys,
        &format!("the issuer is out of reach, and the policy is {policy}"),
        steps,
    );
    case.stale = policy.to_owned();
    case
}

fn cold(keys: &Keys, policy: &str) -> Steps {
    let judged = match policy {
        "open" => good(keys, "without any view", claims()),
        _ => bad(keys, "without any view", &claims(), "unavailable"),
    };
    let revokes = json!([entry("token", "token-1", LONG, json!({}))]);
    let answer = fetch(0, document(&keys.eddsa, &payload(0, START + 5, revokes)));
    let steps = vec![
        step(START, vec![failed(0)], vec![judged]),
        step(
            START + 5,
            vec![answer],
            vec![bad(
                keys,
                "with the first document",
                &claims(),
                "token_revoked",
            )],
        ),
    ];
    let mut case = case(
        keys,
        &format!("the first fetch fails, and the policy is {policy}"),
        steps,
    );
    case.stale = policy.to_owned();
    case
}

fn frozen(keys: &Keys) -> Steps {
    let lived = || long_lived(&claims());
    let (since, now) = (START - 30, START + 3600);
    let revokes = json!([entry("grant", "grant-1", LONG, json!({}))]);
    let answer = fetch(since, document(&keys.eddsa, &payload(since, now, revokes)));
    let steps = vec![
        step(
            START,
            vec![first(keys, json!([]))],
            vec![good(keys, "a token", lived())],
        ),
        step(
            now,
            vec![answer],
            vec![bad(
                keys,
                "the first request after an hour",
                &lived(),
                "grant_revoked",
            )],
        ),
    ];
    case(
        keys,
        "a process that was frozen for an hour renews the view before the verdict",
        steps,
    )
}
