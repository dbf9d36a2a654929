use std::process::ExitCode;

use aws_config::BehaviorVersion;
use lambda_runtime::{LambdaEvent, service_fn};
use tokensmith_issuer::clock::Clock;
use tokensmith_issuer::store::{Table, with_time_limits};

use super::{Authorizer, AuthorizerEvent};
use crate::environment::{AuthorizerEnvironment, of_process, require_lambda};
use crate::host::{run, warm_up};

/// Runs the authorizer, until Lambda ends it. It has the table and no key of KMS.
pub fn authorize() -> ExitCode {
    run(async {
        require_lambda(of_process)?;
        let AuthorizerEnvironment { config, table } = AuthorizerEnvironment::parse(of_process)?;
        let sdk = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let client = with_time_limits(aws_sdk_dynamodb::config::Builder::from(&sdk));
        let client = aws_sdk_dynamodb::Client::from_conf(client.build());
        let authorizer = &Authorizer::new(config, Table::new(client, table), Clock::System)?;
        warm_up(authorizer.warm_up()).await;
        let handler = async |event: LambdaEvent<AuthorizerEvent>| {
            let LambdaEvent { payload, context } = event;
            let answer = authorizer.answer(&payload, &context.request_id).await;
            answer.map_err(lambda_runtime::Error::from)
        };
        lambda_runtime::run(service_fn(handler)).await
    })
}
