//! An issuer that does not answer, and a verifier that was not running.

use super::*;

pub(super) fn stale(keys: &Keys, policy: &str) -> Steps {
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

pub(super) fn cold(keys: &Keys, policy: &str) -> Steps {
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

pub(super) fn frozen(keys: &Keys) -> Steps {
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
