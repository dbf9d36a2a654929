//! API keys in place of tokens: what is accepted, what it costs, and when a key ends.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokensmith_authorizer::Authorizer;
use tokensmith_issuer::admin::{CreatedApiKey, NewApiKey};
use tokensmith_local::make_table;
use tokensmith_tests::faults::Fault;
use tokensmith_tests::records::new_api_key;

use super::support::{Gate, INTERVAL, Kind, Verdict, decide, refused};

const HOUR: u64 = 60 * 60;
const DAY: u64 = 24 * HOUR;

impl Gate {
    /// An API key of the client for the API, with the scope `a`.
    pub async fn key(&self, change: impl FnOnce(&mut NewApiKey)) -> CreatedApiKey {
        let mut wanted = new_api_key(self.client.client_id());
        change(&mut wanted);
        let created = self.issuer.administrator().create_api_key(wanted).await;
        created.expect("a key").outcome
    }

    /// A warm authorizer that takes keys.
    async fn taking_keys(&self, kind: Kind) -> Authorizer {
        self.with_keys(self.authorizer(kind, |_| {}).await).await
    }

    /// The same authorizer, which takes keys.
    pub async fn with_keys(&self, authorizer: Authorizer) -> Authorizer {
        let table = make_table(self.issuer.dynamo.clone()).await;
        self.issuer.dynamo.take_calls();
        authorizer.taking_api_keys(table.expect("the table"))
    }
}

/// The event of a request with the key in `x-api-key`, and without `Authorization`.
fn with_header(kind: Kind, key: &str) -> Value {
    let mut event = kind.event("");
    for headers in ["headers", "multiValueHeaders"] {
        if event[headers].is_object() {
            event[headers] = match headers {
                "headers" => json!({ "X-Api-Key": key }),
                _ => json!({ "X-Api-Key": [key] }),
            };
        }
    }
    event
}

pub fn bearer(kind: Kind, key: &CreatedApiKey) -> Value {
    kind.event(&format!("Bearer {}", key.secret.expose_secret()))
}

