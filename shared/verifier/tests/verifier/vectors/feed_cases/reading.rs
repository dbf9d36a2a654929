//! What is asked for, and which answers are taken.

use super::*;

pub(super) fn cursors(keys: &Keys) -> Steps {
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

pub(super) fn freshness(keys: &Keys) -> Steps {
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

pub(super) fn pages(keys: &Keys) -> Steps {
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

pub(super) fn bad_documents(keys: &Keys) -> Steps {
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

pub(super) fn replay(keys: &Keys) -> Steps {
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
