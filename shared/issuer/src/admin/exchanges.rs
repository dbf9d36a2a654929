//! The word of a resource for what tokens for others may be exchanged, as an operator writes it.

use std::fmt;
use std::str::FromStr;

use super::{Administrator, ResourceChanges, ResourceError};
use crate::names::{Audience, InvalidName, Scope};
use crate::store::records::{ExchangeRule, Resource};

/// `FROM:SCOPE=SCOPE`: a token for the resource `FROM` with the first scope may be exchanged for one with the second.
///
/// A URI and a scope may both have colons, so that it is read in each way that makes sense; what is registered tells which
/// of them is meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WrittenExchange {
    text: String,
    /// The longest URI first.
    readings: Vec<ExchangeRule>,
}

impl WrittenExchange {
    fn means(&self, rule: &ExchangeRule) -> bool {
        let mut readings = self.readings.iter();
        readings.any(|one| {
            let is_same = one.from.is_same_as(&rule.from);
            is_same && one.scope == rule.scope && one.becomes == rule.becomes
        })
    }
}

impl FromStr for WrittenExchange {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid =
            InvalidName("an exchange is FROM:SCOPE=SCOPE, where FROM is the URI of a resource");
        let (left, becomes) = text.rsplit_once('=').ok_or(invalid)?;
        let becomes: Scope = becomes.parse()?;
        let reading = |at: usize| {
            Some(ExchangeRule {
                from: left[..at].parse::<Audience>().ok()?,
                scope: left[at + 1..].parse().ok()?,
                becomes: becomes.clone(),
            })
        };
        let colons = left.rmatch_indices(':').map(|(at, _)| at);
        let readings: Vec<_> = colons.filter_map(reading).take(MAX_READINGS).collect();
        match readings.is_empty() {
            true => Err(invalid),
            false => Ok(Self {
                text: text.to_owned(),
                readings,
            }),
        }
    }
}

impl fmt::Display for WrittenExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Administrator {
    /// What the exchanges of a change mean: the resources and scopes that they name must be registered.
    ///
    /// # Errors
    /// [`ResourceError`] when one of them is not, or the table fails.
    pub(super) async fn exchange_rules(
        &self,
        uri: &Audience,
        changes: &ResourceChanges,
    ) -> Result<Vec<ExchangeRule>, ResourceError> {
        let mut rules = Vec::new();
        for written in changes.exchanges.iter().chain(&changes.added_exchanges) {
            rules.push(self.exchange_rule(uri, written).await?);
        }
        Ok(rules)
    }

    async fn exchange_rule(
        &self,
        uri: &Audience,
        written: &WrittenExchange,
    ) -> Result<ExchangeRule, ResourceError> {
        for reading in &written.readings {
            if reading.from.is_same_as(uri) {
                continue;
            }
            let found = self.table.get(&Resource::key_of(&reading.from)).await?;
            if let Some(from) = found
                && from.scopes().has(reading.scope.as_str())
            {
                return Ok(ExchangeRule {
                    from: from.record.uri,
                    ..reading.clone()
                });
            }
        }
        Err(ResourceError::UnknownExchange(written.clone()))
    }
}

impl ResourceChanges {
    /// Sets what a resource takes; `rules` is what the exchanges of the change mean.
    pub(super) fn apply_exchanges(
        &self,
        resource: &mut Resource,
        rules: &[ExchangeRule],
    ) -> Result<(), ResourceError> {
        if !self.exchanges.is_empty() {
            resource.exchanges.clear();
        }
        for rule in rules {
            if !resource.scopes().has(rule.becomes.as_str()) {
                return Err(ResourceError::ExchangeNotDefined(rule.becomes.clone()));
            }
            if !resource.exchanges.contains(rule) {
                resource.exchanges.push(rule.clone());
            }
        }
        for removed in &self.removed_exchanges {
            let before = resource.exchanges.len();
            resource.exchanges.retain(|rule| !removed.means(rule));
            if resource.exchanges.len() == before {
                return Err(ResourceError::ExchangeNotThere(removed.clone()));
            }
        }
        Ok(())
    }
}

/// Bounds the reads of a change.
const MAX_READINGS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn readings(text: &str) -> Vec<String> {
        let written: WrittenExchange = text.parse().expect("an exchange");
        let readings = written.readings.iter();
        readings
            .map(|rule| format!("{} {} {}", rule.from, rule.scope, rule.becomes))
            .collect()
    }

    #[test]
    fn an_exchange_is_read_from_the_right() {
        assert_eq!(
            readings("https://a.example/v1:read=look"),
            ["https://a.example/v1 read look"]
        );
        assert_eq!(
            readings("https://a.example/v1?x=1:orders:read=stock:look"),
            [
                "https://a.example/v1?x=1:orders read stock:look",
                "https://a.example/v1?x=1 orders:read stock:look",
            ]
        );
        for wrong in [
            "",
            "https://a.example/",
            "https://a.example/:read",
            "a=b",
            ":a=b",
            "https://a.example/:=b",
        ] {
            assert!(wrong.parse::<WrittenExchange>().is_err(), "{wrong}");
        }
    }
}
