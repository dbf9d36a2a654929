//! Faults between the SDK and a service: at the connector, where the SDK's own retries see them.

use std::collections::{HashMap, VecDeque};
use std::ops::Deref;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use tokensmith_issuer::store::records::HEARTBEAT;
use tokensmith_local::EmbeddedDynamo;
use tokensmith_verifier::{Clock, Timestamp};
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
    /// It is refused: too many requests.
    Throttled,
    /// A `BatchGetItem` leaves all its keys unprocessed; to anything else, the same as throttled.
    Unprocessed,
    /// It is applied, and the answer does not tell the time.
    Undated,
    /// KMS carries it out, but the answer is that of another key.
    OtherKey,
    /// KMS answers with something that is no signature and no key.
    Junk,
    /// It is applied, and the answer is cut off before its end.
    CutOff,
    /// An index of the feed answers without what was written after this second.
    IndexAsOf(u64),
}

/// One attempt as it was sent.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The operation's name.
    pub operation: String,
    /// The JSON of the request.
    pub body: String,
}

impl Attempt {
    /// The attempt that a request makes.
    pub fn of(request: &HttpRequest) -> Self {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        Self {
            operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
            body: String::from_utf8_lossy(body).into_owned(),
        }
    }

    /// What was sent.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// Planned faults of a service, and a record of what was called.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Planned>>);

#[derive(Debug, Default)]
struct Planned {
    plan: VecDeque<Option<Fault>>,
    plans: HashMap<String, VecDeque<Option<Fault>>>,
    outage: Option<Fault>,
    index_is_throttled: bool,
    index_stops_at: Option<Timestamp>,
    attempts: Vec<Attempt>,
    hold: Option<mpsc::UnboundedSender<Held>>,
}

impl Faults {
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

    /// From now on every query of an index is refused, or none any more.
    pub fn throttle_index(&self, throttled: bool) {
        self.lock().index_is_throttled = throttled;
    }

    /// From now on the indexes of the feed lack what is written after this moment, or nothing any more.
    pub fn stop_index(&self, at: Option<Timestamp>) {
        self.lock().index_stops_at = at;
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

    /// Notes an attempt, and says how it ends.
    pub fn next(&self, attempt: Attempt) -> Option<Fault> {
        let mut planned = self.lock();
        if planned.index_is_throttled && attempt.body.contains("\"IndexName\"") {
            planned.attempts.push(attempt);
            return Some(Fault::Throttled);
        }
        let own = planned.plans.get_mut(&attempt.operation);
        let next = match own.and_then(VecDeque::pop_front) {
            Some(next) => Some(next),
            None => planned.plan.pop_front(),
        };
        let lag = planned.index_stops_at;
        let lag = lag.filter(|_| attempt.body.contains("\"IndexName\""));
        let lag = lag.map(|at| Fault::IndexAsOf(at.seconds()));
        planned.attempts.push(attempt);
        next.unwrap_or(planned.outage).or(lag)
    }

    /// Notes an attempt, and hands it to the test if every attempt waits for that.
    fn held(&self, attempt: &Attempt) -> Option<oneshot::Receiver<Option<Fault>>> {
        let mut planned = self.lock();
        let (release, released) = oneshot::channel();
        let held = Held {
            request: REQUEST.try_with(|request| *request).ok(),
            operation: attempt.operation.clone(),
            release,
        };
        // Where nobody waits for it any more, it is not held.
        planned.hold.as_ref()?.send(held).ok()?;
        planned.attempts.push(attempt.clone());
        Some(released)
    }

    fn lock(&self) -> MutexGuard<'_, Planned> {
        self.0.lock().expect("no test has panicked here")
    }
}

/// An embedded DynamoDB with planned faults.
#[derive(Clone, Debug)]
pub struct FaultyDynamo {
    dynamo: EmbeddedDynamo,
    faults: Faults,
}

impl Deref for FaultyDynamo {
    type Target = Faults;

