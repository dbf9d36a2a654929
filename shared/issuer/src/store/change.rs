//! An update of one item, and its conditions.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use super::item::{
    ATTEMPT, Item, PK, REVISION, SCHEMA, SCHEMA_WRITTEN, Stored, TTL, encode, number,
};
use super::{Record, StoreError};
use tokensmith_verifier::Timestamp;

/// A conditional change of one item.
#[derive(Debug, Default)]
pub struct Change {
    set: BTreeMap<String, AttributeValue>,
    set_if_absent: BTreeMap<String, AttributeValue>,
    remove: Vec<String>,
    conditions: Vec<Condition>,
    pub(super) single_attempt: bool,
}

#[derive(Debug)]
enum Condition {
    Exists,
    Equals(&'static str, AttributeValue),
    Absent(&'static str),
    AbsentOrLess(&'static str, AttributeValue),
}

impl Change {
    /// Turns `current` into `wanted`, unless anything was written since `current` was read.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the records cannot be serialized.
    pub fn between<R: Record>(current: &Stored<R>, wanted: &R) -> Result<Self, StoreError> {
        let mut old = encode(&current.record)?;
        let mut change = Self::default();
        for (name, value) in encode(wanted)? {
            if old.remove(&name).as_ref() != Some(&value) {
                change.set.insert(name, value);
            }
        }
        change.remove = old.into_keys().collect();
        change.conditions = vec![
            Condition::Exists,
            Condition::Equals(REVISION, number(current.revision)),
        ];
        Ok(change)
    }

    /// A change of a record that was not read, or of attributes that nothing else changes. It never
    /// creates a record.
    pub fn of_existing() -> Self {
        Self {
            conditions: vec![Condition::Exists],
            ..Self::default()
        }
    }

    /// Sets an attribute.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the value cannot be serialized.
    pub fn set(mut self, name: &'static str, value: impl Serialize) -> Result<Self, StoreError> {
        self.set.insert(name.to_owned(), attribute(name, value)?);
        Ok(self)
    }

    /// Sets an attribute unless it is there.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the value cannot be serialized.
    pub fn set_if_absent(
        mut self,
        name: &'static str,
        value: impl Serialize,
    ) -> Result<Self, StoreError> {
        let value = attribute(name, value)?;
        self.set_if_absent.insert(name.to_owned(), value);
        Ok(self)
    }

    /// Sets every attribute of `values`, a struct.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the values cannot be serialized.
    pub fn set_all(mut self, values: impl Serialize) -> Result<Self, StoreError> {
        let values: Item = serde_dynamo::to_item(values).map_err(|err| unprintable("", &err))?;
        self.set.extend(values);
        Ok(self)
    }

    /// Sets the time to live.
    pub fn expiring(mut self, at: Timestamp) -> Self {
        self.set.insert(TTL.to_owned(), number(at.seconds()));
        self
    }

    /// Adds the condition that the attribute has this value.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when the value cannot be serialized.
    pub fn if_equal(
        mut self,
        name: &'static str,
        value: impl Serialize,
    ) -> Result<Self, StoreError> {
        let value = attribute(name, value)?;
        self.conditions.push(Condition::Equals(name, value));
        Ok(self)
    }

    /// Adds the condition that there is no such attribute.
    pub fn if_absent(mut self, name: &'static str) -> Self {
        self.conditions.push(Condition::Absent(name));
        self
    }

    /// Adds the condition that the attribute is absent or smaller.
    pub fn if_absent_or_less(mut self, name: &'static str, than: Timestamp) -> Self {
        let than = number(than.seconds());
        self.conditions.push(Condition::AbsentOrLess(name, than));
        self
    }

    /// Keeps the SDK from retrying the update, because each attempt needs a new timestamp.
    pub fn single_attempt(mut self) -> Self {
        self.single_attempt = true;
        self
    }

    /// The expressions of the one `UpdateItem` that carries this change out.
    pub(super) fn expressions(self, attempt: &str) -> Expressions {
        let mut out = Expressions::default();
        let mut sets = Vec::new();
        let own = (ATTEMPT.to_owned(), AttributeValue::S(attempt.to_owned()));
        for (name, value) in self.set.into_iter().chain([own]) {
            sets.push(format!("{} = {}", out.name(&name), out.value(value)));
        }
        for (name, value) in self.set_if_absent {
            let name = out.name(&name);
            sets.push(format!(
                "{name} = if_not_exists({name}, {})",
                out.value(value)
            ));
        }
        // Never lowers the schema version of an item that a later release has written.
        let (schema, written) = (out.name(SCHEMA), out.value(number(SCHEMA_WRITTEN)));
        sets.push(format!("{schema} = if_not_exists({schema}, {written})"));
        let revision = out.name(REVISION);
        let (zero, one) = (out.value(number(0)), out.value(number(1)));
        sets.push(format!(
            "{revision} = if_not_exists({revision}, {zero}) + {one}"
        ));
        out.update = format!("SET {}", sets.join(", "));
        if !self.remove.is_empty() {
            let removes: Vec<_> = self.remove.iter().map(|name| out.name(name)).collect();
            out.update = format!("{} REMOVE {}", out.update, removes.join(", "));
        }
        let conditions: Vec<_> = self
            .conditions
            .into_iter()
            .map(|condition| match condition {
                Condition::Exists => format!("attribute_exists({})", out.name(PK)),
                Condition::Equals(name, value) => {
                    format!("{} = {}", out.name(name), out.value(value))
                }
                Condition::Absent(name) => format!("attribute_not_exists({})", out.name(name)),
                Condition::AbsentOrLess(name, value) => {
                    let (name, value) = (out.name(name), out.value(value));
                    format!("(attribute_not_exists({name}) OR {name} < {value})")
                }
            })
            .collect();
        out.condition = (!conditions.is_empty()).then(|| conditions.join(" AND "));
        out
    }
}

pub(super) fn attribute(
    name: &'static str,
    value: impl Serialize,
) -> Result<AttributeValue, StoreError> {
    serde_dynamo::to_attribute_value(value).map_err(|err| unprintable(name, &err))
}

fn unprintable(name: &str, err: &serde_dynamo::Error) -> StoreError {
    StoreError::Unreadable {
        key: name.to_owned(),
        reason: err.to_string(),
    }
}

/// The expressions of an `UpdateItem`, with their placeholders.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    pub update: String,
    pub condition: Option<String>,
    pub names: HashMap<String, String>,
    pub values: Item,
}

impl Expressions {
    /// Adds `permits` to `counter`, if the sum is at most `at_most`. DynamoDB may delete it at `expires_at`.
    pub(super) fn lease(counter: &str, permits: u64, at_most: u64, expires_at: u64) -> Self {
        let mut out = Self::default();
        let sets = [
            format!("{} = {}", out.name(TTL), out.value(number(expires_at))),
            format!(
                "{} = {}",
                out.name(SCHEMA),
                out.value(number(SCHEMA_WRITTEN))
            ),
        ];
        let name = out.name(counter);
        out.update = format!(
            "SET {} ADD {name} {}",
            sets.join(", "),
            out.value(number(permits))
        );
        out.condition = Some(match at_most.checked_sub(permits) {
            Some(room) => {
                let room = out.value(number(room));
                format!("attribute_not_exists({name}) OR {name} <= {room}")
            }
            // Even an absent counter has no room for that.
            None => format!("{name} < {}", out.value(number(0))),
        });
        out
    }

    fn name(&mut self, name: &str) -> String {
        let placeholder = format!("#{name}");
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }
}
