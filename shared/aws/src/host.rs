//! The entry points of the functions. Only a bad configuration stops a function.

use std::fmt::Display;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use tokensmith_issuer::event::ServiceEvent;
use tokensmith_issuer::keys::{Custody, Open, Sign};
use tokensmith_issuer::store::Table;
use tokensmith_issuer::{Issuer, Mount};
use tokensmith_verifier::Clock;

use crate::Function;
use crate::check::{Checked, Reply, Replying};
use crate::clients::{dynamodb_of_function, kms_of_function};
use crate::environment::{BadVariable, Environment, of_process, require_lambda};
use crate::event::{Answer, Event};
use crate::kms::{KmsOpener, KmsSigning};

/// Runs a function that serves these endpoints, until Lambda ends it.
pub fn serve<const N: usize>(mounts: [Mount<FunctionCustody>; N]) -> ExitCode {
    run(async move {
        let (environment, table) = load()?;
        let revision = &environment.revision;
        let custody = FunctionCustody {
            wrapping_key: environment.wrapping_key,
        };
        let abilities = Mount::prepare_all(&mounts, &custody, &table);
        let issuer = Issuer::new(environment.config, table, abilities, Clock::System);
        let all = mounts.iter().map(|mount| mount.endpoint);
        let endpoints: Vec<_> = all.filter(|endpoint| issuer.serves(endpoint)).collect();
        let function = &Function::new(issuer, endpoints);
        warm_up(function.warm_up()).await;
        let handler = |event| replied(function, event, revision);
        lambda_runtime::run(service_fn(handler)).await
    })
}

fn replied<'a>(
    function: &'a Function,
    event: LambdaEvent<Event>,
    revision: &'a Option<String>,
) -> Replying<'a, Answer> {
    let LambdaEvent { payload, context } = event;
    Box::pin(async move {
        match payload.check() {
            Some(expected) => {
                function.check(expected).await?;
                Ok(Reply::Checked(Checked::new(revision.clone())))
            }
            None => Ok(Reply::Answer(function.answer(payload, &context).await?)),
        }
    })
}

/// Keys in KMS. The first constructor that needs a KMS client makes it; a function whose endpoints
/// need none links no KMS client.
#[derive(Debug)]
pub struct FunctionCustody {
    wrapping_key: String,
}

impl FunctionCustody {
    fn opener(&self) -> KmsOpener {
        KmsOpener::new(kms_of_function(of_process), &self.wrapping_key)
    }
}

impl Custody for FunctionCustody {
    fn open(&self) -> Arc<dyn Open> {
        Arc::new(self.opener())
    }

    fn sign(&self) -> Arc<dyn Sign> {
        Arc::new(KmsSigning::new(self.opener()))
    }

    fn open_and_sign(&self) -> (Arc<dyn Open>, Arc<dyn Sign>) {
        let opener = self.opener();
        (Arc::new(opener.clone()), Arc::new(KmsSigning::new(opener)))
    }
}

/// What every function does first.
pub(crate) fn load() -> Result<(Environment, Table), BadVariable> {
    require_lambda(of_process)?;
    let environment = Environment::parse(of_process)?;
    let table = Table::new(dynamodb_of_function(of_process), &environment.table);
    Ok((environment, table))
}

/// Loads what the first request would wait for. When the warm-up fails, that is logged and the
/// function serves all the same: its requests load what is missing.
pub async fn warm_up<E: Display>(work: impl Future<Output = Result<(), E>>) {
    let message = &match tokio::time::timeout(WARM_UP_LIMIT, work).await {
        Ok(Ok(())) => return,
        Ok(Err(err)) => err.to_string(),
        Err(_) => "it took too long".to_owned(),
    };
    ServiceEvent::WarmUpFailed { message }.write();
}

/// Runs a function until Lambda ends it, or logs why it could not start.
///
/// Lambda gives a function one request at a time, so one thread is enough.
pub fn run(function: impl Future<Output = Result<(), Error>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(function),
        Err(err) => Err(err.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            let message = &err.to_string();
            ServiceEvent::StartFailed { message }.write();
            ExitCode::FAILURE
        }
    }
}

/// Lambda restarts a function that takes longer than 10 s to start.
const WARM_UP_LIMIT: Duration = Duration::from_secs(5);
