//! What entries end, and until when.

use super::*;

pub(super) fn each_kind(keys: &Keys) -> Steps {
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

pub(super) fn parents_and_actors(keys: &Keys) -> Steps {
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

pub(super) fn unknown_kinds(keys: &Keys) -> Steps {
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

pub(super) fn later_until(keys: &Keys) -> Steps {
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

pub(super) fn ends_of_entries(keys: &Keys) -> Steps {
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
