use std::str::FromStr;

use super::{Expression, RequiredScopes};

/// Why a text is not a scope expression.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidScopes {
    /// A scope was expected: at the start, after `&`, `|` or `(`.
    #[error("a scope is missing")]
    MissingScope,
    /// `&` or `|` was expected: two scopes stand side by side.
    #[error("`&` or `|` is missing between two scopes")]
    MissingOperator,
    /// A parenthesis or a quote without its counterpart.
    #[error("a parenthesis or a quote is not closed, or was not opened")]
    Unbalanced,
    /// A character that no scope token may contain (RFC 6749 §3.3).
    #[error("a scope is printable ASCII without space, quote or backslash")]
    ForbiddenCharacter,
    /// Parentheses are nested more than 16 deep.
    #[error("the parentheses are nested too deeply")]
    TooDeep,
}

impl FromStr for RequiredScopes {
    type Err = InvalidScopes;

    fn from_str(text: &str) -> Result<Self, InvalidScopes> {
        let mut rest = Parser { rest: text };
        if rest.peek().is_none() {
            return Ok(Self::nothing());
        }
        let expression = rest.any_of(0)?;
        match rest.peek() {
            None => Ok(Self(Some(expression))),
            Some(')') => Err(InvalidScopes::Unbalanced),
            Some(_) => Err(InvalidScopes::MissingOperator),
        }
    }
}

impl TryFrom<String> for RequiredScopes {
    type Error = InvalidScopes;

    fn try_from(text: String) -> Result<Self, InvalidScopes> {
        text.parse()
    }
}

/// By recursive descent, one function for each level of precedence.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn any_of(&mut self, depth: usize) -> Result<Expression, InvalidScopes> {
        let mut members = vec![self.all_of(depth)?];
        while self.take('|') {
            members.push(self.all_of(depth)?);
        }
        Ok(Expression::any_of(members))
    }

    fn all_of(&mut self, depth: usize) -> Result<Expression, InvalidScopes> {
        let mut members = vec![self.member(depth)?];
        while self.take('&') {
            members.push(self.member(depth)?);
        }
        Ok(Expression::all_of(members))
    }

    fn member(&mut self, depth: usize) -> Result<Expression, InvalidScopes> {
        if self.take('(') {
            if depth == MAX_DEPTH {
                return Err(InvalidScopes::TooDeep);
            }
            let inner = self.any_of(depth + 1)?;
            return match self.peek() {
                Some(')') => {
                    self.take(')');
                    Ok(inner)
                }
                Some(_) => Err(InvalidScopes::MissingOperator),
                None => Err(InvalidScopes::Unbalanced),
            };
        }
        let scope = if self.take('"') {
            let (scope, rest) = self.rest.split_once('"').ok_or(InvalidScopes::Unbalanced)?;
            self.rest = rest;
            scope
        } else {
            let end = self
                .rest
                .find(|c: char| c == ' ' || c == '"' || is_operator(c));
            self.split_off(end.unwrap_or(self.rest.len()))
        };
        match scope {
            "" => Err(InvalidScopes::MissingScope),
            _ if scope.bytes().all(is_scope_byte) => Ok(Expression::Scope(scope.to_owned())),
            _ => Err(InvalidScopes::ForbiddenCharacter),
        }
    }

    /// The next character that is not a space.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start_matches(' ');
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.split_off(wanted.len_utf8());
        }
        there
    }

    fn split_off(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

impl Expression {
    fn all_of(members: Vec<Self>) -> Self {
        let flat = members.into_iter().flat_map(|member| match member {
            Self::AllOf(inner) => inner,
            other => vec![other],
        });
        Self::alone_or(flat.collect(), Self::AllOf)
    }

    fn any_of(members: Vec<Self>) -> Self {
        let flat = members.into_iter().flat_map(|member| match member {
            Self::AnyOf(inner) => inner,
            other => vec![other],
        });
        Self::alone_or(flat.collect(), Self::AnyOf)
    }

    fn alone_or(mut members: Vec<Self>, several: fn(Vec<Self>) -> Self) -> Self {
        match members.len() {
            1 => members.remove(0),
            _ => several(members),
        }
    }
}

pub(super) fn is_operator(c: char) -> bool {
    matches!(c, '&' | '|' | '(' | ')')
}

/// RFC 6749 §3.3.
fn is_scope_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

/// Bounds the recursion, so that no expression can overflow the stack.
const MAX_DEPTH: usize = 16;
