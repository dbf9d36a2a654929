//! `tokensmith serve`

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args as ClapArgs;
use secrecy::ExposeSecret;
use tokensmith_issuer::admin::settle;
use tokensmith_issuer::config::Config;
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_issuer::keys::{KeyAccess, KeyRotation, RotationPolicy};
use tokensmith_issuer::names::{ClientId, IssuerUrl};
use tokensmith_issuer::store::records::{Client, Settings};
use tokensmith_issuer::store::{Stored, Table};
use tokensmith_issuer::{Issuer, endpoint};
use tokensmith_local::LocalData;
use tokensmith_verifier::{Algorithm, paths};
use tokensmith_verifier::{Clock, Timestamp};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::client::{self, new_client, replace_secrets};
use crate::{Failure, print_text};

/// Run the whole issuer in this process, on data in one directory
///
/// The first start creates the signing keys and a demo client, and prints a command that gets a
/// token. The state survives restarts and kills; SIGTERM lets running requests finish. Logs are
/// JSON lines on stderr.
#[derive(ClapArgs)]
pub struct Args {
    /// Where to listen; port 0 takes the port of the last run if it is free, or else any
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the data is kept; made if it is not there
    #[arg(long, value_name = "DIR", default_value = ".tokensmith")]
    data: PathBuf,
    /// The URL that clients know the issuer by [default: http://ADDRESS on loopback]
    #[arg(long, value_name = "URL")]
    issuer: Option<IssuerUrl>,
    /// A signing algorithm: RS256, PS256, ES256 or EdDSA; may be repeated, the first is the default
    /// of clients that name none
    #[arg(long = "alg", value_name = "ALG", default_value = "RS256")]
    algorithms: Vec<Algorithm>,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    // Set up first: a signal during the start must not be lost.
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
    let custody = data.custody.clone();
    let access = KeyAccess::all(&custody);
    let rotation = KeyRotation::new(table.clone(), Arc::new(custody), policy);
    rotation.run(clock.now()).await?;
    let issuer = Issuer::new(config, table.clone(), access, clock.clone());
    issuer.warm_up(&endpoint::TOKEN).await?;

    let mut greeting = String::new();
    if settled.is_none() {
        let secret = create_demo_client(&table, &url, clock.now()).await?;
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
async fn create_demo_client(
    table: &Table,
    issuer: &IssuerUrl,
    now: Timestamp,
) -> Result<ClientSecret, Failure> {
    let id: ClientId = DEMO_CLIENT.parse()?;
    let secret = ClientSecret::generate();
    let mut demo = new_client(id.clone(), issuer, now)?;
    demo.scopes = "demo:read demo:write".parse()?;
    demo.default_scopes = "demo:read".parse()?;
    replace_secrets(&mut demo, &secret, now);
    if table.get(&Client::key_of(&id)).await?.is_none() {
        client::create(table, &demo).await?;
    } else {
        let replaced = |client: &mut Client| {
            replace_secrets(client, &secret, now);
            Ok(())
        };
        client::update(table, &id, replaced).await?;
    }
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
