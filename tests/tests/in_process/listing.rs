//! Lists of clients and grants: what they read, and what they show.

use aws_sdk_dynamodb::types::AttributeValue;
use tokensmith_issuer::admin::{Administrator, GrantsOf};
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::records::FederationRule;
use tokensmith_local::dynamodb_client;
use tokensmith_tests::{InProcess, TestClient};

/// An operator whose calls are counted.
fn administrator(issuer: &InProcess) -> Administrator {
    let table = Table::new(dynamodb_client(issuer.dynamo.clone()), "tokensmith");
    let custody = issuer.direct.custody.clone();
    Administrator::new(
        issuer.config.clone(),
        table,
        custody.make,
        custody.open,
        std::sync::Arc::new(tokensmith_tests::TestOperator),
    )
}

/// The ids of the clients in the list, and how many records in it cannot be read.
async fn clients(admin: &Administrator, prefix: &str) -> (Vec<String>, usize) {
    let (mut ids, mut unreadable) = (Vec::new(), 0);
    let mut pages = admin.list_clients(prefix, None);
    while let Some(page) = pages.next().await.expect("a page") {
        for client in page {
            match client {
                Ok(client) => ids.push(client.id.to_string()),
                Err(_) => unreadable += 1,
            }
        }
    }
    (ids, unreadable)
}

async fn count_grants(admin: &Administrator, client: &TestClient) -> usize {
    let of = GrantsOf::Client(client.id.parse().expect("an id"));
    let mut pages = admin.list_grants(of, None).await.expect("a list");
    let mut count = 0;
    while let Some(page) = pages.next().await.expect("a page") {
        count += page.len();
    }
    count
}

#[tokio::test]
async fn a_list_costs_what_it_shows_whatever_else_there_is() {
    let issuer = InProcess::start().await;
    let (app, other) = (
        issuer.confidential("app", |_| {}).await,
        issuer.confidential("other", |_| {}).await,
    );
    for _ in 0..3 {
        issuer.grant(&app, |_| {}).await;
    }
    let admin = administrator(&issuer);
    issuer.dynamo.take_calls();
    assert_eq!(count_grants(&admin, &app).await, 3);
    let few = issuer.dynamo.take_calls();
    assert_eq!(clients(&admin, "app").await.0, ["app"]);
    let few_clients = issuer.dynamo.take_calls();
    assert!(!few.contains(&"Scan".to_owned()), "{few:?}");
    assert_eq!(few_clients, ["Query", "BatchGetItem"]);

    for index in 0..150 {
        issuer.grant(&other, |_| {}).await;
        issuer.confidential(&format!("more-{index}"), |_| {}).await;
    }
    issuer.dynamo.take_calls();
    assert_eq!(count_grants(&admin, &app).await, 3);
    assert_eq!(issuer.dynamo.take_calls(), few);
    assert_eq!(clients(&admin, "app").await.0, ["app"]);
    assert_eq!(issuer.dynamo.take_calls(), few_clients);
    // Longer lists have more pages, and nothing is lost between them.
    assert_eq!(count_grants(&admin, &other).await, 150);
    let (ids, _) = clients(&admin, "").await;
    assert!(ids.is_sorted() && ids.len() == 152, "{ids:?}");
}

/// The index has attributes that no write of a listed record changes, so a refresh costs no write of it.
#[tokio::test]
async fn no_refresh_and_no_revocation_writes_to_the_list() {
    let issuer = InProcess::start().await;
    let client = issuer.confidential("app", |_| {}).await;
    let grant = issuer.grant(&client, |_| {}).await;
    issuer.dynamo.take_attempts();
    assert_eq!(issuer.refresh(&client, &grant.token).await.status, 200);
    assert_eq!(issuer.revoke(&client, &grant.token).await.status, 200);
    let id = client.id.parse().expect("an id");
    let admin = administrator(&issuer);
    admin.disable_client(&id).await.expect("disabled");
    let writes = issuer.dynamo.take_attempts().into_iter();
    let mut writes = writes.filter(|attempt| attempt.operation == "UpdateItem");
    assert!(writes.all(|write| !write.body.contains("listed_in")));
    // Only a client that is deleted leaves it.
    assert_eq!(clients(&admin, "").await.0, ["app"]);
    admin.delete_client(&id).await.expect("deleted");
    assert_eq!(clients(&admin, "").await.0, [""; 0]);
}

#[tokio::test]
async fn what_a_later_release_wrote_is_an_error_in_its_place() {
    let issuer = InProcess::start().await;
    for id in ["a", "b", "c"] {
        issuer.confidential(id, |_| {}).await;
    }
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let updated = dynamodb_client(issuer.dynamo.direct())
        .update_item()
        .table_name("tokensmith")
        .key("pk", text("CLIENT#b"))
        .key("sk", text("-"))
        .update_expression("SET #schema = :later")
        .expression_attribute_names("#schema", "schema")
        .expression_attribute_values(":later", AttributeValue::N("99".to_owned()))
        .send()
        .await;
    updated.expect("an update");
    let listed = clients(&administrator(&issuer), "").await;
    assert_eq!(listed, (vec!["a".to_owned(), "c".to_owned()], 1));
}

/// Grants are found by their attribute `subject`, and a federation rule has one of that name.
#[tokio::test]
async fn the_grants_of_a_subject_are_grants_alone() {
    let issuer = InProcess::start().await;
    let app = issuer.confidential("app", |_| {}).await;
    issuer.grant(&app, |_| {}).await;
    let rule = FederationRule {
        name: "rule".parse().expect("a name"),
        client_id: app.client_id(),
        source: "source".parse().expect("a name"),
        audience: "https://issuer.example".to_owned(),
        subject: Some("alice".parse().expect("a pattern")),
        conditions: Vec::new(),
        created_at: issuer.now(),
    };
    issuer.direct.table.insert(&rule).await.expect("a rule");
    let of = GrantsOf::Subject("alice".parse().expect("a subject"));
    let admin = issuer.administrator();
    let mut pages = admin.list_grants(of, None).await.expect("a list");
    let page = pages.next().await.expect("a page").expect("the first");
    assert_eq!(page.len(), 1);
    assert!(page.iter().all(Result::is_ok));
}
