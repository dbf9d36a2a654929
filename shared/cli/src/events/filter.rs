//! Which events are shown.

use clap::Args;
use serde_json::Value;
use tokensmith_issuer::credential::{ApiKeyId, GrantId};
use tokensmith_issuer::names::ClientId;

use super::text;
use crate::api_key::key_id;

/// What an event must have.
#[derive(Args)]
pub struct Filter {
    /// Only events about this client
    #[arg(long, value_name = "ID")]
    client: Option<ClientId>,
    /// Only events about this grant
    // One id in 64 begins with a hyphen.
    #[arg(long, value_name = "GRANT", allow_hyphen_values = true)]
    grant: Option<GrantId>,
    /// Only events about this API key, by its public id or the public part `tksmk_ID`; also how it replaced another
    #[arg(long, value_name = "KEY", value_parser = key_id)]
    key: Option<ApiKeyId>,
    /// Only events of this name, such as issued or client_created; may be repeated
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// Only events with this outcome: ok, denied or unavailable, and of changes begun, done, refused or failed; may be repeated
    #[arg(long = "outcome", value_name = "OUTCOME", value_parser = OUTCOMES)]
    outcomes: Vec<String>,
}

impl Filter {
    /// Whether the event is shown.
    pub fn keeps(&self, line: &Value) -> bool {
        let is_one_of = |names: &[String], name| {
            names.is_empty() || names.iter().any(|one| one == text(line, name))
        };
        let client = self.client.as_ref().map(ToString::to_string);
        let grant = self.grant.map(|grant| grant.to_string());
        let key = self.key.as_ref().map(ToString::to_string);
        client.is_none_or(|client| text(line, "client") == client)
            && grant.is_none_or(|grant| text(line, "grant") == grant)
            && key.is_none_or(|key| text(line, "key") == key || text(line, "replaced_by") == key)
            && is_one_of(&self.events, "event")
            && is_one_of(&self.outcomes, "outcome")
    }

    /// The pattern by which CloudWatch looks for lines that may be shown, so that it does not send all others.
    pub fn pattern(&self) -> Option<String> {
        let client = self
            .client
            .as_ref()
            .map(|id| format!("$.client = \"{id}\""));
        let grant = self.grant.map(|id| format!("$.grant = \"{id}\""));
        let key = self.key.as_ref().map(|id| format!("$.key = \"{id}\""));
        let all: Vec<String> = [client, grant, key].into_iter().flatten().collect();
        (!all.is_empty()).then(|| format!("{{ {} }}", all.join(" && ")))
    }
}

const OUTCOMES: [&str; 7] = [
    "ok",
    "denied",
    "unavailable",
    "begun",
    "done",
    "refused",
    "failed",
];
