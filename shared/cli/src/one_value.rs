//! Options that are repeated: a list in one of them is not what its user means.

use std::str::FromStr;

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

fn repeat(name: &str) -> String {
    format!("a comma separates nothing here: repeat the option for each {name}")
}
