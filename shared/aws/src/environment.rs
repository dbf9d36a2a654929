//! What an operator decides about a function: its environment, parsed once.

#[cfg(test)]
mod tests;
mod variables;

use std::ops::RangeInclusive;
use std::time::Duration;

use tokensmith_issuer::config::{Brand, Config, MAX_ACCESS_TTL, MAX_CACHE_TTL};
use tokensmith_issuer::endpoint::GITHUB_KEYS;
use tokensmith_issuer::fetched::DocumentUrl;
use tokensmith_issuer::keys::RotationPolicy;
use tokensmith_verifier::Algorithm;

use crate::kms::CustodyMode;

pub use variables::{BadVariable, Parse, Variables, of_process, parsed, table_name};

/// The environment of a function.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The issuer's configuration.
    pub config: Config,
    /// The name of the table.
    pub table: String,
    /// Where private keys are.
    pub custody: CustodyMode,
    /// The ARN of the symmetric KMS key that wraps key material.
    pub wrapping_key: String,
    /// What this version was deployed as.
    pub revision: Option<String>,
}

impl Environment {
    /// Parses the variables that `value_of` finds. An empty one counts as absent.
    ///
    /// # Errors
    /// The first variable that is missing or malformed.
    pub fn parse(value_of: impl Fn(&str) -> Option<String>) -> Result<Self, BadVariable> {
        let variables = Variables::new(value_of);
        let mut config = Config::new(variables.required(ISSUER, parsed)?);
        if let Some(algorithms) = variables.optional(ALGORITHMS, algorithms)? {
            config.algorithms = algorithms;
        }
        if let Some(ttl) = variables.duration(ACCESS_TTL, SECOND..=MAX_ACCESS_TTL)? {
            config.access_ttl = ttl;
        }
        if let Some(ttl) = variables.duration(CACHE_TTL, Duration::ZERO..=MAX_CACHE_TTL)? {
            config.cache_ttl = ttl;
        }
        if let Some(level) = variables.optional(LOG, parsed)? {
            config.log_level = level;
        }
        if let Some(interval) = variables.duration(FEED_INTERVAL, FEED_INTERVALS)? {
            config.feed_interval = interval;
        }
        config.secret_scanning = variables
            .optional(SECRET_SCANNING, secret_scanning)?
            .flatten();
        let nonces = variables.optional(DPOP_NONCE, off_or_required)?;
        config.dpop_nonces = nonces.unwrap_or_default();
        config.sign_in = variables.optional(SIGN_IN, on_or_off)?.unwrap_or_default();
        config.brand = Brand {
            name: variables.optional(BRAND_NAME, parsed)?,
            logo: variables.optional(BRAND_LOGO, parsed)?,
            colour: variables.optional(BRAND_COLOUR, parsed)?,
        };
        let custody = variables.required(CUSTODY, parsed)?;
        check_feed_can_be_signed(custody, &config.algorithms)?;
        let table = variables.required(TABLE, table_name)?;
        let wrapping_key = variables.required(KMS_KEY, key_arn)?;
        config.wrapping_key = Some(wrapping_key.clone());
        Ok(Self {
            config,
            table,
            custody,
            wrapping_key,
            revision: variables.optional(REVISION, revision)?,
        })
    }

    /// Parses the variables that only the function that rotates keys has.
    ///
    /// # Errors
    /// The first variable that is malformed.
    pub fn rotation_policy(
        &self,
        value_of: impl Fn(&str) -> Option<String>,
    ) -> Result<RotationPolicy, BadVariable> {
        let variables = Variables::new(value_of);
        let Config {
            issuer,
            algorithms,
            cache_ttl,
            ..
        } = self.config.clone();
        let mut policy = RotationPolicy::new(issuer, algorithms, cache_ttl);
        if let Some(period) = variables.duration(KEY_PERIOD, SECOND..=MAX_KEY_PERIOD)? {
            policy.period = period;
        }
        if let Some(ahead) = variables.duration(PUBLISH_AHEAD, Duration::ZERO..=policy.period)? {
            policy.publish_ahead = ahead;
        }
        Ok(policy)
    }
}

/// Makes sure that this process runs as a Lambda function, by the variables that Lambda sets.
///
/// # Errors
/// The first of them that is missing.
pub fn require_lambda(value_of: impl Fn(&str) -> Option<String>) -> Result<(), BadVariable> {
    let variables = Variables::new(value_of);
    for name in SET_BY_LAMBDA {
        variables.required(name, parsed::<String>)?;
    }
    variables.required("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", parsed::<i32>)?;
    Ok(())
}

