//! What a rule demands of the claims of a foreign token.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A value that a claim must have, or how it must begin: `*` stands for the rest, and comes only at the end, after
/// `/` or `:`. So `repo:acme/*` is about the repositories of acme, and none of acme-tools.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `value` is as the pattern says.
    pub fn matches(&self, value: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => value.len() > beginning.len() && value.starts_with(beginning),
            None => value == self.0,
        }
    }

    /// Whether it tells one workload from another: it is no wildcard, or one below something that not every
    /// token of a platform begins with.
    pub(crate) fn tells_apart(&self) -> bool {
        match self.0.strip_suffix('*') {
            Some(beginning) => !EVERYBODY.contains(&beginning),
            None => true,
        }
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        if !(1..=LONGEST).contains(&text.len()) || text.chars().any(char::is_control) {
            return Err(InvalidPattern::Length);
        }
        let literal = text.strip_suffix('*');
        if literal.unwrap_or(text).contains('*')
            || literal.is_some_and(|beginning| !beginning.ends_with(['/', ':']))
        {
            return Err(InvalidPattern::Wildcard);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one claim must be. The claim is named by a JSON Pointer (RFC 6901), because names such as
/// `https://sts.amazonaws.com/` have members of their own.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Condition {
    /// Which claim.
    pub pointer: String,
    /// Its value. A number or a boolean is compared as JSON prints it.
    pub value: Pattern,
}

impl Condition {
    /// Whether `claims` have it. A list or an object is never equal to anything.
    pub fn holds(&self, claims: &Value) -> bool {
        match claims.pointer(&self.pointer) {
            Some(Value::String(text)) => self.value.matches(text),
            Some(Value::Number(number)) => self.value.as_str() == number.to_string(),
            Some(Value::Bool(truth)) => self.value.as_str() == truth.to_string(),
            _ => false,
        }
    }

    /// Whether it tells one workload from another. What says when and for whom a token was made is the same for
    /// all.
    pub(crate) fn tells_apart(&self) -> bool {
        self.value.tells_apart() && !COMMON.contains(&self.pointer.as_str())
    }
}

impl FromStr for Condition {
    type Err = InvalidPattern;

    /// `POINTER=VALUE`.
    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let (pointer, value) = text.split_once('=').ok_or(InvalidPattern::Condition)?;
        // A name alone is what most claims have.
        let pointer = match pointer.starts_with('/') {
            true => pointer.to_owned(),
            false => format!("/{}", pointer.replace('~', "~0").replace('/', "~1")),
        };
        let parts = pointer.split('/').skip(1);
        let is_escaped = |part: &str| {
            let mut after = part.split('~').skip(1);
            after.all(|rest| rest.starts_with(['0', '1']))
        };
        match pointer.len() <= LONGEST
            && parts
                .clone()
                .all(|part| !part.is_empty() && is_escaped(part))
        {
            true => Ok(Self {
                pointer,
                value: value.parse()?,
            }),
            false => Err(InvalidPattern::Condition),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.pointer, self.value)
    }
}

/// Why a text is no pattern or condition.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidPattern {
    /// It is empty, too long, or not printable.
    #[error("use 1 to {LONGEST} printable characters")]
    Length,
    /// A wildcard where it could mean more than was meant.
    #[error("`*` may only be the last character, after `/` or `:`")]
    Wildcard,
    /// Not a claim and its value.
    #[error(
        "use NAME=VALUE, or POINTER=VALUE with a JSON Pointer (RFC 6901), such as /https:~1~1sts.amazonaws.com~1/aws_account=123456789012"
    )]
    Condition,
}

/// How the subjects of everybody begin, on platforms that are widely used.
const EVERYBODY: [&str; 9] = [
    "repo:",
    "project_path:",
    "system:",
    "system:serviceaccount:",
    "arn:",
    "arn:aws:",
    "arn:aws:iam:",
    "arn:aws:iam::",
    "spiffe://",
];

/// Claims that say nothing of the workload.
const COMMON: [&str; 8] = [
    "/iss",
    "/aud",
    "/exp",
    "/iat",
    "/nbf",
    "/jti",
    "/typ",
    "/token_type",
];

const LONGEST: usize = 1024;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wildcard_ends_at_a_separator() {
        for refused in ["repo:acme*", "*", "a*b", "**", "repo:*/x", "", "a\nb"] {
            assert!(refused.parse::<Pattern>().is_err(), "{refused}");
        }
        let pattern: Pattern = "repo:acme/*".parse().expect("a pattern");
        assert!(pattern.matches("repo:acme/app:ref:refs/heads/main"));
        for other in [
            "repo:acme",
            "repo:acme/",
            "repo:acme-tools/app",
            "x:repo:acme/app",
        ] {
            assert!(!pattern.matches(other), "{other}");
        }
    }

    #[test]
    fn rfc6901_a_condition_names_a_claim_and_its_value() {
        let claims = json!({
            "sub": "s", "n": 5, "t": true, "list": ["a"], "a/b": "c",
            "https://sts.amazonaws.com/": { "aws_account": "123456789012" },
        });
        for (condition, holds) in [
            ("sub=s", true),
            ("/sub=s", true),
            ("sub=S", false),
            ("n=5", true),
            ("n=05", false),
            ("t=true", true),
            ("list=a", false),
            ("a/b=c", true),
            ("missing=a", false),
            (
                "/https:~1~1sts.amazonaws.com~1/aws_account=123456789012",
                true,
            ),
            (
                "/https:~1~1sts.amazonaws.com~1/aws_account=123456789013",
                false,
            ),
        ] {
            let parsed: Condition = condition.parse().expect(condition);
            assert_eq!(parsed.holds(&claims), holds, "{condition}");
        }
        for refused in ["sub", "=s", "/=s", "//a=s", "/a~2=s", "sub="] {
            assert!(refused.parse::<Condition>().is_err(), "{refused}");
        }
    }

    #[test]
    fn what_everybody_has_tells_nobody_apart() {
        for (pattern, tells) in [
            ("repo:*", false),
            ("system:serviceaccount:*", false),
            ("system:serviceaccount:shop:*", true),
            ("repo:acme/*", true),
            ("anything", true),
        ] {
            let parsed: Pattern = pattern.parse().expect(pattern);
            assert_eq!(parsed.tells_apart(), tells, "{pattern}");
        }
    }
}
