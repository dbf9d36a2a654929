//! The `tokensmith` command: JSON on stdout, messages on stderr, exit code 0, 1 or 2.

mod api_key;
mod chain;
mod client;
mod consent;
mod data;
mod events;
mod failure;
mod federation;
mod field;
mod grant;
mod input;
mod inspect;
mod key;
mod list;
mod login;
mod one_value;
mod operator;
mod progress;
mod repair;
mod resource;
mod restore;
mod revoke;
mod serve;
mod shell;
mod taken_back;
mod target;
mod token;
mod upstream;
mod user;

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, UNIX_EPOCH};

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;
use serde::Serialize;
use tokensmith_verifier::Timestamp;

use failure::Failure;

/// The embedded database speaks JSON within the process: a quarter of the time went into small
/// allocations with the C library's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let Cli { command, debug } = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // The embedded database serves one call at a time: a second thread would only wait for the
        // first, and each handover between them costs more than a read.
        .max_blocking_threads(1)
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(command)),
        Err(err) => Err(Failure::new(err)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            progress::clear();
            eprintln!("error: {failure}");
            if debug {
                failure.print_causes();
            }
            failure.exit_code()
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(args).await,
        Command::Client(command) => client::run(*command).await,
        Command::ApiKey(command) => api_key::run(command).await,
        Command::Federation(command) => federation::run(command).await,
        Command::Resource(command) => resource::run(command).await,
        Command::User(command) => user::run(command).await,
        Command::Upstream(command) => upstream::run(command).await,
        Command::Key(command) => key::run(command).await,
        Command::Grant(command) => grant::run(command).await,
        Command::Revoke(args) => revoke::run(args).await,
        Command::Restore(args) => restore::run(args).await,
        Command::Repair(args) => repair::run(args).await,
        Command::Events(args) => events::run(args).await,
        Command::Inspect(args) => inspect::run(args).await,
        Command::Token(args) => token::run(args).await,
        Command::Login(args) => login::run(args).await,
        Command::Completion(args) => shell::completion(&args),
        Command::Man(args) => shell::man(&args),
    }
}

/// A token service: OAuth 2.1 and RFC 9068 access tokens.
///
/// `tokensmith serve` runs the whole issuer in one process. The other commands manage its data, also
/// while it runs, or a table in AWS. They print JSON on standard output, or a table where a list goes to a
/// terminal, and messages on standard error.
#[derive(Parser)]
#[command(name = "tokensmith", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When it fails, also print what the libraries reported
    #[arg(long, global = true, display_order = 1000)]
    debug: bool,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    /// Manage the clients that may request tokens
    #[command(subcommand)]
    Client(Box<client::Command>),
    /// Manage the API keys of clients, which live longer than tokens
    #[command(subcommand)]
    ApiKey(api_key::Command),
    /// Manage which tokens of other issuers speak for clients, so that workloads need no secret
    #[command(subcommand)]
    Federation(federation::Command),
    /// Manage the resources that define scopes of their own
    #[command(subcommand)]
    Resource(resource::Command),
    /// Manage the people who can sign in
    #[command(subcommand)]
    User(user::Command),
    /// Manage the OpenID providers that people can sign in through
    #[command(subcommand)]
    Upstream(upstream::Command),
    /// Manage the signing keys and the HMAC key
    #[command(subcommand)]
    Key(key::Command),
    /// Manage what subjects have granted to clients
    #[command(subcommand)]
    Grant(grant::Command),
    Revoke(revoke::Args),
    Restore(restore::Args),
    Repair(repair::Args),
    Events(events::Args),
    Inspect(inspect::Args),
    Token(token::Args),
    Login(login::Args),
    Completion(shell::CompletionArgs),
    Man(shell::ManArgs),
}

/// Prints `answer` as JSON on stdout.
fn print_json(answer: &impl Serialize) -> Result<(), Failure> {
    progress::clear();
    let json = serde_json::to_string_pretty(answer)?;
    print_text(&format!("{json}\n"))
}

/// A time as it is displayed (RFC 3339).
fn display_time(moment: Timestamp) -> String {
    let since = Duration::from_secs(moment.seconds());
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string()
}

/// Prints `text` on stdout in one piece.
fn print_text(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}
