//! API Gateway calls this function before it passes a request on. It allows requests that bring a
//! valid access token.

mod environment;

use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use tokensmith_authorizer::{Authorizer, AuthorizerAnswer, AuthorizerEvent};
use tokensmith_aws::environment::{of_process, require_lambda};
use tokensmith_aws::{Checked, Reply, Replying, dynamodb_of_function, run, warm_up};
use tokensmith_issuer::store::{Counters, Table, TableReader};
use tokensmith_verifier::Clock;

use environment::AuthorizerEnvironment;

fn main() -> ExitCode {
    run(async {
        require_lambda(of_process)?;
        let AuthorizerEnvironment {
            config,
            table,
            takes_api_keys,
            limits,
            revision,
        } = AuthorizerEnvironment::parse(of_process)?;
        let dynamodb = dynamodb_of_function(of_process);
        let reader = TableReader::new(dynamodb.clone(), &table);
        let mut authorizer = Authorizer::new(config, reader, Clock::System)?;
        if takes_api_keys {
            authorizer = authorizer.taking_api_keys(Table::new(dynamodb.clone(), &table));
        }
        if limits {
            authorizer = authorizer.limiting(Counters::new(&dynamodb, table));
        }
        let authorizer = &authorizer;
        warm_up(authorizer.warm_up()).await;
        let handler = |event| replied(authorizer, event, &revision);
        lambda_runtime::run(service_fn(handler)).await
    })
}

fn replied<'a>(
    authorizer: &'a Authorizer,
    event: LambdaEvent<AuthorizerEvent>,
    revision: &'a Option<String>,
) -> Replying<'a, AuthorizerAnswer> {
    let LambdaEvent { payload, context } = event;
    Box::pin(async move {
        match payload.check() {
            Some(expected) => {
                authorizer.check(expected).await?;
                Ok(Reply::Checked(Checked::new(revision.clone())))
            }
            None => {
                let answer = authorizer.answer(&payload, &context.request_id);
                Ok(Reply::Answer(answer.await?))
            }
        }
    })
}
