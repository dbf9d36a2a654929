//! The logs that events are read from.

use std::path::PathBuf;

use aws_config::BehaviorVersion;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata;
use clap::Args;
use serde_json::Value;
use tokensmith_local::kept_events;
use tokensmith_verifier::Timestamp;

use super::filter::Filter;
use crate::Failure;
use crate::target::{Data, Target};

/// Which log groups are read.
#[derive(Args)]
pub struct LogOptions {
    /// A stack with functions or an authorizer, whose log groups are read; with a table; may be repeated
    #[arg(long = "stack", value_name = "NAME")]
    stacks: Vec<String>,
    /// A log group to read; with a table; may be repeated
    #[arg(long = "log-group", value_name = "NAME")]
    groups: Vec<String>,
}

/// The logs of the functions, or of `serve`.
pub enum Logs {
    /// That of `serve` is in its directory.
    Directory(PathBuf),
    /// Those of the functions are log groups.
    Groups(Client, Vec<String>),
}

impl Logs {
    /// The logs that belong to the data.
    pub async fn of(options: &LogOptions, data: &Data) -> Result<Self, Failure> {
        let are_named = !options.stacks.is_empty() || !options.groups.is_empty();
        match data.target()? {
            Target::Directory(_) if are_named => Err(Failure::wrong_call(
                "--stack and --log-group are for a table: the log of a directory is in it",
            )),
            Target::Directory(dir) => Ok(Self::Directory(dir)),
            Target::Table(_) => {
                if !are_named {
                    eprintln!(
                        "note: only the records of changes are shown; --stack NAME shows the logs of its functions too"
                    );
                }
                let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
                let (client, mut groups) = (Client::new(&config), options.groups.clone());
                for stack in &options.stacks {
                    groups.extend(groups_of(&client, stack).await?);
                }
                Ok(Self::Groups(client, groups))
            }
        }
    }

    /// The events that they have between two moments, and perhaps others.
    pub async fn lines(
        &self,
        filter: &Filter,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<Value>, Failure> {
        match self {
            // A line in the middle of being written is read the next time.
            Self::Directory(dir) => Ok(kept_events(dir)?.lines().filter_map(event_in).collect()),
            Self::Groups(client, groups) => {
                let mut lines = Vec::new();
                for group in groups {
                    let pages = client
                        .filter_log_events()
                        .log_group_name(group)
                        .start_time(milliseconds(since))
                        .end_time(milliseconds(until))
                        .set_filter_pattern(filter.pattern())
                        .into_paginator();
                    let mut pages = pages.send();
                    while let Some(page) = pages.next().await {
                        let page = page.map_err(|err| failed("FilterLogEvents", group, &err))?;
                        let found = page.events.unwrap_or_default();
                        let messages = found.iter().filter_map(|one| one.message.as_deref());
                        lines.extend(messages.filter_map(event_in));
                    }
                }
                Ok(lines)
            }
        }
    }
}

/// The log groups of a stack's functions: CloudFormation names each after the stack and its name in the template.
async fn groups_of(client: &Client, stack: &str) -> Result<Vec<String>, Failure> {
    let mut pages = client
        .describe_log_groups()
        .log_group_name_prefix(format!("{stack}-"))
        .into_paginator()
        .send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|err| failed("DescribeLogGroups", stack, &err))?;
        let groups = page.log_groups.unwrap_or_default().into_iter();
        let names = groups.filter_map(|group| group.log_group_name);
        found.extend(names.filter(|name| is_of_function(name, stack)));
    }
    match found.is_empty() {
        true => Err(Failure::new(format!(
            "no log group of the stack {stack} is in this account and Region: check its name, AWS_REGION and AWS_PROFILE"
        ))),
        false => Ok(found),
    }
}

fn is_of_function(group: &str, stack: &str) -> bool {
    let rest = group
        .strip_prefix(stack)
        .and_then(|rest| rest.strip_prefix('-'));
    let logical = rest.and_then(|rest| rest.split('-').next());
    logical.is_some_and(|name| LOGS.contains(&name))
}

/// A line that is an event. A log may have others, such as Lambda's own.
fn event_in(line: &str) -> Option<Value> {
    let line: Value = serde_json::from_str(line).ok()?;
    line["event"].is_string().then_some(line)
}

fn milliseconds(moment: Timestamp) -> i64 {
    i64::try_from(moment.seconds().saturating_mul(1000)).unwrap_or(i64::MAX)
}

fn failed<E: ProvideErrorMetadata>(operation: &str, of: &str, err: &E) -> Failure {
    let why = err.code().unwrap_or("no answer");
    Failure::new(format!(
        "{operation} of {of} failed ({why}): let these credentials use `logs:{operation}`, and check the name, AWS_REGION and \
         AWS_PROFILE"
    ))
}

/// What the log groups are called in the templates.
const LOGS: [&str; 8] = [
    "IssueLog",
    "RefreshLog",
    "RevokeLog",
    "IntrospectLog",
    "RevocationsLog",
    "JwksLog",
    "RotateKeysLog",
    "AuthorizerLog",
];
