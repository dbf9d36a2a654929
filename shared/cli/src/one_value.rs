//! Options that are repeated: a list in one of them is not what its user means. And options that are a name with a value.

use std::str::FromStr;

use serde_json::Value;
use tokensmith_issuer::names::{Audience, Scope};

/// Parses a scope. RFC 6749 §3.3 allows a comma in one, but here it is a list.
pub fn one_scope(text: &str) -> Result<Scope, String> {
    match text.contains(',') {
        true => Err(repeat("scope")),
        false => Scope::from_str(text).map_err(|err| err.to_string()),
    }
}

/// Parses an audience.
pub fn one_audience(text: &str) -> Result<Audience, String> {
    let audience = Audience::from_str(text).map_err(|err| err.to_string())?;
    match audience.is_list() {
        true => Err(repeat("audience")),
        false => Ok(audience),
    }
}

/// Parses `NAME=JSON`.
pub fn named_json(text: &str) -> Result<(String, Value), String> {
    let parts = text
        .split_once('=')
        .ok_or("a claim has a value: NAME=JSON")?;
    let value = serde_json::from_str(parts.1);
    let value = value
        .map_err(|err| format!("the value is not JSON, where text stands in quotes: {err}"))?;
    Ok((parts.0.to_owned(), value))
}

fn repeat(name: &str) -> String {
    format!("a comma separates nothing here: repeat the option for each {name}")
}
