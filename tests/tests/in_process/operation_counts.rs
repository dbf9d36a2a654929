//! What a request costs: DynamoDB operations and bytes (one strongly consistent read, one
//! conditional write; a malformed credential costs no call).

use serde_json::Value;
use tokensmith_tests::assertion::{OwnKey, assertion_claims_at};
use tokensmith_tests::forge::with_checksum;
use tokensmith_tests::{InProcess, TestClient, TestGrant};
use tokensmith_verifier::jose::SignatureAlgorithm;
use tokensmith_verifier::paths;

/// A warm issuer: keys and the client's record are cached, and the clock stands still.
async fn warm() -> (InProcess, TestClient, TestGrant) {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let warming = issuer.grant(&client, |_| {}).await;
    assert_eq!(issuer.refresh(&client, &warming.token).await.status, 200);
    let grant = issuer.grant(&client, |_| {}).await;
    issuer.dynamo.take_calls();
    (issuer, client, grant)
}

#[tokio::test]
async fn a_refresh_is_one_batch_get_item_and_one_update_item() {
    let (issuer, client, grant) = warm().await;
    for path in [paths::TOKEN, paths::REFRESH] {
        let current = issuer.stored(&grant).await.generation;
        let token = issuer.credential(&grant, current, 1).await;
        let form = [("grant_type", "refresh_token"), ("refresh_token", &token)];
        assert_eq!(issuer.post(path, &client, &form).await.status, 200);
        assert_eq!(issuer.dynamo.take_calls(), ["BatchGetItem", "UpdateItem"]);
    }
}

/// What is limited costs one write for each lease, and what is not limited costs nothing.
#[tokio::test]
async fn a_limit_costs_one_update_item_for_each_lease_and_no_limit_nothing() {
    let (issuer, client, grant) = warm().await;
    let refresh: &[&str] = &["BatchGetItem", "UpdateItem"];
    let refresh_of_limited: &[&str] = &["BatchGetItem", "UpdateItem", "UpdateItem"];
    let mut token = grant.token;
    for (limit, own, refreshes) in [
        (None, &[][..], refresh),
        (Some("1000/1h"), &["UpdateItem"], refresh_of_limited),
        // Of the second lease, nine are left.
        (Some("1001/1h"), &[], refresh),
    ] {
        issuer
            .change_client(&client, |record| {
                record.limit = limit.map(|one| one.parse().expect("a limit"))
            })
            .await;
        issuer.issuer.forget_cached();
        assert_eq!(issuer.client_credentials(&client).await.status, 200);
        token = issuer.refresh(&client, &token).await.refresh_token();
        issuer.dynamo.take_calls();
        assert_eq!(issuer.client_credentials(&client).await.status, 200);
        assert_eq!(issuer.dynamo.take_calls(), own, "{limit:?}");
        token = issuer.refresh(&client, &token).await.refresh_token();
        assert_eq!(issuer.dynamo.take_calls(), refreshes, "{limit:?}");
    }
}

#[tokio::test]
async fn the_read_is_strongly_consistent_and_finds_grant_and_subject() {
    let (issuer, client, grant) = warm().await;
    issuer.refresh(&client, &grant.token).await;
    let attempts = issuer.dynamo.take_attempts();
    let asked = &attempts[0].json()["RequestItems"]["tokensmith"];
    assert_eq!(asked["ConsistentRead"], true);
    let keys = asked["Keys"].as_array().expect("keys");
    let pk = |key: &Value| key["pk"]["S"].as_str().expect("text").to_owned();
    let subject = format!("SUBJECT#{}", grant.id.subject_hash());
    assert_eq!(
        keys.iter().map(pk).collect::<Vec<_>>(),
        [format!("GRANT#{}", grant.id), subject]
    );
}

