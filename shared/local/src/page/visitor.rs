//! Who may see the page: somebody on this machine who asks this server itself.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;
use http::{HeaderName, Request, header};

/// The host that the visitor names, if the visitor may see the page.
///
/// Each condition closes a way for somebody else. Other machines come from another address. A site whose name
/// its owner lets point at 127.0.0.1 (DNS rebinding) can read what it gets from its own name, and a browser sends
/// that name as the `Host`. Behind a proxy on this machine, everybody comes from loopback.
pub(super) fn admitted<B>(peer: SocketAddr, request: &Request<B>) -> Option<String> {
    let is_direct = peer.ip().to_canonical().is_loopback()
        && request.uri().authority().is_none()
        && !request.headers().keys().any(is_of_proxy);
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    (is_direct && is_loopback(host)).then(|| host.to_owned())
}

/// Whether a header says that the request was passed on.
fn is_of_proxy(name: &HeaderName) -> bool {
    let name = name.as_str();
    name.starts_with("x-forwarded-") || ["forwarded", "via", "x-real-ip"].contains(&name)
}

/// Whether this is a name of loopback that no DNS server decides on (RFC 6761 §6.3), with any port.
fn is_loopback(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let is_name_and_port = match authority.port_u16() {
        Some(port) => host == format!("{name}:{port}"),
        None => host == name,
    };
    let address = name.trim_start_matches('[').trim_end_matches(']');
    let is_address = || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    is_name_and_port && (name.eq_ignore_ascii_case("localhost") || is_address())
}
