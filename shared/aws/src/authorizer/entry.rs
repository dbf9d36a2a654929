use std::process::ExitCode;

use lambda_runtime::{LambdaEvent, service_fn};
use tokensmith_issuer::store::Table;
use tokensmith_verifier::Clock;

use super::{Authorizer, AuthorizerEvent};
use crate::clients::dynamodb_of_function;
use crate::environment::{AuthorizerEnvironment, of_process, require_lambda};
use crate::host::{run, warm_up};

/// Runs the authorizer, until Lambda ends it. It has the table and no key of KMS.
pub fn authorize() -> ExitCode {
    run(async {
        require_lambda(of_process)?;
        let AuthorizerEnvironment { config, table } = AuthorizerEnvironment::parse(of_process)?;
        let table = Table::new(dynamodb_of_function(of_process), table);
        let authorizer = &Authorizer::new(config, table, Clock::System)?;
        warm_up(authorizer.warm_up()).await;
        let handler = async |event: LambdaEvent<AuthorizerEvent>| {
            let LambdaEvent { payload, context } = event;
            let answer = authorizer.answer(&payload, &context.request_id).await;
            answer.map_err(lambda_runtime::Error::from)
        };
        lambda_runtime::run(service_fn(handler)).await
    })
}
