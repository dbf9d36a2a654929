//! Faults between the SDK and DynamoDB: at the connector, where the SDK's own retries see them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use tokensmith_local::EmbeddedDynamo;
use tokio::sync::{mpsc, oneshot};

/// What happens to one attempt.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Fault {
    /// It times out before anything was applied.
    Before,
    /// It is applied, and then the answer is lost.
    After,
    /// Nothing is applied, and no answer ever comes: only a time limit ends it.
    Silence,
    /// DynamoDB refuses it: too many requests for the table's capacity.
    Throttled,
    /// A `BatchGetItem` leaves all its keys unprocessed; to anything else, the same as throttled.
    Unprocessed,
}

/// One attempt as it was sent.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The operation's name.
    pub operation: String,
    /// The JSON of the request.
    pub body: String,
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
    plans: HashMap<String, VecDeque<Option<Fault>>>,
    outage: Option<Fault>,
    attempts: Vec<Attempt>,
    hold: Option<mpsc::UnboundedSender<Held>>,
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

    /// The database itself, without faults, and without a record of what is called.
    pub fn direct(&self) -> EmbeddedDynamo {
        self.dynamo.clone()
    }

    /// Plans the next attempts: the first takes the first fault, and so on. Later ones work.
    pub fn plan(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        self.lock().plan = faults.into_iter().collect();
    }

    /// Plans the next attempts of one operation, whatever others come in between.
    pub fn plan_for(&self, operation: &str, faults: impl IntoIterator<Item = Option<Fault>>) {
        let faults = faults.into_iter().collect();
        self.lock().plans.insert(operation.to_owned(), faults);
    }

    /// From now on every attempt for which nothing else is planned ends like this.
    pub fn outage(&self, fault: Option<Fault>) {
        self.lock().outage = fault;
    }

    /// From now on every attempt waits, before anything is applied, until the test releases it.
    pub fn hold(&self) -> mpsc::UnboundedReceiver<Held> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.lock().hold = Some(sender);
        receiver
    }

    /// Nothing waits any more.
    pub fn unhold(&self) {
        self.lock().hold = None;
    }

    /// The operations called since this was last asked, by name, one for each attempt.
    pub fn take_calls(&self) -> Vec<String> {
        let attempts = self.take_attempts().into_iter();
        attempts.map(|attempt| attempt.operation).collect()
    }

    /// The attempts made since this was last asked.
    pub fn take_attempts(&self) -> Vec<Attempt> {
        std::mem::take(&mut self.lock().attempts)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().expect("no test has panicked here")
    }

    fn carry_out(&self, request: HttpRequest, fault: Option<Fault>) -> HttpConnectorFuture {
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
            Some(Fault::Silence) => HttpConnectorFuture::new(std::future::pending()),
            Some(Fault::Unprocessed) if operation_of(&request) == "BatchGetItem" => {
                HttpConnectorFuture::ready(Ok(unprocessed(&request)))
            }
            Some(Fault::Throttled | Fault::Unprocessed) => {
                HttpConnectorFuture::ready(Ok(answer(400, THROTTLED.to_owned())))
            }
        }
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
        let operation = operation_of(&request);
        let mut shared = self.lock();
        shared.attempts.push(Attempt {
            operation: operation.clone(),
            body: String::from_utf8_lossy(body_of(&request)).into_owned(),
        });
        if let Some(hold) = &shared.hold {
            let (release, released) = oneshot::channel();
            let held = Held {
                request: REQUEST.try_with(|request| *request).ok(),
                operation: operation.clone(),
                release,
            };
            // Nobody waits for it any more: then it is not held.
            if hold.send(held).is_ok() {
                let this = self.clone();
                return HttpConnectorFuture::new(async move {
                    let fault = released.await.unwrap_or_default();
                    this.carry_out(request, fault).await
                });
            }
        }
        let own_plan = shared.plans.get_mut(&operation);
        let planned = match own_plan.and_then(VecDeque::pop_front) {
            Some(planned) => planned,
            None => match shared.plan.pop_front() {
                Some(planned) => planned,
                None => shared.outage,
            },
        };
        drop(shared);
        self.carry_out(request, planned)
    }
}

/// An attempt that waits. Dropping it lets it go.
#[derive(Debug)]
pub struct Held {
    /// The request that it belongs to, if that runs in [`numbered`].
    pub request: Option<usize>,
    /// The operation's name.
    pub operation: String,
    release: oneshot::Sender<Option<Fault>>,
}

impl Held {
    /// Lets it go, to this end.
    pub fn release(self, fault: Option<Fault>) {
        // It may have been given up meanwhile.
        let _ = self.release.send(fault);
    }
}

/// Runs a request so that its attempts carry its number.
pub async fn numbered<F: Future>(request: usize, work: F) -> F::Output {
    REQUEST.scope(request, work).await
}

tokio::task_local! {
    static REQUEST: usize;
}

fn operation_of(request: &HttpRequest) -> String {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    target.rsplit('.').next().unwrap_or_default().to_owned()
}

fn body_of(request: &HttpRequest) -> &[u8] {
    request.body().bytes().unwrap_or_default()
}

fn unprocessed(request: &HttpRequest) -> HttpResponse {
    let body: serde_json::Value = serde_json::from_slice(body_of(request)).expect("JSON");
    let keys = &body["RequestItems"];
    let json = serde_json::json!({ "Responses": {}, "UnprocessedKeys": keys });
    answer(200, json.to_string())
}

fn answer(status: u16, json: String) -> HttpResponse {
    let status = StatusCode::try_from(status).expect("a status");
    HttpResponse::new(status, SdkBody::from(json))
}

const THROTTLED: &str = r#"{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"a planned fault"}"#;
