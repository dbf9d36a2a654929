//! The section of the clients.

use maud::{Markup, html};
use tokensmith_issuer::admin::Administrator;
use tokensmith_issuer::store::StoreError;
use tokensmith_issuer::store::records::{AuthenticationMethod, Client};

/// The first clients, in the order of their ids.
pub(super) struct FirstClients {
    pub(super) shown: Vec<Client>,
    /// How many of them cannot be read.
    unreadable: usize,
    more: bool,
}

impl FirstClients {
    /// Reads one page of the list, so that a page of thousands of clients costs no more than one of a few.
    pub(super) async fn read(admin: &Administrator) -> Result<Self, StoreError> {
        let mut pages = admin.list_clients("", None);
        let first = pages.next().await?.unwrap_or_default();
        let more = pages.next().await?.is_some_and(|page| !page.is_empty());
        let length = first.len();
        let shown: Vec<Client> = first.into_iter().flatten().collect();
        let unreadable = length - shown.len();
        Ok(Self {
            shown,
            unreadable,
            more,
        })
    }

    pub(super) fn section(&self) -> Markup {
        html! {
            section aria-labelledby="clients" {
                h2 id="clients" { "Clients" }
                @if self.shown.is_empty() {
                    p { "None. " code { "tokensmith client create --id NAME" } " makes one." }
                } @else {
                    div .scroll role="region" aria-labelledby="clients" tabindex="0" {
                        table {
                            thead { tr {
                                th scope="col" { "Client" }
                                th scope="col" { "State" }
                                th scope="col" { "Authentication" }
                                th scope="col" { "Grants" }
                                th scope="col" { "Scopes" }
                                th scope="col" { "Audiences" }
                            } }
                            tbody { @for client in &self.shown { (row(client)) } }
                        }
                    }
                }
                @if self.unreadable > 0 {
                    p { (self.unreadable) " cannot be read: " code { "tokensmith client list" } " says why." }
                }
                @if self.more {
                    p { "And more: " code { "tokensmith client list" } }
                }
            }
        }
    }
}

fn row(client: &Client) -> Markup {
    let (class, state) = match client.disabled {
        true => ("denied", "disabled"),
        false => ("ok", "enabled"),
    };
    html! {
        tr {
            th scope="row" { code { (client.id) } }
            td { span .state.(class) { (state) } }
            td { (authentication(client)) }
            td { @for grant in &client.grant_types { code { (grant.as_str()) } " " } }
            td { @for scope in client.scopes.iter() { code { (scope) } " " } }
            td { @for audience in &client.audiences { code { (audience) } " " } }
        }
    }
}

fn authentication(client: &Client) -> String {
    let secrets = match client.secrets.len() {
        1 => "1 secret".to_owned(),
        count => format!("{count} secrets"),
    };
    match client.authentication {
        Some(AuthenticationMethod::None) => "public".to_owned(),
        Some(AuthenticationMethod::ClientSecretBasic) => format!("{secrets}, by header"),
        Some(AuthenticationMethod::ClientSecretPost) => format!("{secrets}, in the form"),
        Some(AuthenticationMethod::PrivateKeyJwt) => "its own keys".to_owned(),
        Some(AuthenticationMethod::Federation) => "tokens of another issuer".to_owned(),
        None => secrets,
    }
}