#[tokio::test]
async fn a_key_is_let_through_as_a_token_is_and_the_api_is_told_the_same() {
    for kind in Kind::ALL {
        let gate = Gate::new().await;
        let key = gate.key(|_| {}).await;
        let authorizer = gate.taking_keys(kind).await;
        let mut events = vec![bearer(kind, &key)];
        match kind {
            // The API has chosen `x-api-key` as the header.
            Kind::RestToken => events.push(kind.event(key.secret.expose_secret())),
            _ => events.push(with_header(kind, key.secret.expose_secret())),
        }
        for event in events {
            let expected = json!({
                "sub": "app", "client_id": "app", "scope": "a", "key_id": key.key.id,
            });
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, Verdict::Passes(expected), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_known_key_costs_no_call_and_its_first_use_one_read_of_it() {
    let gate = Gate::new().await;
    let kind = Kind::HttpSimple;
    let (first, second) = (gate.key(|_| {}).await, gate.key(|_| {}).await);
    let authorizer = gate.taking_keys(kind).await;
    // The view of revocations is warm.
    let token = kind.event(&format!("Bearer {}", gate.token().await));
    assert!(decide(&authorizer, kind, &token).await.passes());
    gate.issuer.dynamo.take_calls();
    let calls = async |event: &Value| {
        assert!(decide(&authorizer, kind, event).await.passes());
        gate.issuer.dynamo.take_calls()
    };
    // The key, its client with the resource; and that it is used, once a day.
    let (first, second) = (bearer(kind, &first), bearer(kind, &second));
    assert_eq!(
        calls(&first).await,
        ["GetItem", "BatchGetItem", "UpdateItem"]
    );
    assert_eq!(calls(&first).await, [""; 0]);
    // The client is known.
    assert_eq!(calls(&second).await, ["GetItem", "UpdateItem"]);
    assert_eq!(calls(&second).await, [""; 0]);
    // And the next day.
    gate.issuer.pass(HOUR + INTERVAL);
    assert_eq!(calls(&first).await, ["GetItem", "BatchGetItem", "Query"]);
}

#[tokio::test]
async fn invariant_12_a_strangers_key_costs_one_read_at_most() {
    let gate = Gate::new().await;
    let kind = Kind::HttpSimple;
    let key = gate.key(|_| {}).await;
    let authorizer = gate.taking_keys(kind).await;
    let unknown = tokensmith_issuer::credential::ApiKeySecret::generate();
    let own = key.secret.expose_secret();
    let mixed = format!("{}{}", &own[..23], &unknown.expose_secret()[23..66]);
    let mixed = tokensmith_tests::forge::with_checksum(&mixed);
    for (text, calls) in [
        (unknown.expose_secret(), vec!["GetItem"]),
        (mixed.as_str(), vec!["GetItem"]),
        (&own[..own.len() - 1], vec![]),
        ("tksmk_", vec![]),
    ] {
        gate.issuer.dynamo.take_calls();
        let verdict = decide(&authorizer, kind, &with_header(kind, text)).await;
        assert_eq!(verdict, refused(kind));
        assert_eq!(gate.issuer.dynamo.take_calls(), calls);
    }
}

#[tokio::test]
async fn invariant_4_the_end_of_a_key_is_seen_within_the_interval() {
    for kind in Kind::ALL {
        for what in ["revoked", "replaced", "client revoked", "client disabled"] {
            let gate = Gate::new().await;
            let key = gate.key(|_| {}).await;
            let authorizer = gate.taking_keys(kind).await;
            let event = bearer(kind, &key);
            assert!(decide(&authorizer, kind, &event).await.passes(), "{kind:?}");
            end(&gate, what, &key).await;
            gate.issuer.pass(INTERVAL);
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, refused(kind), "{kind:?} {what}");
            // For one that has never seen it, too.
            let cold = gate.taking_keys(kind).await;
            assert_eq!(
                decide(&cold, kind, &event).await,
                refused(kind),
                "{kind:?} {what}"
            );
        }
    }
}

async fn end(gate: &Gate, what: &str, key: &CreatedApiKey) {
    let (admin, id) = (gate.issuer.administrator(), &key.key.id);
    let client = gate.client.client_id();
    match what {
        "revoked" => drop(admin.revoke_api_key(id).await.expect("it is revoked")),
        "replaced" => {
            let rotated = admin.rotate_api_key(id, Duration::ZERO, None).await;
            drop(rotated.expect("it is replaced"));
        }
        "client revoked" => drop(admin.revoke_client(client).await.expect("it is revoked")),
        _ => drop(admin.disable_client(&client).await.expect("it is disabled")),
    }
}

/// A function that was frozen has seen nothing of the feed meanwhile.
#[tokio::test]
async fn invariant_4_an_authorizer_that_was_frozen_for_however_long_refuses_an_ended_key() {
    let kind = Kind::HttpSimple;
    for frozen_for in [INTERVAL, HOUR - 1, HOUR + 1, DAY, 3 * DAY, 80 * DAY] {
        for what in ["revoked", "replaced", "client revoked", "client disabled"] {
            let gate = Gate::new().await;
            let key = gate.key(|_| {}).await;
            let authorizer = gate.taking_keys(kind).await;
            let event = bearer(kind, &key);
            assert!(decide(&authorizer, kind, &event).await.passes());
            end(&gate, what, &key).await;
            gate.issuer.pass(frozen_for);
            let verdict = decide(&authorizer, kind, &event).await;
            assert_eq!(verdict, refused(kind), "{what}, frozen for {frozen_for} s");
        }
    }
}

#[tokio::test]
async fn a_replaced_key_passes_until_its_overlap_ends_also_with_the_tokens_of_it() {
    let gate = Gate::new().await;
    let kind = Kind::HttpSimple;
    let old = gate.key(|_| {}).await;
    let authorizer = gate.taking_keys(kind).await;
    let exchange = tokensmith_tests::HttpRequest::exchange(old.secret.expose_secret());
    let token = gate.issuer.send(&exchange).await.access_token();
    let events = [bearer(kind, &old), kind.event(&format!("Bearer {token}"))];
    for event in &events {
        assert!(decide(&authorizer, kind, event).await.passes());
    }
    let admin = gate.issuer.administrator();
    let rotated = admin.rotate_api_key(&old.key.id, Duration::from_secs(60), None);
    let new = rotated.await.expect("it is replaced").outcome.created;
    gate.issuer.pass(59);
    for event in [&events[0], &events[1], &bearer(kind, &new)] {
        assert!(decide(&authorizer, kind, event).await.passes());
    }
    gate.issuer.pass(1);
    for event in &events {
        assert_eq!(decide(&authorizer, kind, event).await, refused(kind));
    }
    assert!(
        decide(&authorizer, kind, &bearer(kind, &new))
            .await
            .passes()
    );
    // The revocation of a key whose end was announced comes at once.
    let rotated = admin.rotate_api_key(&new.key.id, Duration::from_secs(HOUR), None);
    rotated.await.expect("it is replaced");
    gate.issuer.pass(INTERVAL);
    assert!(
        decide(&authorizer, kind, &bearer(kind, &new))
            .await
            .passes()
    );
    admin
        .revoke_api_key(&new.key.id)
        .await
        .expect("it is revoked");
    gate.issuer.pass(INTERVAL);
    assert_eq!(
        decide(&authorizer, kind, &bearer(kind, &new)).await,
        refused(kind)
    );
}

#[tokio::test]
async fn of_several_credentials_none_counts() {
    let gate = Gate::new().await;
    let (key, token) = (gate.key(|_| {}).await, gate.token().await);
    let key = key.secret.expose_secret();
    for kind in Kind::with_headers() {
        let authorizer = gate.taking_keys(kind).await;
        let event = |headers: Value| {
            let several = headers.as_object().expect("headers").iter();
            let several = several.map(|(name, value)| (name.clone(), json!([value])));
            let several: Value = several.collect::<serde_json::Map<_, _>>().into();
            let mut event = kind.event("");
            event["headers"] = headers;
            if event["multiValueHeaders"].is_object() {
                event["multiValueHeaders"] = several;
            }
            event
        };
        let bearer = format!("Bearer {token}");
        let both = event(json!({ "authorization": bearer, "x-api-key": key }));
        assert_eq!(
            decide(&authorizer, kind, &both).await,
            refused(kind),
            "{kind:?}"
        );
        let twice = event(json!({ "x-api-key": key, "X-API-Key": key }));
        assert_eq!(
            decide(&authorizer, kind, &twice).await,
            refused(kind),
            "{kind:?}"
        );
        // A key of API Gateway's own usage plans is none of ours; and what is not a bearer token may be for the API.
        let foreign = event(json!({ "authorization": bearer, "x-api-key": "aws-usage-plan-key" }));
        assert!(
            decide(&authorizer, kind, &foreign).await.passes(),
            "{kind:?}"
        );
        let basic = event(json!({ "authorization": "Basic eDp5", "x-api-key": key }));
        assert!(decide(&authorizer, kind, &basic).await.passes(), "{kind:?}");
    }
}

#[tokio::test]
async fn a_key_is_used_only_from_its_addresses() {
    let gate = Gate::new().await;
    let range = |text: &str| text.parse().expect("a range");
    let within =
        gate.key(|key| key.sources = vec![range("198.51.100.0/24"), range("203.0.113.7/32")]);
    let within = within.await;
    let beyond = gate
        .key(|key| key.sources = vec![range("203.0.113.8/32")])
        .await;
    for kind in Kind::ALL {
        let authorizer = gate.taking_keys(kind).await;
        let verdict = decide(&authorizer, kind, &bearer(kind, &within)).await;
        // TOKEN authorizers are not told where a request comes from.
        assert_eq!(verdict.passes(), kind != Kind::RestToken, "{kind:?}");
        let verdict = decide(&authorizer, kind, &bearer(kind, &beyond)).await;
        assert_eq!(verdict, refused(kind), "{kind:?}");
    }
}

#[tokio::test]
async fn invariant_5_a_key_opens_its_resource_and_its_scopes_and_nothing_else() {
    let gate = Gate::new().await;
    let routes = json!({ "GET /orders/{id}": "a", "GET /orders": "b" });
    for kind in Kind::ALL {
        let authorizer = gate.guarding(kind, &routes).await;
        let authorizer = gate.with_keys(authorizer).await;
        let key = gate.key(|_| {}).await;
        assert!(
            decide(&authorizer, kind, &bearer(kind, &key))
                .await
                .passes()
        );
        let text = format!("Bearer {}", key.secret.expose_secret());
        let event = kind.event_of(&text, "GET /orders", "GET /orders");
        assert_eq!(
            decide(&authorizer, kind, &event).await,
            Verdict::Forbidden,
            "{kind:?}"
        );
    }
    let other = "https://other.example/";
    let add = |client: &mut tokensmith_issuer::store::records::Client| {
        client.audiences.push(other.parse().expect("an audience"));
    };
    gate.issuer.change_client(&gate.client, add).await;
    let key = gate
        .key(|key| key.resource = Some(other.parse().expect("a URI")))
        .await;
    let kind = Kind::HttpSimple;
    let authorizer = gate.taking_keys(kind).await;
    assert_eq!(
        decide(&authorizer, kind, &bearer(kind, &key)).await,
        refused(kind)
    );
}

#[tokio::test]
async fn an_authorizer_takes_no_key_unless_it_is_told_to() {
    let gate = Gate::new().await;
    let key = gate.key(|_| {}).await;
    for kind in Kind::ALL {
        let authorizer = gate.authorizer(kind, |_| {}).await;
        for event in [
            bearer(kind, &key),
            with_header(kind, key.secret.expose_secret()),
        ] {
            assert_eq!(
                decide(&authorizer, kind, &event).await,
                refused(kind),
                "{kind:?}"
            );
        }
        assert_eq!(gate.issuer.dynamo.take_calls(), [""; 0], "{kind:?}");
    }
}

#[tokio::test]
async fn a_use_that_cannot_be_noted_stops_nobody_and_is_not_tried_again_at_once() {
    let gate = Gate::new().await;
    let kind = Kind::HttpSimple;
    let key = gate.key(|_| {}).await;
    let authorizer = gate.taking_keys(kind).await;
    let dynamo = &gate.issuer.dynamo;
    dynamo.plan_for("UpdateItem", [Some(Fault::Before)]);
    for _ in 0..2 {
        assert!(
            decide(&authorizer, kind, &bearer(kind, &key))
                .await
                .passes()
        );
    }
    let calls = dynamo.take_calls();
    let writes = calls.iter().filter(|call| *call == "UpdateItem");
    assert_eq!(writes.count(), 1, "{calls:?}");
}

#[tokio::test]
async fn invariant_9_a_key_that_cannot_be_judged_is_an_error_and_not_let_through() {
    let gate = Gate::new().await;
    let key = gate.key(|_| {}).await;
    for kind in Kind::ALL {
        let authorizer = gate.taking_keys(kind).await;
        gate.issuer.dynamo.outage(Some(Fault::Before));
        let verdict = decide(&authorizer, kind, &bearer(kind, &key)).await;
        assert_eq!(verdict, Verdict::Failed, "{kind:?}");
        gate.issuer.dynamo.outage(None);
        gate.issuer.pass(INTERVAL);
        let verdict = decide(&authorizer, kind, &bearer(kind, &key)).await;
        assert!(verdict.passes(), "{kind:?}: {verdict:?}");
    }
}

/// The index has a capacity of its own: while it is throttled, the table still says which keys have ended.
#[tokio::test]
async fn invariant_4_a_throttled_index_hides_no_end_of_a_key() {
    let gate = Gate::new().await;
    let kind = Kind::HttpSimple;
    let (ended, other) = (gate.key(|_| {}).await, gate.key(|_| {}).await);
    let authorizer = gate.taking_keys(kind).await;
    for key in [&ended, &other] {
        assert!(decide(&authorizer, kind, &bearer(kind, key)).await.passes());
    }
    end(&gate, "revoked", &ended).await;
    gate.issuer.dynamo.throttle_index(true);
    gate.issuer.pass(INTERVAL);
    assert_eq!(
        decide(&authorizer, kind, &bearer(kind, &ended)).await,
        refused(kind)
    );
    assert!(
        decide(&authorizer, kind, &bearer(kind, &other))
            .await
            .passes()
    );
}
