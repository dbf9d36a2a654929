//! `--field`: one member of an answer, for a shell.

use std::convert::Infallible;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

use crate::Failure;

/// The name of a member; a dot leads into an object, and a number into an array.
#[derive(Clone, Debug)]
pub struct Field(String);

impl FromStr for Field {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Ok(Self(name.to_owned()))
    }
}

impl Field {
    /// The member with this name.
    pub fn called(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The member of `answer` as a line: text as it is, and anything else as JSON.
    ///
    /// # Errors
    /// When there is no such member.
    pub fn of(&self, answer: &impl Serialize) -> Result<String, Failure> {
        let answer = serde_json::to_value(answer)?;
        let pointer = format!("/{}", self.0.replace('.', "/"));
        match answer.pointer(&pointer) {
            Some(Value::String(text)) => Ok(format!("{text}\n")),
            Some(other) => Ok(format!("{other}\n")),
            None => Err(Failure::new(format!(
                "the answer has no {}: it has {}",
                self.0,
                names(&answer)
            ))),
        }
    }
}

fn names(answer: &Value) -> String {
    let members = answer.as_object().into_iter().flatten();
    let names: Vec<_> = members.map(|(name, _)| name.as_str()).collect();
    names.join(", ")
}
