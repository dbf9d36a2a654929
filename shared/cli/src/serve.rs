//! `tokensmith serve`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args as ClapArgs;
use secrecy::ExposeSecret;
use tokensmith_issuer::admin::{Administrator, ClientChanges, ClientError, settle};
use tokensmith_issuer::config::Config;
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_issuer::keys::{Custody, KeyAccess, KeyRotation, RotationPolicy};
use tokensmith_issuer::names::{ClientId, IssuerUrl};
use tokensmith_issuer::store::Stored;
use tokensmith_issuer::store::records::Settings;
use tokensmith_issuer::{Issuer, endpoint};
use tokensmith_local::LocalData;
use tokensmith_verifier::{Algorithm, Clock, paths};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::{Failure, print_text};

/// Run the whole issuer in this process, with its data in one directory
///
/// The first start creates the keys and a demo client, and prints a command that requests a token. The data
/// survives restarts and crashes. After a SIGTERM, running requests are still answered. The log is JSON
/// lines on standard error.
#[derive(ClapArgs)]
pub struct Args {
    /// The address to listen on; port 0 is the port of the last run if that is free, otherwise any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The directory that keeps the data; created if it does not exist
    #[arg(long, value_name = "DIR", default_value = ".tokensmith")]
    data: PathBuf,
    /// The issuer URL, by which clients reach this issuer [default: http://ADDRESS; required if ADDRESS is
    /// not on loopback]
    #[arg(long, value_name = "URL")]
    issuer: Option<IssuerUrl>,
    /// A signing algorithm: RS256, PS256, ES256 or EdDSA; may be repeated, and the first signs the tokens
    /// of clients that have no algorithm of their own
    #[arg(long = "alg", value_name = "ALG", default_value = "RS256")]
    algorithms: Vec<Algorithm>,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    // Set up first, so that a signal during the start is not lost.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let data = LocalData::open_or_create(&args.data).await?;
    let table = data.table.clone();
    let settled = table.get(&Settings::only_key()).await?;
    let listener = bind(args.listen, settled.as_ref()).await?;
    let address = listener.local_addr()?;
    let url = issuer_url(args.issuer, address)?;

    let clock = Clock::System;
    let mut config = Config::new(url.clone());
    config.algorithms = args.algorithms;
    let policy = RotationPolicy::new(url.clone(), config.algorithms.clone(), config.cache_ttl);
    let (access, maker) = (
        KeyAccess::all(&data.custody),
        Arc::new(data.custody.clone()),
    );
    let rotation = KeyRotation::new(table.clone(), maker.clone(), policy);
    rotation.run(clock.now()).await?;
    let issuer = Issuer::new(config.clone(), table.clone(), access, clock.clone());
    issuer.warm_up(&endpoint::TOKEN).await?;

    let mut greeting = String::new();
    if settled.is_none() {
        let opener = data.custody.open();
        let admin = Administrator::new(config, table.clone(), maker, opener, clock);
        let secret = create_demo_client(&admin).await?;
        greeting = first_steps(&url, &secret);
    }
    settle(&table, &url).await?;
    print_text(&format!("{greeting}listening on {}\n", listen_url(address)))?;

    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    tokensmith_local::serve(issuer, data, listener, shutdown).await;
    Ok(())
}

async fn bind(
    listen: SocketAddr,
    settled: Option<&Stored<Settings>>,
) -> Result<TcpListener, Failure> {
    let last_port = settled.and_then(|settings| settings.issuer.port());
    if let (0, Some(port)) = (listen.port(), last_port) {
        let last = SocketAddr::new(listen.ip(), port);
        if let Ok(listener) = TcpListener::bind(last).await {
            return Ok(listener);
        }
    }
    let bound = TcpListener::bind(listen).await;
    bound.map_err(|err| Failure::new(format!("cannot listen on {listen}: {err}")))
}

fn issuer_url(named: Option<IssuerUrl>, address: SocketAddr) -> Result<IssuerUrl, Failure> {
    match named {
        Some(issuer) => Ok(issuer),
        None if address.ip().is_loopback() => Ok(format!("http://{address}").parse()?),
        None => Err(Failure::new(format!(
            "{address} is not on loopback: name the URL that clients use with --issuer"
        ))),
    }
}

fn listen_url(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("http://{}:{}", Ipv4Addr::LOCALHOST, address.port()),
        false => format!("http://{address}"),
    }
}

/// The demo client with a new secret. A first start that was killed before it could print the
/// secret is followed by another first start, so the client may be there already.
async fn create_demo_client(admin: &Administrator) -> Result<ClientSecret, Failure> {
    let id: ClientId = DEMO_CLIENT.parse()?;
    let metadata = ClientChanges {
        scopes: vec!["demo:read".parse()?, "demo:write".parse()?],
        default_scopes: vec!["demo:read".parse()?],
        ..ClientChanges::default()
    };
    match admin.create_client(id.clone(), &metadata).await {
        Err(ClientError::Exists(_)) => {}
        created => {
            if let Some(secret) = created?.0.secret {
                return Ok(secret);
            }
        }
    }
    let (secret, _) = admin.rotate_secret(&id, Duration::ZERO).await?;
    Ok(secret)
}

fn first_steps(issuer: &IssuerUrl, secret: &ClientSecret) -> String {
    let token_endpoint = issuer.join(paths::TOKEN);
    let secret = secret.expose_secret();
    format!(
        "A demo client was created; its secret is shown this once. Get a token with\n\n\
         curl -s -u {DEMO_CLIENT}:{secret} -d grant_type=client_credentials {token_endpoint}\n\n"
    )
}

const DEMO_CLIENT: &str = "demo";
