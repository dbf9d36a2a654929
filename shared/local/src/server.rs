//! All routes on one port: HTTP/1.1, bounded in size, number and time.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::page::{LastRequests, Noted};
use crate::write_deadline::WriteDeadline;
use crate::{ChangeCounter, DataError, KeptEvents, LocalData, Page};
use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokensmith_issuer::credential::random_id;
use tokensmith_issuer::event::{Answered, ServiceEvent};
use tokensmith_issuer::revocation::sweep_feed;
use tokensmith_issuer::{Issuer, MAX_BODY_BYTES, RequestContext, endpoint, loggable_path};
use tokensmith_verifier::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;

/// Serves `issuer`, whose data is `data`, and its `page` on `listener` until `shutdown` completes, and
/// then lets running requests finish. The log lines of its tasks are kept in `events`.
pub async fn serve(
    issuer: Issuer,
    page: Page,
    data: LocalData,
    events: KeptEvents,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) {
    let host = Arc::new(Host {
        issuer,
        page,
        last_requests: LastRequests::default(),
        changes: data.changes.clone(),
    });
    let expiry = tokio::spawn(events.clone().of(delete_expired(data)));
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = &mut shutdown => break,
        };
        let Some((stream, peer, place)) = accepted else {
            continue;
        };
        let host = host.clone();
        let service = service_fn(move |request| answer(host.clone(), peer, request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(
                TokioIo::new(WriteDeadline::new(stream, WRITE_TIMEOUT)),
                service,
            );
        let connection = graceful.watch(connection);
        tokio::spawn(events.clone().of(async move {
            // A connection that breaks, or sends no HTTP, must not affect others.
            let _ = connection.await;
            drop(place);
        }));
    }
    drop(listener);
    expiry.abort();
    if timeout(SHUTDOWN_TIMEOUT, graceful.shutdown())
        .await
        .is_err()
    {
        let message = "some requests did not finish";
        ServiceEvent::ShutdownTimeout { message }.write();
    }
}

/// What every request needs.
struct Host {
    issuer: Issuer,
    page: Page,
    last_requests: LastRequests,
    changes: Arc<ChangeCounter>,
}

/// Deletes expired records from time to time, as DynamoDB does by itself.
async fn delete_expired(data: LocalData) {
    let mut due = tokio::time::interval(EXPIRY_INTERVAL);
    loop {
        due.tick().await;
        if let Err(err) = delete_expired_once(data.clone()).await {
            let message = &err.to_string();
            ServiceEvent::ExpiryFailed { message }.write();
        }
        if let Err(err) = sweep_feed(&data.table, Clock::System.now()).await {
            let message = &err.to_string();
            ServiceEvent::ExpiryFailed { message }.write();
        }
    }
}

