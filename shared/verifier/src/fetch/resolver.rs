use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use tower_service::Service;

/// The operating system's resolver, of whose answers only the allowed addresses are passed on. The
/// connection is made to one of these: no second look-up comes between the check and the use.
#[derive(Clone)]
pub(super) struct Resolver {
    system: GaiResolver,
    allowed: fn(IpAddr) -> bool,
}

impl Resolver {
    pub(super) fn new(allowed: fn(IpAddr) -> bool) -> Self {
        Self {
            system: GaiResolver::new(),
            allowed,
        }
    }

    /// Whether a URL with this host may be connected to. An address in the place of a name is never
    /// looked up.
    pub(super) fn allows(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        host.parse().map_or(true, self.allowed)
    }
}

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let (found, allowed) = (self.system.call(name), self.allowed);
        Box::pin(async move {
            let addresses = found.await?.filter(|address| allowed(address.ip()));
            let addresses: Vec<_> = addresses.collect();
            match addresses.is_empty() {
                true => Err(io::Error::other(NOT_ALLOWED)),
                false => Ok(addresses.into_iter()),
            }
        })
    }
}

pub(super) const NOT_ALLOWED: &str = "the host has no address that may be connected to";