    fn deref(&self) -> &Faults {
        &self.faults
    }
}

impl FaultyDynamo {
    /// A database in memory that works, until told otherwise, and tells the time by this clock.
    pub fn in_memory(clock: Clock) -> Self {
        let dynamo = EmbeddedDynamo::in_memory().expect("a database in memory");
        Self {
            dynamo: dynamo.telling(clock),
            faults: Faults::default(),
        }
    }

    /// The database of a data directory, which others may have open, too.
    pub fn of_directory(data: &Path) -> Self {
        let dynamo = EmbeddedDynamo::open(&data.join("table.sqlite"));
        Self {
            dynamo: dynamo.expect("a database"),
            faults: Faults::default(),
        }
    }

    /// The database itself, without faults, and without a record of what is called.
    pub fn direct(&self) -> EmbeddedDynamo {
        self.dynamo.clone()
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
            Some(Fault::Undated) => {
                let applied = self.dynamo.call(request);
                HttpConnectorFuture::new(async move {
                    let mut answer = applied.await?;
                    answer.headers_mut().remove("date");
                    Ok(answer)
                })
            }
            Some(Fault::CutOff) => {
                let applied = self.dynamo.call(request);
                HttpConnectorFuture::new(async move {
                    let whole = applied.await?.into_body();
                    Ok(cut_off(whole.bytes().unwrap_or_default()))
                })
            }
            Some(Fault::IndexAsOf(second)) => {
                let applied = self.dynamo.call(request);
                HttpConnectorFuture::new(async move {
                    let whole = applied.await?.into_body();
                    Ok(index_as_of(second, whole.bytes().unwrap_or_default()))
                })
            }
            Some(Fault::Silence) => HttpConnectorFuture::new(std::future::pending()),
            Some(Fault::Unprocessed) if Attempt::of(&request).operation == "BatchGetItem" => {
                HttpConnectorFuture::ready(Ok(unprocessed(&request)))
            }
            Some(Fault::Throttled | Fault::Unprocessed) => {
                HttpConnectorFuture::ready(Ok(refusal(THROTTLED, "a planned fault")))
            }
            Some(Fault::OtherKey | Fault::Junk) => panic!("DynamoDB has no keys"),
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
        let attempt = Attempt::of(&request);
        if let Some(released) = self.held(&attempt) {
            let this = self.clone();
            return HttpConnectorFuture::new(async move {
                let fault = released.await.unwrap_or_default();
                this.carry_out(request, fault).await
            });
        }
        let fault = self.next(attempt);
        self.carry_out(request, fault)
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

fn unprocessed(request: &HttpRequest) -> HttpResponse {
    let keys = &Attempt::of(request).json()["RequestItems"];
    answer(200, &json!({ "Responses": {}, "UnprocessedKeys": keys }))
}

/// The answer of an index that lacks what was written after `second`. Of a record that is written again
/// and again, it has what was there before.
fn index_as_of(second: u64, whole: &[u8]) -> HttpResponse {
    let mut page: Value = serde_json::from_slice(whole).expect("JSON");
    let items = page["Items"].as_array_mut().expect("items");
    let written = |item: &Value| item["feed_at"]["N"].as_str().and_then(|at| at.parse().ok());
    for item in items.iter_mut().filter(|item| item["pk"]["S"] == HEARTBEAT) {
        let at = written(item).map_or(second, |at: u64| at.min(second));
        item["feed_at"]["N"] = at.to_string().into();
    }
    items.retain(|item| written(item).is_some_and(|at| at <= second));
    answer(200, &page)
}

/// An answer of AWS.
pub fn answer(status: u16, json: &Value) -> HttpResponse {
    let status = StatusCode::try_from(status).expect("a status");
    HttpResponse::new(status, SdkBody::from(json.to_string()))
}

/// An answer of AWS whose end is missing.
pub fn cut_off(body: &[u8]) -> HttpResponse {
    let status = StatusCode::try_from(200).expect("a status");
    HttpResponse::new(status, SdkBody::from(&body[..body.len().saturating_sub(5)]))
}

/// A refusal of AWS.
pub fn refusal(kind: &str, message: &str) -> HttpResponse {
    answer(400, &json!({ "__type": kind, "message": message }))
}

const THROTTLED: &str = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
