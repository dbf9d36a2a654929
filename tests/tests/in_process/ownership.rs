//! Invariant 14: nobody uses a table that names another owner, and it costs nothing to see that.

use tokensmith_issuer::admin::{SettleError, settle, take_over};
use tokensmith_issuer::store::records::Settings;
use tokensmith_tests::authorizer::new_authorizer;
use tokensmith_tests::{HttpRequest, InProcess};

fn other(issuer: &InProcess) -> Settings {
    Settings {
        issuer: "https://other.example".parse().expect("a URL"),
        ..issuer.config.owner()
    }
}

/// Whatever needs the table is 503, once a copy of the keys has expired.
#[tokio::test]
async fn a_table_that_was_given_away_is_noticed_within_the_cache_time() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    let tokens = issuer.refresh(&client, &grant.token).await;
    let (access, refresh) = (tokens.access_token(), tokens.refresh_token());
    let given = take_over(issuer.table(), &other(&issuer)).await;
    assert_eq!(given.expect("it is given"), Some(issuer.config.owner()));
    issuer.pass(issuer.config.cache_ttl.as_secs() - 1);
    assert_eq!(issuer.client_credentials(&client).await.status, 200);
    issuer.pass(1);
    let before = issuer.items().await;
    let requests = [
        HttpRequest::client_credentials(&client),
        HttpRequest::refresh(&client, &refresh),
        HttpRequest::introspect(&client, &refresh),
        HttpRequest::introspect(&client, &access),
        HttpRequest::revoke(&client, &refresh),
        HttpRequest::revoke(&client, &access),
        HttpRequest::get("/oauth2/revocations"),
        HttpRequest::get("/.well-known/jwks.json"),
    ];
    for request in &requests {
        let answer = issuer.send(request).await;
        answer.assert_unavailable();
    }
    assert_eq!(issuer.items().await, before);
    // It is given back, and everything works again at once.
    let given = take_over(issuer.table(), &issuer.config.owner()).await;
    assert_eq!(given.expect("it is given"), Some(other(&issuer)));
    for request in &requests {
        let answer = issuer.send(request).await;
        assert_eq!(answer.status, 200, "{request:?}: {}", answer.body);
    }
}

/// The query for the keys brings the owner too.
#[tokio::test]
async fn a_cold_function_reads_whose_the_table_is_at_no_cost() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let cold = issuer.cold().await;
    assert_eq!(cold.client_credentials(&client).await.status, 200);
    let calls = cold.dynamo.take_calls();
    let expected = ["Query", "GetItem", "GetItem"];
    assert_eq!(calls, expected, "keys with their owner, client, resource");
}

#[tokio::test]
async fn settings_are_written_once() {
    let issuer = InProcess::start().await;
    let before = issuer.items().await;
    let own = issuer.config.owner();
    settle(issuer.table(), &own).await.expect("it is its own");
    let foreign = settle(issuer.table(), &other(&issuer)).await;
    assert!(
        matches!(foreign, Err(SettleError::Foreign(_))),
        "{foreign:?}"
    );
    let mut wrapped = own.clone();
    wrapped.wrapping_key = Some("arn:aws:kms:us-east-1:111122223333:key/1".to_owned());
    let foreign = settle(issuer.table(), &wrapped).await;
    assert!(
        matches!(foreign, Err(SettleError::Foreign(_))),
        "{foreign:?}"
    );
    assert_eq!(issuer.items().await, before);
}

/// It knows no wrapping key, so that any one is right.
#[tokio::test]
async fn an_authorizer_uses_the_table_of_its_issuer_alone() {
    let issuer = InProcess::start().await;
    let mut wrapped = issuer.config.owner();
    wrapped.wrapping_key = Some("arn:aws:kms:us-east-1:111122223333:key/1".to_owned());
    take_over(issuer.table(), &wrapped).await.expect("given");
    let authorizer = new_authorizer(&issuer, issuer.dynamo.clone(), |_| {}).await;
    authorizer.warm_up().await.expect("it is warm");
    let authorizer = new_authorizer(&issuer, issuer.dynamo.clone(), |config| {
        config.issuer = other(&issuer).issuer;
    });
    let refused = authorizer.await.warm_up().await.expect_err("it is foreign");
    let reason = refused.to_string();
    for named in ["https://issuer.example", "https://other.example"] {
        assert!(reason.contains(named), "{reason}");
    }
}
