//! DynamoDB's request units, from what was sent and from the sizes of the items.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use tokensmith_tests::faults::Attempt;
use tokensmith_tests::{Item, Items};

/// A strongly consistent read costs a unit for each 4 KiB of an item, and one where there is none. A
/// query costs as much as what it reads in one piece, and half where it need not be consistent.
pub fn read_units(attempt: &Attempt, items: &Items) -> f64 {
    let body = attempt.json();
    let of_bytes = |bytes: u64| bytes.div_ceil(4096).max(1) as f64;
    let of_key = |key: &Value| of_bytes(size_at(items, key));
    match attempt.operation.as_str() {
        "GetItem" => of_key(&body["Key"]),
        "BatchGetItem" => {
            let keys = body["RequestItems"]["tokensmith"]["Keys"]
                .as_array()
                .expect("keys");
            keys.iter().map(of_key).sum()
        }
        // An index, which cannot be read consistently: here it has less than 4 KiB.
        "Query" if body["IndexName"].is_string() => 0.5,
        "Query" => {
            assert_eq!(body["ConsistentRead"], true, "{body}");
            let partition = body["ExpressionAttributeValues"][":pk"]["S"]
                .as_str()
                .expect("a key");
            let of_partition = items
                .iter()
                .filter(|(key, _)| key.starts_with(&format!("{partition}/")));
            of_bytes(of_partition.map(|(_, item)| size(item)).sum())
        }
        _ => 0.0,
    }
}

/// A write costs a unit for each KiB of the item. What puts it into the feed costs as much there. The other indexes have keys only, and
/// what is put into one of them costs a unit. What is deleted is small, and in no index here.
pub fn write_units(attempt: &Attempt, items: &Items) -> f64 {
    let body = attempt.json();
    let (key, in_others) = match attempt.operation.as_str() {
        "UpdateItem" => (&body["Key"], 0),
        "PutItem" => {
            let others = ["subject", "listed_in"].into_iter();
            let others = others.filter(|name| !body["Item"][name].is_null());
            (&body["Item"], others.count() as u64)
        }
        "DeleteItem" => return 1.0,
        _ => return 0.0,
    };
    let writes = if attempt.body.contains("feed_shard") {
        2
    } else {
        1
    };
    (writes * size_at(items, key).div_ceil(1024) + in_others) as f64
}

fn size_at(items: &Items, key: &Value) -> u64 {
    let part = |name: &str| key[name]["S"].as_str().expect("a key");
    let item = items.get(&format!("{}/{}", part("pk"), part("sk")));
    item.map_or(0, size)
}

/// As DynamoDB measures an item: its names, its values, and three bytes for each list or map.
pub fn size(item: &Item) -> u64 {
    item.iter()
        .map(|(name, value)| name.len() as u64 + size_of(value))
        .sum()
}

fn size_of(value: &AttributeValue) -> u64 {
    match value {
        AttributeValue::S(text) => text.len() as u64,
        AttributeValue::N(digits) => digits.len().div_ceil(2) as u64 + 1,
        AttributeValue::L(list) => 3 + list.iter().map(|each| size_of(each) + 1).sum::<u64>(),
        AttributeValue::M(map) => 3 + size(map) + map.len() as u64,
        AttributeValue::Bool(_) | AttributeValue::Null(_) => 1,
        other => panic!("no record has {other:?}"),
    }
}
