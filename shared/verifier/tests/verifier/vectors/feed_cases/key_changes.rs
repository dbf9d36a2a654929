//! Keys that are withdrawn, and new ones.

use super::*;

pub(super) fn withdrawn_key(keys: &Keys) -> Steps {
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

pub(super) fn new_key(keys: &Keys) -> Steps {
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
