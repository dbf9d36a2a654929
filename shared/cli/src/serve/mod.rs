//! `tokensmith serve`

mod address;
mod demo;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::{Args as ClapArgs, CommandFactory};
use tokensmith_issuer::admin::{Administrator, settle};
use tokensmith_issuer::config::{Brand, BrandColour, BrandLogo, BrandName, Config};
use tokensmith_issuer::endpoint::GITHUB_KEYS;
use tokensmith_issuer::event::ServiceEvent;
use tokensmith_issuer::fetched::{DocumentUrl, Fetcher, Reach, Web};
use tokensmith_issuer::keys::{Custody, KeyAccess, KeyRotation, RotationPolicy};
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::records::Settings;
use tokensmith_issuer::{Abilities, Issuer, endpoint};
use tokensmith_local::{KeptEvents, LocalData, Page};
use tokensmith_people::Passwords;
use tokensmith_verifier::{Algorithm, Clock};
use tokio::signal::unix::{SignalKind, signal};

use address::{Listen, bind, issuer_url, listen_url};

use crate::operator::LocalUser;
use crate::target::serve_directory;
use crate::{Cli, Failure, print_text};

/// Run the whole issuer in this process, with its data in one directory
///
/// The first start creates the keys, a demo client and a demo user, and prints a command that requests a token and a link at which
/// the demo user signs in. The data
/// survives restarts and crashes. The directory and its files are their owner's alone (modes 0700 and 0600):
/// if others may read or write them, or another `serve` is running on them, this one does not start. After
/// a SIGTERM, running requests are still answered. The log is JSON lines on standard error. `GET /healthz`
/// answers 200 while the process serves requests. A browser on this machine shows at `/` the endpoints with
/// commands to paste, the keys, the clients and the last requests.
#[derive(ClapArgs)]
pub struct Args {
    /// The address to listen on, or localhost:PORT; port 0 is the port of the last run, and any free port the
    /// first time
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: Listen,
    /// The directory that keeps the data; created if it does not exist [default: TOKENSMITH_DATA, or else
    /// .tokensmith]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The issuer URL, by which clients reach this issuer [default: that of the data; the first time
    /// http://ADDRESS, and required if ADDRESS is not on loopback]. On data of another issuer it replaces that
    /// one: all earlier tokens end, and clients whose audience was the old URL get the new one
    #[arg(long, value_name = "URL", value_parser = IssuerUrl::parse_insecure)]
    issuer: Option<IssuerUrl>,
    /// Allow an http issuer URL that is not on loopback, such as http://tokensmith:8080 between containers.
    /// For development only: everybody on the way can read secrets and tokens
    #[arg(long)]
    insecure_http: bool,
    /// Fetch what others publish also from private addresses, other ports than 443 and http on loopback. For
    /// development only: whoever may register a client can make this machine ask what only it can reach
    #[arg(long)]
    fetch_private: bool,
    /// Take reports of leaked API keys at /secret-scanning, and revoke these keys. The URL is where the keys are published
    /// that reports are signed with [without a URL: GitHub's]
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = GITHUB_KEYS)]
    secret_scanning: Option<String>,
    /// A signing algorithm: RS256, PS256, ES256 or EdDSA; may be repeated, and the first signs the tokens
    /// of clients that have no algorithm of their own
    #[arg(long = "alg", value_name = "ALG", default_value = "RS256")]
    algorithms: Vec<Algorithm>,
    /// Demand that DPoP proofs are made with a nonce of this issuer (RFC 9449 section 8)
    #[arg(long)]
    dpop_nonces: bool,
    /// The name on the pages that people see [default: the host of the issuer]
    #[arg(long, value_name = "NAME")]
    brand_name: Option<BrandName>,
    /// A picture in front of that name: an https URL
    #[arg(long, value_name = "URL")]
    brand_logo: Option<BrandLogo>,
    /// The colour of buttons and links on these pages, such as '#0a6a5c'
    #[arg(long, value_name = "#RRGGBB")]
    brand_colour: Option<BrandColour>,
}

impl Args {
    /// Ends the process, as for every wrong command line, when one argument rules out another.
    fn check(&self) {
        if !self.insecure_http && self.issuer.as_ref().is_some_and(IssuerUrl::is_insecure) {
            let mut command = Cli::command();
            command.error(ErrorKind::ValueValidation, NOT_HTTPS).exit();
        }
        self.report_keys();
    }

    /// Where the keys are published that reports of leaked API keys are signed with. Ends the process when it is out of reach.
    fn report_keys(&self) -> Option<DocumentUrl> {
        let url = self.secret_scanning.as_deref()?;
        match reach(self.fetch_private).parse(url) {
            Ok(url) => Some(url),
            Err(invalid) => {
                let message = format!("--secret-scanning: {invalid}");
                let mut command = Cli::command();
                command.error(ErrorKind::ValueValidation, message).exit()
            }
        }
    }
}

