//! A table that was made from a backup is told from one that an issuer uses.

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use serde_json::json;
use tokensmith_issuer::admin::{Administrator, TableUse};
use tokensmith_issuer::store::Table;
use tokensmith_local::{EmbeddedDynamo, dynamodb_client};
use tokensmith_tests::faults::{Attempt, answer};
use tokensmith_tests::{InProcess, START};
use tokensmith_verifier::Timestamp;

/// DynamoDB that says of its table that it was made from a backup of this moment, or from none.
#[derive(Clone, Debug)]
struct Described {
    dynamo: EmbeddedDynamo,
    made_of: Option<u64>,
}

impl HttpClient for Described {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Described {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if Attempt::of(&request).operation != "DescribeTable" {
            return self.dynamo.call(request);
        }
        let summary = self
            .made_of
            .map(|moment| json!({ "RestoreDateTime": moment, "RestoreInProgress": false }));
        let body = json!({ "Table": { "RestoreSummary": summary } });
        HttpConnectorFuture::ready(Ok(answer(200, &body)))
    }
}

#[tokio::test]
async fn invariant_14_only_a_copy_that_no_issuer_has_made_keys_in_is_untouched() {
    let issuer = InProcess::start().await;
    // Its first keys were made at START.
    for (made_of, expected) in [
        (None, TableUse::NotFromBackup),
        (Some(START), TableUse::Untouched),
        (
            Some(START - 1),
            TableUse::KeysMadeSince(Timestamp::from_seconds(START - 1)),
        ),
    ] {
        let dynamo = issuer.dynamo.direct();
        let client = dynamodb_client(Described { dynamo, made_of });
        let table = Table::new(client, "tokensmith");
        let custody = issuer.direct.custody.clone();
        let admin = Administrator::new(
            issuer.config.clone(),
            table,
            custody.make,
            custody.open,
            std::sync::Arc::new(tokensmith_tests::TestOperator),
        );
        assert_eq!(admin.use_of_table().await.expect("an answer"), expected);
    }
}
