//! `tokensmith federation …`

mod displayed;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;
use tokensmith_issuer::admin::{Ending, FederationError, NewRule};
use tokensmith_issuer::federation::{Condition, ForeignIssuer, Pattern};
use tokensmith_issuer::names::{ClientId, FederationName};
use tokensmith_issuer::store::records::SourceKeys;

use crate::Failure;
use crate::client::read_jwks;
use crate::consent::{Change, Consent};
use crate::data::{Data, OpenData};
use crate::list::{ListOptions, ListPrinter};
use displayed::{DisplayedRule, DisplayedSource};

#[derive(Subcommand)]
pub enum Command {
    /// Make a rule: which tokens of another issuer speak for a client
    ///
    /// A workload then needs no secret: it presents the token that its platform gives it, as client_assertion or
    /// with the grant type urn:ietf:params:oauth:grant-type:jwt-bearer. All conditions must hold.
    Create(CreateArgs),
    /// List the rules
    List {
        #[command(flatten)]
        list: ListOptions,
        #[command(flatten)]
        data: Data,
    },
    /// Delete a rule; tokens that were issued by it stay valid until they expire
    Delete {
        /// The rule's name
        name: FederationName,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        data: Data,
    },
    /// Manage the other issuers, whose keys are trusted
    #[command(subcommand)]
    Source(SourceCommand),
}

#[derive(Args)]
pub struct CreateArgs {
    /// What the rule is called: letters, digits and -._~
    name: FederationName,
    /// The client that the tokens speak for
    #[arg(long, value_name = "ID")]
    client: ClientId,
    /// The source of the tokens, by its name
    #[arg(
        long,
        value_name = "NAME",
        required_unless_present = "issuer",
        conflicts_with = "issuer"
    )]
    source: Option<FederationName>,
    /// The source of the tokens, by its issuer URL; a new source, whose keys are where its metadata say, if there is
    /// none with this issuer
    #[arg(long, value_name = "URL")]
    issuer: Option<ForeignIssuer>,
    /// The only audience that the tokens may have; the issuer URL of this service is a good choice
    #[arg(long, value_name = "AUD")]
    audience: String,
    /// The `sub` that they must have. `*` may be the last character, after `/` or `:`
    #[arg(long, value_name = "SUB")]
    subject: Option<Pattern>,
    /// A claim that they must have, as NAME=VALUE, or as POINTER=VALUE with a JSON Pointer (RFC 6901) for members,
    /// such as /https:~1~1sts.amazonaws.com~1/aws_account=123456789012; may be repeated. `*` as in --subject
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    claims: Vec<Condition>,
    #[command(flatten)]
    data: Data,
}

#[derive(Subcommand)]
pub enum SourceCommand {
    /// Register another issuer, whose tokens rules can be about
    Create {
        /// What the source is called: letters, digits and -._~
        name: FederationName,
        /// The `iss` of its tokens: an https URL
        #[arg(long, value_name = "URL")]
        issuer: ForeignIssuer,
        #[command(flatten)]
        keys: KeyOptions,
        #[command(flatten)]
        data: Data,
    },
    /// List the sources
    List {
        #[command(flatten)]
        list: ListOptions,
        #[command(flatten)]
        data: Data,
    },
    /// Give a source other keys
    Update {
        /// The source's name
        name: FederationName,
        #[command(flatten)]
        keys: KeyOptions,
        #[command(flatten)]
        data: Data,
    },
    /// Delete a source that no rule is about
    Delete {
        /// The source's name
        name: FederationName,
        #[command(flatten)]
        consent: Consent,
        #[command(flatten)]
        data: Data,
    },
}

/// Where the keys of a source are: without an option, where its metadata say
/// (ISSUER/.well-known/openid-configuration).
#[derive(Args)]
pub struct KeyOptions {
    /// A file with its public keys, as a JWK Set; `-` is standard input. For an issuer that this service cannot reach
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Where its public keys are published. For an issuer without metadata
    #[arg(long, value_name = "URL", conflicts_with = "jwks")]
    jwks_uri: Option<String>,
}

