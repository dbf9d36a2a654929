//! Single environment variables, and the error for a bad one.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

/// The value of a variable of this process.
pub fn of_process(name: &str) -> Option<String> {
    // A value that is not UTF-8 becomes one that no parser accepts.
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// An environment variable that is missing or malformed, so that the function cannot start.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{name} {problem}")]
pub struct BadVariable {
    /// Its name.
    pub name: &'static str,
    /// What is wrong with it, never its value.
    pub problem: String,
}

/// The variables that a function finds; an empty one counts as absent.
#[derive(Clone, Copy, Debug)]
pub struct Variables<F>(F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    /// The variables that `value_of` finds.
    pub const fn new(value_of: F) -> Self {
        Self(value_of)
    }

    /// A variable that must be set.
    ///
    /// # Errors
    /// [`BadVariable`] when it is absent or `parse` refuses it.
    pub fn required<T>(&self, name: &'static str, parse: Parse<T>) -> Result<T, BadVariable> {
        self.optional(name, parse)?.ok_or_else(|| BadVariable {
            name,
            problem: "is required".to_owned(),
        })
    }

    /// A variable that may be absent.
    ///
    /// # Errors
    /// [`BadVariable`] when `parse` refuses it.
    pub fn optional<T>(
        &self,
        name: &'static str,
        parse: Parse<T>,
    ) -> Result<Option<T>, BadVariable> {
        match self.0(name).filter(|value| !value.is_empty()) {
            Some(value) => match parse(&value) {
                Ok(parsed) => Ok(Some(parsed)),
                Err(problem) => Err(BadVariable { name, problem }),
            },
            None => Ok(None),
        }
    }

    /// A duration, such as `15m`, that may be absent.
    ///
    /// # Errors
    /// [`BadVariable`] when it is malformed or outside of `range`.
    pub fn duration(
        &self,
        name: &'static str,
        range: RangeInclusive<Duration>,
    ) -> Result<Option<Duration>, BadVariable> {
        match self.optional(name, duration)? {
            Some(duration) if !range.contains(&duration) => Err(BadVariable {
                name,
                problem: format!(
                    "must be from {} to {}",
                    humantime::format_duration(*range.start()),
                    humantime::format_duration(*range.end())
                ),
            }),
            duration => Ok(duration),
        }
    }
}

/// Parses a value, or says what is wrong with it.
pub type Parse<T> = fn(&str) -> Result<T, String>;

/// Parses a value of a type that has its own parser.
///
/// # Errors
/// The error of that parser.
pub fn parsed<T: FromStr<Err: Display>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|err| format!("is malformed: {err}"))
}

/// Parses a duration in whole seconds, which is the resolution of the times in tokens.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = humantime::parse_duration(text);
    let duration = duration.map_err(|err| format!("is no duration such as 15m: {err}"))?;
    match duration.subsec_nanos() {
        0 => Ok(duration),
        _ => Err("must be whole seconds".to_owned()),
    }
}

/// Parses the name of a table, by DynamoDB's rules.
///
/// # Errors
/// A message that says that the text is not a table name.
pub fn table_name(name: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    match (3..=255).contains(&name.len()) && name.bytes().all(allowed) {
        true => Ok(name.to_owned()),
        false => Err("is no table name".to_owned()),
    }
}