/// With EdDSA, KMS signs at most 4,096 bytes, because it computes the digest itself. The revocation feed
/// can be longer, for what was recorded within one second is never spread over two documents.
fn check_feed_can_be_signed(
    custody: CustodyMode,
    algorithms: &[Algorithm],
) -> Result<(), BadVariable> {
    match (custody, algorithms) {
        (CustodyMode::Kms, [Algorithm::EdDSA]) => Err(BadVariable {
            name: ALGORITHMS,
            problem: "is EdDSA alone, with which KMS cannot sign the revocation feed: add another \
                      algorithm, such as `EdDSA,ES256`, or set TOKENSMITH_CUSTODY to `kms-data-key`"
                .to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Parses `off`, `on` for GitHub, or where somebody else publishes the keys of their reports.
fn secret_scanning(text: &str) -> Result<Option<DocumentUrl>, String> {
    match text {
        "off" => Ok(None),
        "on" => parsed(GITHUB_KEYS).map(Some),
        url => parsed(url).map(Some),
    }
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

fn off_or_required(text: &str) -> Result<bool, String> {
    match text {
        "required" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be off or required".to_owned()),
    }
}

fn algorithms(list: &str) -> Result<Vec<Algorithm>, String> {
    let mut algorithms = Vec::new();
    for name in list.split(',') {
        let algorithm = parsed(name.trim())?;
        if algorithms.contains(&algorithm) {
            return Err(format!("names {algorithm} twice"));
        }
        algorithms.push(algorithm);
    }
    Ok(algorithms)
}

/// Parses the ARN of a KMS key. An alias may mean another key tomorrow, and an id another account's, so
/// that neither could say whose a table is.
fn key_arn(arn: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/:".contains(&byte);
    let parts: Vec<_> = arn.split(':').collect();
    match parts[..] {
        ["arn", _, "kms", region, account, key]
            if !region.is_empty()
                && !account.is_empty()
                && key.strip_prefix("key/").is_some_and(|id| !id.is_empty())
                && arn.len() <= 2048
                && arn.bytes().all(allowed) =>
        {
            Ok(arn.to_owned())
        }
        _ => Err("is no ARN of a KMS key, such as \
                  arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
            .to_owned()),
    }
}

/// Parses the name of what was deployed.
///
/// # Errors
/// A message that says that the text is no such name.
pub fn revision(name: &str) -> Result<String, String> {
    match name.len() <= 128 && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(name.to_owned()),
        false => Err("is no name of at most 128 visible ASCII characters".to_owned()),
    }
}

/// The variable that names the issuer.
pub const ISSUER: &str = "TOKENSMITH_ISSUER";
/// The variable that names the table.
pub const TABLE: &str = "TOKENSMITH_TABLE";
const CUSTODY: &str = "TOKENSMITH_CUSTODY";
const KMS_KEY: &str = "TOKENSMITH_KMS_KEY";
const ALGORITHMS: &str = "TOKENSMITH_ALGS";
const ACCESS_TTL: &str = "TOKENSMITH_ACCESS_TTL";
const CACHE_TTL: &str = "TOKENSMITH_CACHE_TTL";
/// The variable that says which requests are logged.
pub const LOG: &str = "TOKENSMITH_LOG";
/// The variable that says how often authorizers and verifiers read the revocation feed.
pub const FEED_INTERVAL: &str = "TOKENSMITH_FEED_INTERVAL";
/// The variable that names what was deployed.
pub const REVISION: &str = "TOKENSMITH_REVISION";
const SECRET_SCANNING: &str = "TOKENSMITH_SECRET_SCANNING";
const DPOP_NONCE: &str = "TOKENSMITH_DPOP_NONCE";
const SIGN_IN: &str = "TOKENSMITH_SIGN_IN";
const BRAND_NAME: &str = "TOKENSMITH_BRAND_NAME";
const BRAND_LOGO: &str = "TOKENSMITH_BRAND_LOGO";
const BRAND_COLOUR: &str = "TOKENSMITH_BRAND_COLOUR";
const KEY_PERIOD: &str = "TOKENSMITH_KEY_PERIOD";
const PUBLISH_AHEAD: &str = "TOKENSMITH_KEY_PUBLISH_AHEAD";

/// Lambda sets these. Without one of them, the runtime would panic, or the SDK would ask the
/// network for a region.
const SET_BY_LAMBDA: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_REGION",
];

/// The shortest duration that a variable can have.
pub const SECOND: Duration = Duration::from_secs(1);

/// How often the revocation feed may be read. Well below the age at which a view is stale, so that one
/// failed query does not make it stale.
pub const FEED_INTERVALS: RangeInclusive<Duration> = SECOND..=Duration::from_secs(60);

/// Ten years. A longer period would mean that keys are never rotated.
const MAX_KEY_PERIOD: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
