//! What lies in a table or a data directory, seen past the product's own readers.

use std::collections::BTreeMap;
use std::path::Path;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use tokensmith_local::{EmbeddedDynamo, dynamodb_client};

use crate::emulated::scan;

/// Every item of a table of DynamoDB, which the environment says where to find, printed, in a fixed
/// order.
///
/// # Panics
/// When the table cannot be read.
pub(crate) fn of_table(name: &str, environment: &[(&'static str, String)]) -> Vec<String> {
    let endpoint = environment.iter().find(|(name, _)| *name == ENDPOINT);
    let endpoint = endpoint.map(|(_, url)| url.clone());
    let endpoint = endpoint.or_else(|| std::env::var(ENDPOINT).ok());
    let items = scan(&endpoint.expect("an endpoint"), name);
    let mut printed: Vec<String> = items.iter().map(Value::to_string).collect();
    printed.sort();
    printed
}

/// Every item of the table in a data directory, printed, in a fixed order.
///
/// # Panics
/// When the table cannot be read.
pub(crate) fn of_directory(data: &Path) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let database = EmbeddedDynamo::open(&data.join("table.sqlite")).expect("a database");
        let client = dynamodb_client(database);
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let page = client
                .scan()
                .table_name("tokensmith")
                .set_exclusive_start_key(after)
                .send()
                .await
                .expect("the table can be scanned");
            items.extend(page.items.unwrap_or_default());
            after = page.last_evaluated_key;
            if after.is_none() {
                break;
            }
        }
        let mut printed: Vec<String> = items
            .into_iter()
            .map(|item| print(&AttributeValue::M(item)))
            .collect();
        printed.sort();
        printed
    })
}

/// The bytes of every file in a data directory, the write-ahead log included.
///
/// # Panics
/// When a file cannot be read.
pub fn all_bytes(data: &Path) -> Vec<u8> {
    let mut files: Vec<_> = std::fs::read_dir(data)
        .expect("the data is a directory")
        .map(|file| file.expect("an entry").path())
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|file| std::fs::read(file).expect("the file can be read"))
        .collect()
}

/// The same text for the same value, whatever the order of its members.
fn print(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(members) => {
            let members = members.iter().map(|(name, value)| (name, print(value)));
            format!("{:?}", BTreeMap::from_iter(members))
        }
        AttributeValue::L(values) => {
            format!("{:?}", values.iter().map(print).collect::<Vec<_>>())
        }
        other => format!("{other:?}"),
    }
}

const ENDPOINT: &str = "AWS_ENDPOINT_URL_DYNAMODB";
