//! What lies in a table or a data directory, seen past the product's own readers.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

/// An item of a table.
pub type Item = HashMap<String, AttributeValue>;

/// Every item of a table, by `pk/sk`.
pub type Items = HashMap<String, Item>;

/// Every item of the table that all hosts have.
pub(crate) async fn items_by_key(client: &Client) -> Items {
    let pages = client.scan().table_name("tokensmith").into_paginator();
    let items = pages.items().send().collect::<Result<Vec<Item>, _>>().await;
    let items = items.expect("the table can be scanned").into_iter();
    let keyed = items.map(|item| {
        let key = |name: &str| item[name].as_s().expect("a string").clone();
        (format!("{}/{}", key("pk"), key("sk")), item)
    });
    keyed.collect()
}

/// The same, printed, in a fixed order.
pub(crate) async fn printed_items(client: &Client) -> Vec<String> {
    let items = items_by_key(client).await.into_values();
    let mut printed: Vec<String> = items.map(|item| print(&AttributeValue::M(item))).collect();
    printed.sort();
    printed
}

/// The bytes of every file in a data directory, the write-ahead log included.
pub fn all_bytes(data: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(data).expect("the data is a directory");
    let mut files: Vec<_> = files.map(|file| file.expect("an entry").path()).collect();
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