pub async fn run(args: Args) -> Result<(), Failure> {
    args.check();
    // Set up first, so that a signal during the start is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let dir = serve_directory(args.data.clone());
    let data = LocalData::open_or_create(&dir).await?;
    let events = KeptEvents::open(&dir)?;
    let serving = run_on(args, &dir, data, events.clone(), shutdown);
    events.of(serving).await
}

async fn run_on(
    args: Args,
    dir: &Path,
    data: LocalData,
    events: KeptEvents,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let report_keys = args.report_keys();
    let table = data.table.clone();
    let settled = table.get(&Settings::only_key()).await?;
    let stored = settled.as_ref().map(|settings| settings.issuer.clone());
    let last_port = stored.as_ref().and_then(IssuerUrl::port);
    let kept = stored.as_ref().filter(|_| args.issuer.is_none());
    let listener = bind(&args.listen, last_port, kept).await?;
    let address = listener.local_addr()?;
    let url = issuer_url(&args.listen, args.issuer, stored, address, dir)?;
    if url.is_insecure() {
        warn_of_http(&url, args.insecure_http)?;
    }

    let clock = Clock::System;
    let mut config = Config::new(url.clone());
    config.secret_scanning = report_keys;
    config.algorithms = args.algorithms;
    config.dpop_nonces = args.dpop_nonces;
    config.sign_in = true;
    config.brand = Brand {
        name: args.brand_name,
        logo: args.brand_logo,
        colour: args.brand_colour,
    };
    let policy = RotationPolicy::new(url.clone(), config.algorithms.clone(), config.cache_ttl);
    let (access, maker) = (
        KeyAccess::all(&data.custody),
        Arc::new(data.custody.clone()),
    );
    let rotation = KeyRotation::new(table.clone(), maker.clone(), policy);
    rotation.run(clock.now()).await?;
    let owner = config.owner();
    let operator = Arc::new(LocalUser);
    let opener = data.custody.open();
    let admin = Administrator::new(config.clone(), table.clone(), maker, opener, operator);
    if let Some(settings) = settled.as_ref().filter(|settings| settings.issuer != url) {
        let mut former = config.clone();
        former.issuer = settings.issuer.clone();
        let former = Issuer::new(former, table.clone(), access.clone(), clock.clone());
        change_issuer(&former, &settings.issuer, &admin).await?;
    }
    let web = Arc::new(Web::new(reach(args.fetch_private)));
    let passwords = Arc::new(Passwords::default());
    let abilities = Abilities {
        keys: access,
        documents: Some(Arc::new(Fetcher::new(table.clone(), web.clone()))),
        web: Some(web),
        passwords: Some(passwords.clone()),
    };
    let issuer = Issuer::new(config, table.clone(), abilities, clock.clone());
    issuer.warm_up(&endpoint::TOKEN).await?;

    let mut greeting = String::new();
    if settled.is_none() {
        greeting = demo::first_steps(&admin, &url, &passwords).await?;
    }
    settle(&table, &owner).await?;
    // Without /proc nobody knows where it is; the commands on the page then look for it where they are pasted.
    let program = env::current_exe().unwrap_or_else(|_| "./tokensmith".into());
    let page = Page::new(url, admin, program, dir.canonicalize()?);
    let listening = listen_url(address);
    if address.ip().is_loopback() {
        greeting.push_str(&format!("what it is and does: {listening}/\n"));
    }
    print_text(&format!("{greeting}listening on {listening}\n"))?;

    tokensmith_local::serve(issuer, page, data, events, listener, shutdown).await;
    Ok(())
}

/// Gives the data to another issuer URL, after their keys were opened: a wrong wrapping key harms nothing.
async fn change_issuer(
    former: &Issuer,
    from: &IssuerUrl,
    admin: &Administrator,
) -> Result<(), Failure> {
    former.warm_up(&endpoint::TOKEN).await?;
    admin.replace_issuer(from).await?;
    Ok(())
}

/// Says at every start what an issuer URL without TLS means.
fn warn_of_http(issuer: &IssuerUrl, allowed: bool) -> Result<(), Failure> {
    if !allowed {
        let issuer = issuer.as_str();
        return Err(Failure::new(format!("the issuer is {issuer}: {NOT_HTTPS}")));
    }
    let message = "secrets and tokens are sent without TLS: for development only";
    ServiceEvent::InsecureHttp { issuer, message }.write();
    Ok(())
}

/// How far it reaches for what others publish. Says at every start what it means to reach further than the
/// functions do.
fn reach(private: bool) -> Reach {
    if !private {
        return Reach::Public;
    }
    let message = "documents are fetched also from private addresses and without TLS on loopback: for \
                   development only";
    ServiceEvent::FetchPrivate { message }.write();
    Reach::Private
}

const NOT_HTTPS: &str = "an issuer URL is https://HOST[:PORT] without path or query; http is for loopback \
                         only, or for development with --insecure-http";
