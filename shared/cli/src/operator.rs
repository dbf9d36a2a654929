//! Who runs the command, as the records of what operators change name them.

use std::fs;

use async_trait::async_trait;
use aws_config::BehaviorVersion;
use tokensmith_issuer::admin::{Operator, UnknownOperator};

/// A user of this machine, who may write the directory of the data.
#[derive(Debug)]
pub struct LocalUser;

#[async_trait]
impl Operator for LocalUser {
    /// The user of the process, and not what its environment says.
    async fn name(&self) -> Result<String, UnknownOperator> {
        let uid = rustix::process::getuid().as_raw();
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Ok(name_of(uid, &users).map_or_else(|| format!("uid {uid}"), str::to_owned))
    }
}

/// The name of a user in `/etc/passwd` (passwd(5)).
fn name_of(uid: u32, users: &str) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let is_theirs = fields.nth(1)?.parse() == Ok(uid);
        is_theirs.then_some(name)
    })
}

/// Whom AWS takes the command for, by the credentials that it uses for the table.
#[derive(Debug)]
pub struct AwsIdentity;

#[async_trait]
impl Operator for AwsIdentity {
    /// The ARN that STS tells; no permission is needed to ask.
    async fn name(&self) -> Result<String, UnknownOperator> {
        let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let sts = aws_sdk_sts::Client::new(&config);
        let asked = sts.get_caller_identity().send().await;
        let arn = asked.ok().and_then(|identity| identity.arn);
        arn.ok_or_else(|| UnknownOperator(NOT_TOLD.to_owned()))
    }
}

const NOT_TOLD: &str = "AWS does not tell who you are (sts:GetCallerIdentity); check the credentials, the network, \
                        AWS_REGION, and AWS_ENDPOINT_URL_STS if it is set";
