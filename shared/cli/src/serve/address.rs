//! Where `serve` listens, and by which URL clients reach it.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::str::FromStr;

use tokensmith_issuer::names::IssuerUrl;
use tokio::net::{TcpListener, lookup_host};

use crate::Failure;

/// `--listen`: an address, or a name of this machine on loopback.
#[derive(Clone, Debug)]
pub enum Listen {
    Address(SocketAddr),
    Name(String, u16),
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let invalid = "use IP:PORT, [IPV6]:PORT or localhost:PORT";
        let (name, port) = text.rsplit_once(':').ok_or(invalid)?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        match port.parse() {
            Ok(port) if !name.is_empty() && name.bytes().all(is_name) => {
                Ok(Self::Name(name.to_owned(), port))
            }
            _ => Err(invalid),
        }
    }
}

impl Listen {
    /// The address. A name may have several, of which those on loopback count, IPv4 first.
    async fn address(&self) -> Result<SocketAddr, Failure> {
        let (name, port) = match self {
            Self::Address(address) => return Ok(*address),
            Self::Name(name, port) => (name, *port),
        };
        let found = match lookup_host((name.as_str(), port)).await {
            Ok(found) => found,
            // RFC 6761 §6.3: it is on loopback, also where nobody has written that down.
            Err(_) if name == "localhost" => return Ok((Ipv4Addr::LOCALHOST, port).into()),
            Err(err) => {
                return Err(Failure::new(format!(
                    "cannot look up {name} ({err}): name the address itself, such as 127.0.0.1:{port}"
                )));
            }
        };
        let loopback = found.filter(|address| address.ip().is_loopback());
        loopback.min_by_key(SocketAddr::is_ipv6).ok_or_else(|| {
            Failure::new(format!(
                "{name} is no name of the loopback interface: name the address to listen on"
            ))
        })
    }

    /// The issuer URL of data that have none yet.
    fn issuer(&self, address: SocketAddr) -> Result<IssuerUrl, Failure> {
        let host = match self {
            Self::Name(name, _) if name == "localhost" => format!("localhost:{}", address.port()),
            _ => address.to_string(),
        };
        match address.ip().is_loopback() {
            true => Ok(format!("http://{host}").parse()?),
            false => Err(Failure::new(format!(
                "{address} is not on loopback: name the URL that clients use with --issuer"
            ))),
        }
    }
}

/// Listens on `listen`. Port 0 is the port of the last run, by which clients know the issuer of the
/// data.
///
/// `stored` is the issuer of the data, unless another one is named.
pub async fn bind(
    listen: &Listen,
    last_port: Option<u16>,
    stored: Option<&IssuerUrl>,
) -> Result<TcpListener, Failure> {
    let address = listen.address().await?;
    if let (0, Some(port)) = (address.port(), last_port) {
        let last = SocketAddr::new(address.ip(), port);
        match (TcpListener::bind(last).await, stored) {
            (Ok(listener), _) => return Ok(listener),
            (Err(err), Some(issuer)) if issuer.loopback_port().is_some() => {
                return Err(Failure::new(format!(
                    "cannot listen on {last}, where clients look for {}: {err}. End what listens \
                     there, or name another --listen address and its URL with --issuer, which ends \
                     all tokens of the old one",
                    issuer.as_str()
                )));
            }
            (Err(_), _) => {}
        }
    }
    let bound = TcpListener::bind(address).await;
    bound.map_err(|err| cannot_listen(address, &err))
}

fn cannot_listen(address: SocketAddr, err: &io::Error) -> Failure {
    let cause = match err.kind() {
        ErrorKind::AddrInUse => {
            "another process does: end it, or name another address with --listen".to_owned()
        }
        ErrorKind::PermissionDenied => format!(
            "only root may use this port: name a higher one, such as `--listen {}`",
            SocketAddr::new(address.ip(), 8080)
        ),
        ErrorKind::AddrNotAvailable => {
            "no network interface of this machine has this address: name one that it has, such as \
             `--listen 127.0.0.1:8080`"
                .to_owned()
        }
        _ => format!("{err}: name another address with --listen"),
    };
    Failure::new(format!("cannot listen on {address}: {cause}"))
}

/// The issuer URL: the one that is named, or else that of the data in `dir`, or else the address.
///
/// The issuer of data changes only when it is told to, for that ends all its tokens.
pub fn issuer_url(
    listen: &Listen,
    named: Option<IssuerUrl>,
    stored: Option<IssuerUrl>,
    address: SocketAddr,
    dir: &Path,
) -> Result<IssuerUrl, Failure> {
    match (named, stored) {
        (Some(issuer), _) => Ok(issuer),
        (None, Some(issuer)) if leads_elsewhere(&issuer, address) => {
            let (dir, old) = (dir.display(), issuer.as_str());
            let host = old.trim_start_matches("http://");
            Err(Failure::new(format!(
                "the data in {dir} belong to the issuer {old}, which does not lead to {address}: \
                 listen there with `--listen {host}`, or change the issuer with \
                 `--issuer http://{address}`, which ends all tokens of the old one"
            )))
        }
        (None, Some(issuer)) => Ok(issuer),
        (None, None) => listen.issuer(address),
    }
}

/// Whether a loopback URL leads to another port or address than this one on loopback. What listens
/// on every address may have been given another port by a container.
fn leads_elsewhere(issuer: &IssuerUrl, address: SocketAddr) -> bool {
    let Some(port) = issuer.loopback_port() else {
        return false;
    };
    let host = issuer.as_str().trim_start_matches("http://");
    let other_host = |named: SocketAddr| named.ip() != address.ip();
    address.ip().is_loopback() && (port != address.port() || host.parse().is_ok_and(other_host))
}

/// How to reach what listens on `address`.
pub fn listen_url(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("http://{}:{}", Ipv4Addr::LOCALHOST, address.port()),
        false => format!("http://{address}"),
    }
}