/// Deletes on a thread of its own. The engine deletes a few rows at a time and lets who waits for
/// it go first; the runtime's blocking threads are those who wait.
async fn delete_expired_once(data: LocalData) -> Result<(), DataError> {
    let (done, outcome) = oneshot::channel();
    let sweep = move || {
        // Nobody waits any more when the server is ending.
        let _ = done.send(data.delete_expired());
    };
    std::thread::Builder::new()
        .name("expiry".to_owned())
        .spawn(sweep)
        .map_err(DataError::Thread)?;
    match outcome.await {
        Ok(deleted) => deleted.map(|_| ()),
        // It has panicked, and said so.
        Err(_) => Ok(()),
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Responses are small, and waiting to fill a packet would only delay them.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(err) => {
            let message = &err.to_string();
            ServiceEvent::AcceptFailed { message }.write();
            // Most likely the process is out of file descriptors, so let some requests end first.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn answer(
    host: Arc<Host>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if !is_well_formed(&request) {
        return Ok(plain(StatusCode::BAD_REQUEST, BAD_REQUEST));
    }
    if request.uri().path() == HEALTH {
        return Ok(health(request.method()));
    }
    if let Some(visited) = Page::is_asked_for(peer, &request) {
        return Ok(page(&host, &visited, request.method()).await);
    }
    let path = request.uri().path();
    let served = endpoint::at(path).or_else(|| tokensmith_people::at(path));
    let Some(endpoint) = served.filter(|endpoint| host.issuer.serves(endpoint)) else {
        return Ok(not_found(&host, peer, &request));
    };
    let (mut head, body) = request.into_parts();
    let body = match timeout(BODY_TIMEOUT, read_bounded(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Ok(plain(StatusCode::BAD_REQUEST, BAD_REQUEST)),
        Err(_) => {
            let message = r#"{"message":"Request Timeout"}"#;
            return Ok(plain(StatusCode::REQUEST_TIMEOUT, message));
        }
    };
    head.extensions.insert(RequestContext {
        request_id: random_id(),
        source: Some(peer.ip().to_string()),
        trace_id: None,
    });
    // A change by another `tokensmith` process takes effect now, not when a cache expires.
    if host.changes.has_changed() {
        host.issuer.forget_cached();
    }
    let request = Request::from_parts(head, body);
    let mut response = host.issuer.handle(endpoint, request).await;
    if let Some(answered) = response.extensions_mut().remove::<Answered>() {
        host.last_requests.note(Noted::Answered(Box::new(answered)));
    }
    Ok(response.map(Full::new))
}

/// The page, for a visitor who may see it. Whoever looks at it asks often, so that is not logged.
async fn page(host: &Host, visited: &str, method: &Method) -> Response<Full<Bytes>> {
    if method != Method::GET && method != Method::HEAD {
        return method_not_allowed();
    }
    match host.page.response(visited, &host.last_requests).await {
        Ok(page) => page,
        Err(err) => {
            let message = &err.to_string();
            ServiceEvent::PageFailed { message }.write();
            let message = r#"{"message":"Service Unavailable"}"#;
            json(StatusCode::SERVICE_UNAVAILABLE, message)
        }
    }
}

/// That this process serves requests; the table is not asked, for a restart would not mend it. Probes
/// come every few seconds, so they are not logged.
fn health(method: &Method) -> Response<Full<Bytes>> {
    if method == Method::GET || method == Method::HEAD {
        let mut response = json(StatusCode::OK, r#"{"status":"ok"}"#);
        let no_store = HeaderValue::from_static("no-store");
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, no_store);
        return response;
    }
    method_not_allowed()
}

fn method_not_allowed() -> Response<Full<Bytes>> {
    let message = r#"{"message":"Method Not Allowed"}"#;
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, message);
    let allowed = HeaderValue::from_static("GET, HEAD");
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

/// Checks that hyper leaves to the host: an HTTP/1.1 request has exactly one `Host` (RFC 9112
/// §3.2), and its only transfer coding is `chunked`, once (§6.1). Otherwise a proxy in front could
/// read another request than this server, which request smuggling exploits.
fn is_well_formed(request: &Request<Incoming>) -> bool {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    let is_chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    (hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11))
        && codings.next().is_none_or(is_chunked)
        && codings.next().is_none()
}

/// Reads a body, and keeps at most one byte more than is allowed, so that the endpoint refuses it.
///
/// The rest is read and dropped, up to a bound, so that a client that is still sending gets the
/// response and not a connection reset.
async fn read_bounded(mut body: Incoming) -> Result<Bytes, hyper::Error> {
    let mut kept = BytesMut::new();
    let mut dropped = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let room = MAX_BODY_BYTES + 1 - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        dropped += data.len().saturating_sub(room);
        if dropped > MAX_DROPPED_BYTES {
            break;
        }
    }
    Ok(kept.freeze())
}

/// There is nothing at this path.
fn not_found(host: &Host, peer: SocketAddr, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let path = loggable_path(request.uri().path());
    let not_routed = ServiceEvent::NotRouted {
        path: Some(&path),
        status: StatusCode::NOT_FOUND.as_u16(),
        source: Some(peer.ip().to_string()),
    };
    not_routed.write();
    host.last_requests.note(Noted::NotRouted(path));
    json(StatusCode::NOT_FOUND, r#"{"message":"Not Found"}"#)
}

/// A response of the host itself, as API Gateway gives it in production.
fn plain(status: StatusCode, message: &'static str) -> Response<Full<Bytes>> {
    let not_routed = ServiceEvent::NotRouted {
        path: None,
        status: status.as_u16(),
        source: None,
    };
    not_routed.write();
    json(status, message)
}

fn json(status: StatusCode, body: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(body.as_bytes())));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

const HEALTH: &str = "/healthz";
const BAD_REQUEST: &str = r#"{"message":"Bad Request"}"#;
/// Bounds the file descriptors and the memory that open connections can take.
const MAX_CONNECTIONS: usize = 1024;
/// These two bound the memory that the headers of one request can take.
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// Bounds the traffic of a client that never stops sending a body.
const MAX_DROPPED_BYTES: usize = 4 * 1024 * 1024;
/// These two keep clients that send very slowly from holding all connections.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
const EXPIRY_INTERVAL: Duration = Duration::from_secs(600);
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