impl KeyOptions {
    fn read(&self, issuer: &ForeignIssuer, data: &OpenData) -> Result<SourceKeys, Failure> {
        Ok(match (&self.jwks, &self.jwks_uri) {
            (Some(file), _) => SourceKeys::Jwks(read_jwks(file)?),
            (None, Some(url)) => SourceKeys::JwksUri(data.reach().parse(url)?),
            (None, None) => SourceKeys::Discovery(issuer.metadata(data.reach())?),
        })
    }
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(args).await,
        Command::List { list, data } => {
            let data = data.open().await?;
            let (_, rules) = data.admin().federation().await?;
            print_list(list, rules.iter().map(DisplayedRule::new))
        }
        Command::Delete {
            name,
            consent,
            data,
        } => {
            let what = format!("delete the federation rule {name}");
            let change = Change::new(&what, "nothing: what it let in stays until it expires");
            let Some(data) = consented(&consent, &data, &change).await? else {
                return Ok(());
            };
            let deleted = data.admin().delete_rule(&name).await?;
            data.print_changed(&json!({ "deleted": name }), deleted.effective_by)
        }
        Command::Source(command) => run_source(command).await,
    }
}

async fn run_source(command: SourceCommand) -> Result<(), Failure> {
    match command {
        SourceCommand::Create {
            name,
            issuer,
            keys,
            data,
        } => {
            let data = data.open().await?;
            let keys = keys.read(&issuer, &data)?;
            let created = data.admin().create_source(name, issuer, keys).await?;
            let shown = DisplayedSource::new(&created.outcome);
            data.print_changed(&shown, created.effective_by)
        }
        SourceCommand::List { list, data } => {
            let data = data.open().await?;
            let (sources, _) = data.admin().federation().await?;
            print_list(list, sources.iter().map(DisplayedSource::new))
        }
        SourceCommand::Update { name, keys, data } => {
            let data = data.open().await?;
            let (sources, _) = data.admin().federation().await?;
            let source = sources.into_iter().find(|source| source.name == name);
            let source = source.ok_or_else(|| FederationError::UnknownSource(name.clone()))?;
            let keys = keys.read(&source.issuer, &data)?;
            let changed = data.admin().change_source_keys(&name, &keys).await?;
            let shown = DisplayedSource::new(&changed.outcome);
            data.print_changed(&shown, changed.effective_by)
        }
        SourceCommand::Delete {
            name,
            consent,
            data,
        } => {
            let what = format!("delete the federation source {name}");
            let change = Change::new(&what, "nothing");
            let Some(data) = consented(&consent, &data, &change).await? else {
                return Ok(());
            };
            let deleted = data.admin().delete_source(&name).await?;
            data.print_changed(&json!({ "deleted": name }), deleted.effective_by)
        }
    }
}

async fn create(args: CreateArgs) -> Result<(), Failure> {
    let data = args.data.open().await?;
    let source = match (args.source, args.issuer) {
        (Some(name), _) => name,
        (None, Some(issuer)) => the_source_of(&data, issuer).await?,
        (None, None) => {
            return Err(Failure::wrong_call(
                "say which source: --source or --issuer",
            ));
        }
    };
    let rule = NewRule {
        name: args.name,
        source,
        client_id: args.client,
        audience: args.audience,
        subject: args.subject,
        conditions: args.claims,
    };
    let created = data.admin().create_rule(rule).await?;
    data.print_changed(&DisplayedRule::new(&created.outcome), created.effective_by)
}

/// The source with this issuer. If there is none, one is registered whose keys are where its metadata say.
async fn the_source_of(data: &OpenData, issuer: ForeignIssuer) -> Result<FederationName, Failure> {
    let (sources, _) = data.admin().federation().await?;
    let mut found = sources.into_iter().filter(|source| source.issuer == issuer);
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only.name),
        (Some(_), Some(_)) => Err(Failure::new(format!(
            "several sources have the issuer {issuer}: name one with --source"
        ))),
        (None, _) => {
            let name: FederationName = issuer.short_name().parse()?;
            let keys = SourceKeys::Discovery(issuer.metadata(data.reach())?);
            let created = data.admin().create_source(name, issuer, keys).await?;
            Ok(created.outcome.name)
        }
    }
}

/// The data, if the operator consents to a change that ends nothing that was issued.
async fn consented(
    consent: &Consent,
    data: &Data,
    change: &Change<'_>,
) -> Result<Option<OpenData>, Failure> {
    consent.check()?;
    let data = data.open().await?;
    let nothing = async { Ok::<_, FederationError>(Ending::default()) };
    let given = consent.given(&data, change, nothing).await?;
    Ok(given.then_some(data))
}

fn print_list<T: crate::list::Listed>(
    options: ListOptions,
    items: impl Iterator<Item = T>,
) -> Result<(), Failure> {
    let mut printer = ListPrinter::new(&options, None);
    printer.page(items.map(Ok))?;
    printer.finish()
}
