//! Commands that work as they stand when they are pasted into a shell. None has a secret in it: `curl` asks for
//! the client's, so that it is in no history and in no list of processes either.

use std::path::{Path, PathBuf};

use maud::{Markup, html};
use tokensmith_issuer::GrantType;
use tokensmith_issuer::endpoint::{self, Endpoint};
use tokensmith_issuer::store::records::{AuthenticationMethod, Client};
use tokensmith_verifier::paths;

/// Where the command `tokensmith` and the data are.
#[derive(Debug)]
pub(super) struct Shell {
    pub(super) program: PathBuf,
    pub(super) directory: PathBuf,
}

impl Shell {
    /// What a shell has to know before it finds `tokensmith` and these data.
    fn setup(&self) -> String {
        let folder = self.program.parent().unwrap_or_else(|| Path::new("."));
        let [folder, directory] =
            [folder, &self.directory].map(|path| quoted(&path.to_string_lossy()));
        format!(r#"export PATH={folder}:"$PATH" TOKENSMITH_DATA={directory}"#)
    }
}

/// The section of the endpoints.
pub(super) fn endpoints_section(shell: &Shell, host: &str, clients: &[Client]) -> Markup {
    let commands = Commands {
        base: format!("http://{host}"),
        itself: example(clients, GrantType::ClientCredentials),
        refreshing: example(clients, GrantType::RefreshToken),
    };
    html! {
        section aria-labelledby="endpoints" {
            h2 id="endpoints" { "Endpoints" }
            p { "The commands work in a shell that knows where " code { "tokensmith" } " and its data are:" }
            (pasted(&shell.setup()))
            p {
                "Where a client authenticates, " code { "curl" } " asks for its secret; "
                code { "tokensmith client rotate-secret" } " makes another one."
            }
            dl .endpoints {
                @for endpoint in endpoint::ALL {
                    dt { (method(endpoint)) " " code { (endpoint.path) } span .muted { (endpoint.name) } }
                    dd { (commands.of(endpoint)) }
                }
            }
        }
    }
}

/// A command, which one click selects.
fn pasted(command: &str) -> Markup {
    html! { pre { code { (command) } } }
}

fn method(endpoint: &Endpoint) -> &'static str {
    endpoint.methods.split(',').next().unwrap_or_default()
}

/// A client that uses this grant: that of the shortest id, which is the easiest to read.
fn example(clients: &[Client], grant: GrantType) -> Option<&Client> {
    let able = clients.iter().filter(|client| can_use(client, grant));
    able.min_by_key(|client| client.id.as_str().len())
}

/// Whether it can use this grant, and `curl` can ask for its secret if it has one.
fn can_use(client: &Client, grant: GrantType) -> bool {
    let by_form = client.authentication == Some(AuthenticationMethod::ClientSecretPost);
    !client.disabled && !by_form && client.grant_types.contains(&grant)
}

struct Commands<'a> {
    base: String,
    /// A client that gets tokens for itself.
    itself: Option<&'a Client>,
    /// A client that refreshes.
    refreshing: Option<&'a Client>,
}

impl Commands<'_> {
    fn of(&self, endpoint: &Endpoint) -> Markup {
        let url = quoted(&format!("{}{}", self.base, endpoint.path));
        let wanting = match endpoint.path {
            paths::REFRESH => self.refreshing.map(|client| (client, refresh_form(client))),
            paths::TOKEN => self
                .itself
                .map(|client| (client, "-d grant_type=client_credentials".to_owned())),
            paths::REVOKE | paths::INTROSPECT => {
                self.itself.map(|client| (client, token_form(client)))
            }
            _ => return pasted(&format!("curl -sS {url}")),
        };
        match wanting {
            Some((client, form)) => {
                pasted(&format!("curl -sS {} {form} {url}", authentication(client)))
            }
            None if endpoint.path == paths::REFRESH => html! {
                p { "No client here has refresh tokens. This makes one that has; reload the page then." }
                (pasted("tokensmith client create --id device --public --scope telemetry:write"))
            },
            None => html! {
                p { "No client here gets tokens for itself. This makes one that does; reload the page then." }
                (pasted("tokensmith client create --id service --scope invoices:read"))
            },
        }
    }
}

fn authentication(client: &Client) -> String {
    let id = quoted(client.id.as_str());
    match client.is_public() {
        true => format!("-d client_id={id}"),
        false => format!("-u {id}"),
    }
}

/// A token that it has just got.
fn token_form(client: &Client) -> String {
    let id = quoted(client.id.as_str());
    format!(r#"-d "token=$(tokensmith token --client={id})""#)
}

/// The refresh token of a grant that is made for it.
fn refresh_form(client: &Client) -> String {
    let id = quoted(client.id.as_str());
    format!(
        "-d grant_type=refresh_token -d \"refresh_token=$(tokensmith grant create --client={id} \
         --subject=me --field refresh_token)\""
    )
}

/// `text` as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/:".contains(&byte);
    match text.bytes().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}
