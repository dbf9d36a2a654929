//! The table as the template creates it in AWS: `pk` and `sk`, four sparse indexes, and a time to
//! live.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};

use crate::DataError;

/// Creates the table called `name` unless it exists.
pub(crate) async fn create_table(client: &Client, name: &str) -> Result<(), DataError> {
    let built = |err: BuildError| DataError::Table(err.to_string());
    let created = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S).map_err(built)?)
        .attribute_definitions(attribute("sk", ScalarAttributeType::S).map_err(built)?)
        .attribute_definitions(attribute("feed_shard", ScalarAttributeType::S).map_err(built)?)
        .attribute_definitions(attribute("feed_at", ScalarAttributeType::N).map_err(built)?)
        .attribute_definitions(attribute("feed_until", ScalarAttributeType::N).map_err(built)?)
        .attribute_definitions(attribute("subject", ScalarAttributeType::S).map_err(built)?)
        .attribute_definitions(attribute("listed_in", ScalarAttributeType::S).map_err(built)?)
        .key_schema(key("pk", KeyType::Hash).map_err(built)?)
        .key_schema(key("sk", KeyType::Range).map_err(built)?)
        .global_secondary_indexes(feed().map_err(built)?)
        .global_secondary_indexes(live().map_err(built)?)
        .global_secondary_indexes(by_subject().map_err(built)?)
        .global_secondary_indexes(listed().map_err(built)?)
        .send()
        .await;
    if let Err(err) = created {
        let exists = err
            .as_service_error()
            .is_some_and(|service| service.is_resource_in_use_exception());
        return match exists {
            true => Ok(()),
            false => Err(DataError::table(&err)),
        };
    }
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name("ttl")
        .enabled(true)
        .build()
        .map_err(built)?;
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(ttl)
        .send()
        .await
        .map_err(|err| DataError::table(&err))?;
    Ok(())
}

/// The index of revocations, by shard and time.
fn feed() -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name("feed")
        .key_schema(key("feed_shard", KeyType::Hash)?)
        .key_schema(key("feed_at", KeyType::Range)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::Include)
                .non_key_attributes("not_before")
                .non_key_attributes("feed_until")
                .non_key_attributes("name")
                .build(),
        )
        .build()
}

/// The index of revocations, by shard and the time until which they matter.
fn live() -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name("live")
        .key_schema(key("feed_shard", KeyType::Hash)?)
        .key_schema(key("feed_until", KeyType::Range)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::Include)
                .non_key_attributes("not_before")
                .non_key_attributes("feed_at")
                .non_key_attributes("name")
                .build(),
        )
        .build()
}

/// The index of grants, by subject.
fn by_subject() -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name("by_subject")
        .key_schema(key("subject", KeyType::Hash)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::KeysOnly)
                .build(),
        )
        .build()
}

/// The index of clients, and of each client's grants, by list and key. It has the keys alone, which no write
/// changes: refreshing a grant does not write to it.
fn listed() -> Result<GlobalSecondaryIndex, BuildError> {
    GlobalSecondaryIndex::builder()
        .index_name("listed")
        .key_schema(key("listed_in", KeyType::Hash)?)
        .key_schema(key("pk", KeyType::Range)?)
        .projection(
            Projection::builder()
                .projection_type(ProjectionType::KeysOnly)
                .build(),
        )
        .build()
}

fn attribute(name: &str, of: ScalarAttributeType) -> Result<AttributeDefinition, BuildError> {
    AttributeDefinition::builder()
        .attribute_name(name)
        .attribute_type(of)
        .build()
}

fn key(name: &str, of: KeyType) -> Result<KeySchemaElement, BuildError> {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(of)
        .build()
}
