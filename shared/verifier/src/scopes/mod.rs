//! The scopes that a request needs.

mod parse;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use parse::InvalidScopes;

/// The scopes that a token must have: an expression of scope tokens (RFC 6749 §3.3), `&`, `|` and
/// parentheses, where `&` binds tighter than `|`. The empty expression requires nothing.
///
/// ```
/// use tokensmith_verifier::RequiredScopes;
///
/// let required: RequiredScopes = "orders:read & (orders:write | admin)".parse()?;
/// assert!(required.are_met_by(|scope| ["orders:read", "admin"].contains(&scope)));
/// assert!(!required.are_met_by(|scope| scope == "orders:read"));
/// # Ok::<(), tokensmith_verifier::InvalidScopes>(())
/// ```
///
/// A scope that contains `&`, `|`, `(` or `)` itself is written in quotes, which no scope can
/// contain: `"a&b" | c`. `Display` prints the expression so that it parses again to the same.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequiredScopes(Option<Expression>);

/// Conjunctions and disjunctions have at least two members, none of which is of the same kind.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Expression {
    Scope(String),
    AllOf(Vec<Self>),
    AnyOf(Vec<Self>),
}

impl RequiredScopes {
    /// Requires nothing: every valid token is enough.
    pub const fn nothing() -> Self {
        Self(None)
    }

    /// Whether the scopes for which `granted` is true are enough.
    pub fn are_met_by(&self, granted: impl Fn(&str) -> bool) -> bool {
        let expression = self.0.as_ref();
        expression.is_none_or(|expression| expression.is_met_by(&granted))
    }

    /// Scopes that are enough, space-separated, for the `scope` of a challenge (RFC 6750 §3). Of
    /// alternatives it names the first, so write the one with the least privilege first.
    pub fn sufficient(&self) -> String {
        let mut scopes = Vec::new();
        if let Some(expression) = &self.0 {
            expression.collect_sufficient(&mut scopes);
        }
        scopes.join(" ")
    }
}

impl Expression {
    fn is_met_by(&self, granted: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Scope(scope) => granted(scope),
            Self::AllOf(members) => members.iter().all(|member| member.is_met_by(granted)),
            Self::AnyOf(members) => members.iter().any(|member| member.is_met_by(granted)),
        }
    }

    fn collect_sufficient<'a>(&'a self, scopes: &mut Vec<&'a str>) {
        match self {
            Self::Scope(scope) if scopes.contains(&scope.as_str()) => {}
            Self::Scope(scope) => scopes.push(scope),
            Self::AllOf(members) => {
                members
                    .iter()
                    .for_each(|member| member.collect_sufficient(scopes));
            }
            Self::AnyOf(members) => {
                members
                    .iter()
                    .take(1)
                    .for_each(|member| member.collect_sufficient(scopes));
            }
        }
    }
}

impl fmt::Display for RequiredScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .as_ref()
            .map_or(Ok(()), |expression| expression.fmt(f))
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (members, separator) = match self {
            Self::Scope(scope) if scope.contains(parse::is_operator) => {
                return write!(f, "\"{scope}\"");
            }
            Self::Scope(scope) => return f.write_str(scope),
            Self::AllOf(members) => (members, " & "),
            Self::AnyOf(members) => (members, " | "),
        };
        for (index, member) in members.iter().enumerate() {
            if index > 0 {
                f.write_str(separator)?;
            }
            match (self, member) {
                (Self::AllOf(_), Self::AnyOf(_)) => write!(f, "({member})")?,
                _ => member.fmt(f)?,
            }
        }
        Ok(())
    }
}

impl From<RequiredScopes> for String {
    fn from(required: RequiredScopes) -> Self {
        required.to_string()
    }
}
