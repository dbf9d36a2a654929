//! Why a command failed: one sentence with the cause and the next step.

use std::error::Error;
use std::fmt::{self, Display};
use std::process::ExitCode;

use tokensmith_issuer::error::Unavailable;
use tokensmith_issuer::store::{CallFailure, StoreError};

use crate::display_time;

/// Why a command failed, for people.
#[derive(Debug)]
pub struct Failure {
    reason: String,
    causes: Vec<String>,
    wrong_call: bool,
}

impl Failure {
    /// A failure that needs no further explanation.
    pub fn new(reason: impl Display) -> Self {
        Self {
            reason: reason.to_string(),
            causes: Vec::new(),
            wrong_call: false,
        }
    }

    /// The command line does not say what is to be done.
    pub fn wrong_call(reason: impl Display) -> Self {
        Self {
            wrong_call: true,
            ..Self::new(reason)
        }
    }

    /// 2 is what `clap` exits with when a command line is wrong.
    pub fn exit_code(&self) -> ExitCode {
        match self.wrong_call {
            true => ExitCode::from(2),
            false => ExitCode::FAILURE,
        }
    }

    /// Prints what the libraries reported.
    pub fn print_causes(&self) {
        for cause in &self.causes {
            eprintln!("debug: {cause}");
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl<E: Error + 'static> From<E> for Failure {
    fn from(err: E) -> Self {
        let mut last: &(dyn Error + 'static) = &err;
        let mut chain = vec![last];
        while let Some(source) = last.source() {
            chain.push(source);
            last = source;
        }
        let explained = chain.iter().find_map(|cause| explain(*cause));
        Self {
            reason: explained.unwrap_or_else(|| err.to_string()),
            causes: chain.iter().map(|cause| format!("{cause:?}")).collect(),
            wrong_call: false,
        }
    }
}

/// What a failed call to AWS means for an operator.
fn explain(cause: &(dyn Error + 'static)) -> Option<String> {
    match cause.downcast_ref() {
        Some(StoreError::Failed {
            operation, reason, ..
        }) => return table_failed(operation, reason),
        Some(StoreError::NoTable { .. }) => return Some(NO_TABLE.to_owned()),
        _ => {}
    }
    match cause.downcast_ref() {
        Some(Unavailable::Key(reason)) => Some(key_failed(reason)),
        Some(Unavailable::JustRevoked(until)) => Some(format!(
            "the client was revoked a moment ago, and gets no token before {}: repeat this then",
            display_time(*until)
        )),
        _ => None,
    }
}

fn table_failed(operation: &str, failure: &CallFailure) -> Option<String> {
    Some(match failure {
        CallFailure::NotSent => {
            "no AWS credentials were found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
             log in with `aws sso login`"
                .to_owned()
        }
        CallFailure::NoAnswer => format!(
            "the table gave no answer to {operation} within the time limit: repeat this; if it is in AWS, check the \
             network, AWS_REGION, and AWS_ENDPOINT_URL_DYNAMODB if it is set"
        ),
        CallFailure::NoConnection => format!(
            "DynamoDB cannot be reached ({failure}): check the network, AWS_REGION, and AWS_ENDPOINT_URL_DYNAMODB \
             if it is set"
        ),
        CallFailure::Refused { code, .. } => refused(operation, code)?,
        _ => return None,
    })
}

fn refused(operation: &str, code: &str) -> Option<String> {
    Some(match code {
        "AccessDeniedException" => format!(
            "AWS does not allow {operation} with these credentials: let them use `dynamodb:{operation}` on the \
             table and its indexes"
        ),
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException" => format!(
            "AWS does not accept the credentials ({code}): log in again, or check AWS_PROFILE and the clock of \
             this machine"
        ),
        "ProvisionedThroughputExceededException"
        | "ThrottlingException"
        | "RequestLimitExceeded" => {
            format!("DynamoDB throttles the table ({code}): repeat this in a while")
        }
        "ValidationException" => format!(
            "the table does not take {operation} as this release uses it: it was not made by the template of this \
             release, or `serve` of an earlier one has made it"
        ),
        _ => return None,
    })
}

fn key_failed(reason: &str) -> String {
    let next = match reason {
        _ if reason.contains("AccessDeniedException") => {
            "let these credentials use the KMS key that TOKENSMITH_KMS_KEY names"
        }
        _ if reason.contains("NotFoundException") => {
            "check that TOKENSMITH_KMS_KEY names a key of this account and Region"
        }
        _ if reason.contains("the connection failed") || reason.contains("no answer") => {
            "KMS cannot be reached: check the network, AWS_REGION, and AWS_ENDPOINT_URL_KMS if it is set"
        }
        _ => "check that the wrapping key is the one that these data were made with",
    };
    format!("a key cannot be used ({reason}): {next}")
}

const NO_TABLE: &str = "there is no such table in this account and Region, or it lacks an index of this release: check \
                        --table, AWS_REGION and AWS_PROFILE";
