//! Which clients `client list` shows.

use clap::Args;
use tokensmith_issuer::GrantType;
use tokensmith_issuer::names::{Audience, ClientId, Scope};
use tokensmith_issuer::store::records::Client;

use super::registration::parse_grant_type;
use crate::Failure;
use crate::one_value::{one_audience, one_scope};

/// What a client must have to be shown.
#[derive(Args)]
pub struct Filter {
    /// Only clients whose id starts with this
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Only clients that are disabled (true) or not (false)
    #[arg(long, value_name = "BOOL")]
    disabled: Option<bool>,
    /// Only public clients (true), or those with a secret (false)
    #[arg(long, value_name = "BOOL")]
    public: Option<bool>,
    /// Only clients that may use this grant type
    #[arg(long = "grant", value_name = "GRANT", value_parser = parse_grant_type)]
    grant_type: Option<GrantType>,
    /// Only clients that may request this scope
    #[arg(long, value_name = "SCOPE", value_parser = one_scope)]
    scope: Option<Scope>,
    /// Only clients that may request tokens for this resource
    #[arg(long, value_name = "URI", value_parser = one_audience)]
    audience: Option<Audience>,
}

impl Filter {
    /// What the id must start with.
    pub fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or_default()
    }

    /// A list of clients with a prefix begins behind one of them, or at its first.
    pub fn check(&self, after: Option<&ClientId>) -> Result<(), Failure> {
        match after.is_none_or(|after| after.as_str().starts_with(self.prefix())) {
            true => Ok(()),
            false => Err(Failure::wrong_call("--after must start with --prefix")),
        }
    }

    /// Whether a client is shown.
    pub fn keeps(&self, client: &Client) -> bool {
        let is = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
        let scopes = |scope: &Scope| {
            client
                .scopes
                .contains_all(&[scope.clone()].into_iter().collect())
        };
        is(self.disabled, client.disabled)
            && is(self.public, client.is_public())
            && self
                .grant_type
                .is_none_or(|one| client.grant_types.contains(&one))
            && self.scope.as_ref().is_none_or(scopes)
            && self
                .audience
                .as_ref()
                .is_none_or(|one| one.registered_in(&client.audiences).is_some())
    }
}
