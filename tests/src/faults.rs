//! Faults between the SDK and DynamoDB: at the connector, where the SDK's own retries see them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use tokensmith_local::EmbeddedDynamo;

/// What happens to one attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// It times out before anything was applied.
    Before,
    /// It is applied, and then the answer is lost.
    After,
}

/// An embedded DynamoDB with planned faults and a record of what was called.
#[derive(Clone, Debug)]
pub struct FaultyDynamo {
    dynamo: EmbeddedDynamo,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    plan: VecDeque<Option<Fault>>,
    calls: Vec<String>,
}

impl FaultyDynamo {
    /// A database in memory that works, until told otherwise.
    ///
    /// # Panics
    /// When there is no memory for it.
    pub fn in_memory() -> Self {
        Self {
            dynamo: EmbeddedDynamo::in_memory().expect("a database in memory"),
            shared: Arc::default(),
        }
    }

    /// Plans the next attempts: the first takes the first fault, and so on. Later ones work.
    pub fn plan(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.lock().plan = faults.into_iter().collect();
    }

    /// The operations called since this was last asked, by name, one for each attempt.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().calls)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().expect("no test has panicked here")
    }
}

impl HttpClient for FaultyDynamo {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for FaultyDynamo {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let fault = {
            let mut shared = self.lock();
            shared.calls.push(operation);
            shared.plan.pop_front().flatten()
        };
        let timeout = || ConnectorError::timeout("a planned fault".into());
        match fault {
            None => self.dynamo.call(request),
            Some(Fault::Before) => HttpConnectorFuture::ready(Err(timeout())),
            Some(Fault::After) => {
                let applied = self.dynamo.call(request);
                HttpConnectorFuture::new(async move {
                    applied.await?;
                    Err(timeout())
                })
            }
        }
    }
}