/// The condition that the model in `interleavings.rs` assumes.
#[tokio::test]
async fn the_write_is_conditional_on_the_generation_and_on_no_revocation() {
    let (issuer, client, grant) = warm().await;
    issuer.refresh(&client, &grant.token).await;
    let attempts = issuer.dynamo.take_attempts();
    let body = attempts[1].json();
    let condition = body["ConditionExpression"].as_str().expect("a condition");
    let parts: Vec<_> = condition.split(" AND ").collect();
    let [exists, equal, absent] = parts[..] else {
        panic!("{condition}");
    };
    assert_eq!(exists, "attribute_exists(#pk)");
    let value = equal.strip_prefix("#generation = ").expect("an equation");
    assert_eq!(body["ExpressionAttributeValues"][value]["N"], "1");
    assert_eq!(absent, "attribute_not_exists(#revoked_at)");
    assert_eq!(body["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
    assert_eq!(body["Key"]["pk"]["S"], format!("GRANT#{}", grant.id));
    for (placeholder, name) in body["ExpressionAttributeNames"].as_object().expect("names") {
        assert_eq!(placeholder, &format!("#{}", name.as_str().expect("text")));
    }
}

#[tokio::test]
async fn the_retry_of_a_predecessor_is_one_read() {
    let (issuer, client, grant) = warm().await;
    issuer.refresh(&client, &grant.token).await;
    issuer.dynamo.take_calls();
    for _ in 0..3 {
        assert_eq!(issuer.refresh(&client, &grant.token).await.status, 200);
        assert_eq!(issuer.dynamo.take_calls(), ["BatchGetItem"]);
    }
}

#[tokio::test]
async fn reuse_is_one_read_and_one_write_and_the_next_time_no_write() {
    let (issuer, client, grant) = warm().await;
    let second = issuer.refresh(&client, &grant.token).await.refresh_token();
    issuer.refresh(&client, &second).await;
    issuer.dynamo.take_calls();
    issuer.refresh(&client, &grant.token).await;
    assert_eq!(issuer.dynamo.take_calls(), ["BatchGetItem", "UpdateItem"]);
    // A refusal on cached records of client and resource is checked once a second against the table.
    issuer.refresh(&client, &grant.token).await;
    let calls = issuer.dynamo.take_calls();
    assert_eq!(calls, ["BatchGetItem", "GetItem", "GetItem"]);
    issuer.refresh(&client, &grant.token).await;
    assert_eq!(issuer.dynamo.take_calls(), ["BatchGetItem"]);
}

#[tokio::test]
async fn a_revocation_is_one_write() {
    let (issuer, client, grant) = warm().await;
    let answer = issuer.refresh(&client, &grant.token).await;
    issuer.dynamo.take_calls();
    issuer.revoke(&client, &answer.access_token()).await;
    assert_eq!(issuer.dynamo.take_calls(), ["PutItem"]);
    issuer.revoke(&client, &answer.refresh_token()).await;
    assert_eq!(issuer.dynamo.take_calls(), ["UpdateItem"]);
}

#[tokio::test]
async fn introspection_of_an_access_token_is_one_read() {
    let (issuer, client, grant) = warm().await;
    let answer = issuer.refresh(&client, &grant.token).await;
    let own = issuer.client_credentials(&client).await;
    issuer.dynamo.take_calls();
    for (token, keys) in [(answer.access_token(), 4), (own.access_token(), 3)] {
        assert!(issuer.is_active(&client, &token).await);
        let attempts = issuer.dynamo.take_attempts();
        let [read] = &attempts[..] else {
            panic!("{attempts:?}");
        };
        assert_eq!(read.operation, "BatchGetItem");
        let asked = &read.json()["RequestItems"]["tokensmith"];
        assert_eq!(asked["ConsistentRead"], true);
        assert_eq!(asked["Keys"].as_array().expect("keys").len(), keys);
    }
    // Only the grant tells whose refresh token it is, so the client's record is a second read.
    assert!(issuer.is_active(&client, &answer.refresh_token()).await);
    assert_eq!(issuer.dynamo.take_calls(), ["BatchGetItem", "GetItem"]);
}

/// A warm issuer with a client that signs.
async fn warm_signing() -> (InProcess, TestClient, OwnKey) {
    let (issuer, ..) = warm().await;
    let key = OwnKey::new(SignatureAlgorithm::ES256);
    let client = issuer.signing("signs", &key).await;
    let form = [("grant_type", "client_credentials")];
    let assertion = key.assertion(&client, &issuer);
    let answer = issuer.post_asserted(paths::TOKEN, &form, &assertion).await;
    assert_eq!(answer.status, 200);
    issuer.dynamo.take_calls();
    (issuer, client, key)
}

#[tokio::test]
async fn an_assertion_costs_one_put_item_besides() {
    let (issuer, client, key) = warm_signing().await;
    let grant = issuer.grant(&client, |_| {}).await;
    let cost = async |path: &str, form: &[(&str, &str)], expected: &[&str]| {
        let assertion = key.assertion(&client, &issuer);
        let answer = issuer.post_asserted(path, form, &assertion).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_eq!(issuer.dynamo.take_calls(), expected, "{path}");
        answer
    };
    let own = [("grant_type", "client_credentials")];
    let answer = cost(paths::TOKEN, &own, &["PutItem"]).await;
    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", grant.token.as_str()),
    ];
    let read_claim_advance = ["BatchGetItem", "PutItem", "UpdateItem"];
    cost(paths::REFRESH, &refresh, &read_claim_advance).await;
    // The retry of a predecessor advances nothing.
    cost(paths::REFRESH, &refresh, &read_claim_advance[..2]).await;
    let token = answer.access_token();
    let token = [("token", token.as_str())];
    cost(paths::INTROSPECT, &token, &["PutItem", "BatchGetItem"]).await;
    cost(paths::REVOKE, &token, &["PutItem", "PutItem"]).await;
}

/// A refusal on a cached record is checked once a second against the table, as a wrong secret is.
#[tokio::test]
async fn a_refused_assertion_costs_one_read_a_second_and_a_malformed_one_nothing() {
    let (issuer, client, key) = warm_signing().await;
    let header = key.header();
    let own = ("grant_type", "client_credentials");
    issuer.pass(1);
    let foreign = OwnKey::new(SignatureAlgorithm::ES256);
    let (now, url) = (issuer.now().seconds(), issuer.config.issuer.as_str());
    let by = |key: &OwnKey, expires: u64| {
        let mut claims = assertion_claims_at(now, &client, url);
        claims["exp"] = expires.into();
        key.sign(&header, &claims)
    };
    let refused = [
        (foreign.assertion(&client, &issuer), vec![own], false),
        (by(&foreign, now + 300), vec![own], false),
        (by(&key, now - 300), vec![own], false),
        (by(&key, now + 300), vec![own, ("scope", "nobodys")], true),
    ];
    for (assertion, form, rests_on_the_resource) in &refused {
        // What a resource says may be newer, too.
        let read = match rests_on_the_resource {
            true => &["GetItem", "GetItem"][..],
            false => &["GetItem"],
        };
        for expected in [read, &[]] {
            let answer = issuer.post_asserted(paths::TOKEN, form, assertion).await;
            assert!(matches!(answer.status, 400 | 401), "{}", answer.body);
            assert_eq!(issuer.dynamo.take_calls(), expected, "{assertion}");
        }
        issuer.pass(1);
    }
    for malformed in ["x", "a.b.c", &key.sign(&header, &Value::Null)] {
        let answer = issuer.post_asserted(paths::TOKEN, &[own], malformed).await;
        assert_eq!(answer.status, 401);
        assert!(issuer.dynamo.take_calls().is_empty(), "{malformed}");
    }
}

/// A replay is found by the write that claims the assertion, which changes nothing.
#[tokio::test]
async fn a_replayed_assertion_costs_one_put_item_that_is_refused() {
    let (issuer, client, key) = warm_signing().await;
    let own = [("grant_type", "client_credentials")];
    let assertion = key.assertion(&client, &issuer);
    issuer.post_asserted(paths::TOKEN, &own, &assertion).await;
    let items = issuer.items().await;
    issuer.dynamo.take_calls();
    for _ in 0..3 {
        let answer = issuer.post_asserted(paths::TOKEN, &own, &assertion).await;
        assert_eq!(answer.error(), (401, "invalid_client".into()));
        assert_eq!(issuer.dynamo.take_calls(), ["PutItem"]);
    }
    assert_eq!(issuer.items().await, items);
}

#[tokio::test]
async fn garbage_costs_no_operation() {
    let (issuer, client, grant) = warm().await;
    let body = &grant.token[..grant.token.len() - 6];
    let other_tag = format!("{}{}", &body[..body.len() - 4], "AAAA");
    let access_token = issuer.client_credentials(&client).await.access_token();
    let (signed, _) = access_token.rsplit_once('.').expect("three parts");
    for garbage in [
        "x",
        "tksmr_",
        "tksmr_0000000000",
        &grant.token[1..],
        &grant.token[..grant.token.len() - 1],
        &with_checksum("tksmr_AAAA"),
        &with_checksum(&other_tag),
        &with_checksum(&body.replace("tksmr_", "tksma_")),
        "a.b.c",
        &format!("{signed}."),
        &format!("{signed}.AAAA"),
        &"x".repeat(60_000),
    ] {
        issuer.dynamo.take_calls();
        let refused = issuer.refresh(&client, garbage).await;
        assert_eq!(refused.error(), (400, "invalid_grant".into()), "{garbage}");
        assert!(!issuer.is_active(&client, garbage).await);
        assert_eq!(issuer.revoke(&client, garbage).await.status, 200);
        let calls = issuer.dynamo.take_calls();
        assert!(calls.is_empty(), "{garbage}: {calls:?}");
    }
}

/// Not even a cold function reads anything for a refresh token that cannot be one.
#[tokio::test]
async fn malformed_refresh_tokens_cost_a_cold_function_no_operation() {
    let (issuer, client, grant) = warm().await;
    let cold = issuer.cold().await;
    let relabelled = with_checksum(&format!("tksmd_{}", &grant.token[6..grant.token.len() - 6]));
    for garbage in ["x", &grant.token[1..], &relabelled] {
        assert_eq!(cold.refresh(&client, garbage).await.status, 400);
        assert!(issuer.dynamo.take_calls().is_empty(), "{garbage}");
    }
}

#[tokio::test]
async fn an_expired_access_token_costs_no_operation() {
    let (issuer, client, _) = warm().await;
    let token = issuer.client_credentials(&client).await.access_token();
    issuer.pass(900);
    // The caches are over: fill them again.
    issuer.client_credentials(&client).await;
    issuer.dynamo.take_calls();
    assert!(!issuer.is_active(&client, &token).await);
    assert!(issuer.dynamo.take_calls().is_empty());
}

#[tokio::test]
async fn a_flood_of_wrong_secrets_costs_one_read_a_second() {
    let (issuer, client, grant) = warm().await;
    let guessing = client.with_wrong_secret();
    for _ in 0..3 {
        issuer.pass(1);
        for attempt in 0..5 {
            issuer.dynamo.take_calls();
            let answer = issuer.refresh(&guessing, &grant.token).await;
            assert_eq!(answer.status, 401);
            let expected: &[&str] = if attempt == 0 { &["GetItem"] } else { &[] };
            assert_eq!(issuer.dynamo.take_calls(), expected);
        }
    }
}

#[tokio::test]
async fn a_cold_refresh_reads_keys_client_and_resource_once_besides() {
    let (issuer, client, grant) = warm().await;
    let cold = issuer.cold().await;
    let answer = cold.refresh(&client, &grant.token).await;
    assert_eq!(answer.status, 200);
    let calls = issuer.dynamo.take_calls();
    assert_eq!(
        calls,
        [
            "Query",
            "Query",
            "GetItem",
            "BatchGetItem",
            "GetItem",
            "UpdateItem"
        ]
    );
    cold.refresh(&client, &answer.refresh_token()).await;
    assert_eq!(issuer.dynamo.take_calls(), ["BatchGetItem", "UpdateItem"]);
}

/// From generation 100 on, because a digit more would be a byte more; the clock has ten digits all
/// the time.
#[tokio::test]
async fn the_first_and_the_fiftieth_refresh_send_the_same_number_of_bytes() {
    let (issuer, client, _) = warm().await;
    let grant = issuer.grant(&client, |grant| grant.generation = 100).await;
    let mut token = grant.token.clone();
    let mut sizes = Vec::new();
    for _ in 0..50 {
        issuer.dynamo.take_attempts();
        let answer = issuer.refresh(&client, &token).await;
        token = answer.refresh_token();
        let attempts = issuer.dynamo.take_attempts();
        let sent: Vec<_> = attempts.iter().map(|attempt| attempt.body.len()).collect();
        sizes.push((sent, answer.body.len()));
    }
    assert_eq!(issuer.stored(&grant).await.generation, 150);
    assert!(sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
}

/// A grant's item does not grow with its use.
#[tokio::test]
async fn the_record_of_the_fiftieth_generation_has_the_attributes_of_the_first() {
    let (issuer, client, grant) = warm().await;
    let key = format!("GRANT#{}/-", grant.id);
    let names = async || {
        let mut names: Vec<_> = issuer.items().await[&key].keys().cloned().collect();
        names.sort();
        names
    };
    let first = names().await;
    let items = issuer.items().await.len();
    let mut token = grant.token.clone();
    for _ in 0..50 {
        token = issuer.refresh(&client, &token).await.refresh_token();
    }
    assert_eq!(names().await, first);
    assert_eq!(issuer.items().await.len(), items);
}
