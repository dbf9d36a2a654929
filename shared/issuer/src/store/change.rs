//! What an update does, and the condition under which it does it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

use super::item::{
    ATTEMPT, Item, PK, REVISION, SCHEMA, SCHEMA_WRITTEN, Stored, TTL, encode, number,
};
use super::{Record, StoreError};

/// A conditional change of one item.
#[derive(Debug, Default)]
pub struct Change {
    set: BTreeMap<String, AttributeValue>,
    remove: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
enum Condition {
    Exists,
    Equals(String, AttributeValue),
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
            Condition::Equals(REVISION.to_owned(), number(current.revision)),
        ];
        Ok(change)
    }

    /// The expressions of the one `UpdateItem` that carries this change out.
    pub(super) fn expressions(self, attempt: &str) -> Expressions {
        let mut out = Expressions::default();
        let mut sets = Vec::new();
        let own = [
            (ATTEMPT.to_owned(), AttributeValue::S(attempt.to_owned())),
            (SCHEMA.to_owned(), number(SCHEMA_WRITTEN)),
        ];
        for (name, value) in self.set.into_iter().chain(own) {
            sets.push(format!("{} = {}", out.name(&name), out.value(value)));
        }
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
                    format!("{} = {}", out.name(&name), out.value(value))
                }
            })
            .collect();
        out.condition = (!conditions.is_empty()).then(|| conditions.join(" AND "));
        out
    }
}

/// An `UpdateItem`'s expressions with their placeholders.
#[derive(Debug, Default)]
pub(super) struct Expressions {
    pub update: String,
    pub condition: Option<String>,
    pub names: HashMap<String, String>,
    pub values: Item,
}

impl Expressions {
    /// Adds one to `counter`, which DynamoDB may delete at `expires_at`.
    pub(super) fn count(counter: &str, expires_at: u64) -> Self {
        let mut out = Self::default();
        let sets = [
            format!("{} = {}", out.name(TTL), out.value(number(expires_at))),
            format!(
                "{} = {}",
                out.name(SCHEMA),
                out.value(number(SCHEMA_WRITTEN))
            ),
        ];
        out.update = format!(
            "SET {} ADD {} {}",
            sets.join(", "),
            out.name(counter),
            out.value(number(1))
        );
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
