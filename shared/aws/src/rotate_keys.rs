//! The function that rotates keys, and does whatever else has to be done again and again.

use std::process::ExitCode;
use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::{Deserialize, Serialize};
use tokensmith_issuer::admin::{SettleError, settle};
use tokensmith_issuer::config::Config;
use tokensmith_issuer::endpoint::check::{CheckFailed, ExpectedTable, check_table, within_limit};
use tokensmith_issuer::event::ServiceEvent;
use tokensmith_issuer::keys::{KeyRotation, Rotation};
use tokensmith_issuer::revocation::{beat, sweep_feed};
use tokensmith_issuer::store::Table;
use tokensmith_issuer::store::records::Settings;
use tokensmith_verifier::Clock;

use crate::check::{Checked, Reply};
use crate::clients::kms_of_function;
use crate::environment::of_process;
use crate::host::{load, run};
use crate::kms::KmsMaker;

/// Runs the function that rotates keys, whatever event it is called with, unless that asks for something
/// else.
pub fn rotate_keys() -> ExitCode {
    run(async {
        let (environment, table) = load()?;
        let policy = environment.rotation_policy(of_process)?;
        let (config, revision) = (&environment.config, &environment.revision);
        let kms = kms_of_function(of_process);
        let maker = KmsMaker::new(kms, environment.custody, &environment.wrapping_key);
        let rotation = &KeyRotation::new(table.clone(), Arc::new(maker), policy);
        let handler = async |event: LambdaEvent<RotationEvent>| -> Result<Reply<Done>, Error> {
            match event.payload.tokensmith {
                Some(Task::Check) => {
                    let expected = ExpectedTable::told(event.payload.new_table);
                    check_rotation(&table, config, rotation, expected).await?;
                    Ok(Reply::Checked(Checked::new(revision.clone())))
                }
                Some(Task::Heartbeat) => {
                    let beaten = beat(&table, Clock::System.now()).await;
                    beaten.inspect_err(|err| {
                        let message = &err.to_string();
                        ServiceEvent::HeartbeatFailed { message }.write();
                    })?;
                    Ok(Reply::Answer(Done::Heartbeat {}))
                }
                None => {
                    let outcome = maintain(&table, &config.owner(), rotation).await;
                    log_maintenance(&outcome);
                    outcome.map(|done| Reply::Answer(Done::Rotation(done.rotation)))
                }
            }
        };
        lambda_runtime::run(service_fn(handler)).await
    })
}

/// Of all members of an event, these are those that matter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RotationEvent {
    tokensmith: Option<Task>,
    new_table: bool,
}

/// What is asked for in place of a rotation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Task {
    /// Whether this version could rotate keys.
    Check,
    /// A heartbeat in the revocation feed.
    Heartbeat,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Done {
    Rotation(Rotation),
    Heartbeat {},
}

/// Verifies that keys could be made, and makes none.
async fn check_rotation(
    table: &Table,
    config: &Config,
    rotation: &KeyRotation,
    expected: ExpectedTable,
) -> Result<(), CheckFailed> {
    within_limit(config.request_timeout, async {
        let now = Clock::System.now();
        check_table(table, &config.owner(), expected, now).await?;
        table.query_dead_in_feed(now, None, 1).await?;
        Ok(rotation.check().await?)
    })
    .await
}

/// Safe to run twice at once, and to be killed at any point: the next run does the rest.
async fn maintain(
    table: &Table,
    owner: &Settings,
    rotation: &KeyRotation,
) -> Result<Maintenance, Error> {
    if let Err(err) = settle(table, owner).await {
        if let SettleError::Foreign(foreign) = &err {
            ServiceEvent::foreign_table(foreign).write();
        }
        return Err(err.into());
    }
    let now = Clock::System.now();
    Ok(Maintenance {
        rotation: rotation.run(now).await?,
        left_feed: sweep_feed(table, now).await?,
    })
}

/// What a run has done.
struct Maintenance {
    rotation: Rotation,
    /// How many clients and subjects left the revocation feed.
    left_feed: usize,
}

fn log_maintenance(outcome: &Result<Maintenance, Error>) {
    match outcome {
        Ok(done) => ServiceEvent::RotateKeys {
            rotation: &done.rotation,
            left_feed: done.left_feed,
        }
        .write(),
        Err(err) => {
            let message = &err.to_string();
            ServiceEvent::RotateKeysFailed { message }.write();
        }
    }
}
