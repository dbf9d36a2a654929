//! API keys: at the token endpoint and at the authorizer.

use tokensmith_authorizer::Authorizer;
use tokensmith_issuer::admin::NewApiKey;
use tokensmith_issuer::credential::ApiKeySecret;
use tokensmith_local::make_table;
use tokensmith_tests::InProcess;
use tokensmith_tests::authorizer::new_authorizer;
use tokensmith_tests::records::new_api_key;

/// A new client with a key.
pub async fn key_of(world: &InProcess, client: &str) -> ApiKeySecret {
    let client = world.confidential(client, |_| {}).await;
    let wanted = NewApiKey {
        name: "nightly export".parse().expect("a name"),
        ..new_api_key(client.client_id())
    };
    let created = world.administrator().create_api_key(wanted).await;
    created.expect("a key").outcome.secret
}

/// An authorizer that takes keys, and has read nothing.
pub async fn authorizer(world: &InProcess) -> Authorizer {
    let authorizer = new_authorizer(world, world.dynamo.clone(), |_| {}).await;
    let table = make_table(world.dynamo.clone()).await;
    authorizer.taking_api_keys(table.expect("the table"))
}
