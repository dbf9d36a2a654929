//! `tokensmith upstream …`

use std::io::stdin;

use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::json;
use tokensmith_issuer::admin::{Ending, NewUpstream, UpstreamError};
use tokensmith_issuer::federation::ForeignIssuer;
use tokensmith_issuer::names::{Scope, Scopes, UpstreamName};
use tokensmith_issuer::store::records::Upstream;

use crate::consent::{Change, Consent};
use crate::data::Data;
use crate::list::{ListOptions, ListPrinter, Listed};
use crate::{Failure, display_time};

#[derive(Subcommand)]
pub enum Command {
    /// Register an OpenID provider that people can sign in through
    ///
    /// Register this service there first, with the redirect URI ISSUER/login/upstream?name=NAME, as a client that uses the
    /// authorization code flow. A user signs in with an account there once they have linked it on their account page; e-mail addresses
    /// link nothing.
    Create(CreateArgs),
    /// List them
    List {
        #[command(flatten)]
        list: ListOptions,
        #[command(flatten)]
        data: Data,
    },
    /// Show one of them
    Show {
        /// Its name
        name: UpstreamName,
        #[command(flatten)]
        data: Data,
    },
    /// Delete one of them: nobody signs in through it any more. Accounts there stay linked, in case it is registered again
    Delete {
        /// Its name
        name: UpstreamName,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        data: Data,
    },
}

#[derive(Args)]
pub struct CreateArgs {
    /// What it is called here: lower-case letters, digits and hyphens. It is part of the redirect URI
    name: UpstreamName,
    /// Its issuer URL, exactly as its metadata have it
    #[arg(long, value_name = "URL")]
    issuer: ForeignIssuer,
    /// What this service is called there
    #[arg(long, value_name = "ID")]
    client_id: String,
    /// Read the secret of this service there from standard input, as its first line. It is stored encrypted. Without it, this service
    /// is a public client there, which proves itself with PKCE alone
    #[arg(long)]
    client_secret_stdin: bool,
    /// A scope to ask for besides openid, such as profile or email; may be repeated
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<Scope>,
    /// What people are shown as its name
    #[arg(long, value_name = "TEXT")]
    shown_as: Option<String>,
    /// Make a user of everybody who signs in there and is not known here
    #[arg(long)]
    create_users: bool,
    #[command(flatten)]
    data: Data,
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(args).await,
        Command::List { list, data } => {
            let data = data.open().await?;
            let upstreams = data.admin().upstreams().await?;
            let shown = upstreams.iter().map(|upstream| {
                let redirect_uri = data.admin().redirect_uri_at(&upstream.name);
                Ok(Displayed::new(upstream, redirect_uri))
            });
            let mut printer = ListPrinter::new(&list, None);
            printer.page(shown)?;
            printer.finish()
        }
        Command::Show { name, data } => {
            let data = data.open().await?;
            let upstream = data.admin().upstream(&name).await?;
            let redirect_uri = data.admin().redirect_uri_at(&name);
            data.print(&Displayed::new(&upstream, redirect_uri))
        }
        Command::Delete {
            name,
            consent,
            data,
        } => {
            consent.check()?;
            let data = data.open().await?;
            let what = format!("delete the upstream {name}");
            let change = Change::new(
                &what,
                "nothing: whoever has signed in through it stays signed in",
            );
            let nothing = async { Ok::<_, UpstreamError>(Ending::default()) };
            if !consent.given(&data, &change, nothing).await? {
                return Ok(());
            }
            let deleted = data.admin().delete_upstream(&name).await?;
            data.print_changed(&json!({ "deleted": name }), deleted.effective_by)
        }
    }
}

async fn create(args: CreateArgs) -> Result<(), Failure> {
    let secret = args.client_secret_stdin.then(secret).transpose()?;
    let data = args.data.open().await?;
    // Whether this service may reach it is better learned now than at the first sign-in.
    args.issuer.metadata(data.reach())?;
    let wanted = NewUpstream {
        name: args.name,
        shown_as: args.shown_as,
        issuer: args.issuer,
        client_id: args.client_id,
        secret,
        scopes: args.scopes.into_iter().collect::<Scopes>(),
        creates_users: args.create_users,
    };
    let created = data.admin().create_upstream(wanted).await?;
    let redirect_uri = data.admin().redirect_uri_at(&created.outcome.name);
    let shown = Displayed::new(&created.outcome, redirect_uri);
    data.print_changed(&shown, created.effective_by)
}

/// The first line of standard input, without its end.
fn secret() -> Result<SecretString, Failure> {
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    match line.is_empty() {
        true => Err(Failure::wrong_call("there is no secret on standard input")),
        false => Ok(line.into()),
    }
}

/// An upstream as it is shown: never with its secret.
#[derive(Serialize)]
struct Displayed<'a> {
    upstream: &'a UpstreamName,
    shown_as: &'a str,
    // `issuer` is this service's own in every answer.
    upstream_issuer: &'a ForeignIssuer,
    client_id: &'a str,
    has_secret: bool,
    scopes: &'a Scopes,
    creates_users: bool,
    redirect_uri: String,
    created_at: String,
}

impl<'a> Displayed<'a> {
    fn new(upstream: &'a Upstream, redirect_uri: String) -> Self {
        Self {
            upstream: &upstream.name,
            shown_as: upstream.shown_name(),
            upstream_issuer: &upstream.issuer,
            client_id: &upstream.client_id,
            has_secret: upstream.secret.is_some(),
            scopes: &upstream.scopes,
            creates_users: upstream.creates_users,
            redirect_uri,
            created_at: display_time(upstream.created_at),
        }
    }
}

impl Listed for Displayed<'_> {
    const COLUMNS: &'static [&'static str] = &["UPSTREAM", "ISSUER", "CLIENT", "CREATES USERS"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.upstream.to_string(),
            self.upstream_issuer.to_string(),
            self.client_id.to_owned(),
            self.creates_users.to_string(),
        ]
    }
}
