//! A function that does nothing, on the same runtime as the others.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda_runtime::run(service_fn(hello)).await
}

async fn hello(_: LambdaEvent<IgnoredAny>) -> Result<Value, Error> {
    Ok(json!({ "statusCode": 200, "headers": {}, "cookies": [], "body": "hello" }))
}
