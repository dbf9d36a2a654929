//! The endpoints, as values that turn a request into a response without a framework. They are the
//! same behind Lambda, behind the local router and in a test.
//!
//! This file has what all endpoints share: methods, CORS, caching headers, the time limit, and how
//! an error becomes a response and a log line. What one endpoint does is in a file of its own, as a
//! value that a function names. A function links nothing of the endpoints that it does not name.

mod answer;
pub mod check;
mod client;
mod device_authorization;
pub(crate) mod form;
mod introspect;
mod metadata;
mod pushed_authorization;
mod revocations;
mod revoke;
mod secret_scanning;
mod token;
mod userinfo;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response};
use tokensmith_verifier::dpop::{DPOP_HEADER, DPOP_NONCE_HEADER, DpopProof};

pub use device_authorization::{DEVICE_AUTHORIZATION, device_authorization};
pub use form::Form;
pub use introspect::{INTROSPECT, introspect};
pub use metadata::{
    AUTHORIZATION_SERVER_METADATA, JWKS, OPENID_CONFIGURATION, authorization_server_metadata, jwks,
    openid_configuration,
};
pub use pushed_authorization::{PUSHED_AUTHORIZATION, pushed_authorization};
pub use revocations::{REVOCATIONS, revocations};
pub use revoke::{REVOKE, revoke};
pub use secret_scanning::{GITHUB_KEYS, SECRET_SCANNING, secret_scanning};
pub use token::{REFRESH, TOKEN, refresh, token};
pub use userinfo::{USERINFO, userinfo};

use crate::client::{Evidence, PresentedCredentials, client_named_in};
use crate::config::Config;
use crate::error::{BadRequest, ClientDenied, Denied, Error, Unavailable};
use crate::event::{Answered, Known, RequestContext, RequestEvent};
use crate::fetched::{Fetcher, Reach, Source, Web};
use crate::keys::{Custody, KeyAccess};
use crate::store::{Table, aws_calls};
use crate::{Abilities, Issuer};
use check::{CheckFailed, ExpectedTable, TableState, check_table, within_limit};

/// What is served at a path: which requests it takes, how it answers and how it refuses them.
pub struct Endpoint {
    /// Its name in the log.
    pub name: &'static str,
    /// Its path below the issuer URL.
    pub path: &'static str,
    /// The methods that it answers, as the `Allow` header lists them.
    pub methods: &'static str,
    /// Whether scripts of any origin may call it.
    pub has_cors: bool,
    /// Whether an issuer with this configuration serves it.
    pub is_on: fn(&Config) -> bool,
    /// Loads and opens the keys that its requests need.
    pub warm_up: for<'a> fn(&'a Issuer) -> Work<'a, Result<(), Unavailable>>,
    /// Makes sure that requests can be answered: uses every key that they need, and reads what else they
    /// need. It finds nothing loaded.
    pub check: for<'a> fn(&'a Issuer) -> Work<'a, Result<(), Unavailable>>,
    /// Answers a request with one of its methods.
    pub serve: for<'a> fn(Call<'a>) -> Work<'a, Result<Answer, Error>>,
    /// Makes the response to a refused request; the number is for `Retry-After`, in seconds.
    pub refuse: fn(&Self, &Error, u64) -> Response<Bytes>,
}

/// A request that is being answered.
#[derive(Debug)]
pub struct Call<'a> {
    /// Who answers it.
    pub issuer: &'a Issuer,
    /// The request.
    pub request: &'a Request<Bytes>,
    /// Where it was sent to.
    pub endpoint: &'static Endpoint,
    /// What is known of its caller, for the log.
    pub known: &'a mut Known,
}

/// The response to a request, and what is logged about it.
#[derive(Debug)]
pub struct Answer {
    /// The response.
    pub response: Response<Bytes>,
    /// What is logged.
    pub event: RequestEvent,
}

impl Answer {
    /// Of something that everybody may know.
    pub const fn public(response: Response<Bytes>) -> Self {
        Self {
            response,
            event: RequestEvent::Served {},
        }
    }
}

impl Call<'_> {
    /// The parameters in its body. From here on the log has the client that the request names, also when the
    /// request is refused for its form.
    ///
    /// # Errors
    /// [`BadRequest`] when it is no form, or none that a correct client sends.
    pub fn form(&mut self) -> Result<Form, BadRequest> {
        let headers = self.request.headers();
        let form = Form::parse(self.request.uri(), headers, self.request.body());
        self.known.client = client_named_in(headers, form.as_ref().ok());
        form
    }

    /// The client authentication that it presents.
    ///
    /// # Errors
    /// [`ClientDenied`] when it presents none, or more than one.
    pub fn credentials(&mut self, form: &Form) -> Result<PresentedCredentials, ClientDenied> {
        let presented = PresentedCredentials::from_request(self.request.headers(), form)?;
        self.known.client = presented.client_id().cloned();
        Ok(presented)
    }

    /// Its DPoP proof, if it has one; with `token`, one for that.
    ///
    /// # Errors
    /// [`DpopDenied`](crate::error::DpopDenied) when it is not accepted.
    async fn key_proof(&self, token: Option<&str>) -> Result<Option<DpopProof>, Error> {
        let (headers, method) = (self.request.headers(), self.request.method());
        let path = self.endpoint.path;
        Box::pin(self.issuer.proof_of(headers, method, path, token)).await
    }

    /// The API key that it presents to exchange it.
    fn api_key(&self, form: &Form, key: &str) -> Result<PresentedCredentials, ClientDenied> {
        PresentedCredentials::from_api_key(self.request.headers(), form, key)
    }

    /// The token of another issuer that it presents as its grant.
    fn foreign_token(
        &self,
        form: &Form,
        assertion: &str,
    ) -> Result<PresentedCredentials, ClientDenied> {
        PresentedCredentials::from_grant(self.request.headers(), form, assertion)
    }
}

/// For what no operator can turn off.
pub const ALWAYS: fn(&Config) -> bool = |_| true;

/// Boxed, because it is large, and every future around it would hold a copy of its size.
pub type Work<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl Endpoint {
    fn allows(&self, method: &Method) -> bool {
        let mut allowed = self.methods.split(", ");
        allowed.any(|allowed| allowed == method.as_str())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.name)
    }
}

/// An endpoint with the constructors of the abilities that it needs, for a host with the custody `C`.
pub struct Mount<C> {
    /// The endpoint.
    pub endpoint: &'static Endpoint,
    /// Makes what it needs.
    pub prepare: fn(&C, &Table, &mut Abilities),
}

impl<C: Custody> Mount<C> {
    /// It needs no private key.
    pub const fn keyless(endpoint: &'static Endpoint) -> Self {
        Self {
            endpoint,
            prepare: |_, _, _| {},
        }
    }

    /// It signs.
    pub const fn signing(endpoint: &'static Endpoint) -> Self {
        Self {
            endpoint,
            prepare: |custody, _, abilities| abilities.keys.sign = Some(custody.sign()),
        }
    }

    /// It proves refresh tokens, and reads what others have fetched.
    pub const fn proving(endpoint: &'static Endpoint) -> Self {
        Self {
            endpoint,
            prepare: |custody, table, abilities| {
                abilities.keys.open = Some(custody.open());
                let reading = || Arc::new(table.reader()) as Arc<dyn Source>;
                abilities.documents.get_or_insert_with(reading);
            },
        }
    }

    /// It fetches the documents of others.
    pub const fn fetching(endpoint: &'static Endpoint) -> Self {
        Self {
            endpoint,
            prepare: |_, table, abilities| {
                let web = Arc::new(Web::new(Reach::Public));
                abilities.documents = Some(Arc::new(Fetcher::new(table.clone(), web)));
            },
        }
    }

    /// It proves refresh tokens, fetches the documents of others, and signs.
    pub const fn issuing(endpoint: &'static Endpoint) -> Self {
        Self {
            endpoint,
            prepare: |custody, table, abilities| {
                let web = Arc::new(Web::new(Reach::Public));
                abilities.keys = KeyAccess::all(custody);
                abilities.documents = Some(Arc::new(Fetcher::new(table.clone(), web)));
            },
        }
    }

    /// The abilities that these endpoints need, and no more.
    pub fn prepare_all(mounts: &[Self], custody: &C, table: &Table) -> Abilities {
        let mut abilities = Abilities::default();
        for mount in mounts {
            (mount.prepare)(custody, table, &mut abilities);
        }
        abilities
    }
}

impl<C> fmt::Debug for Mount<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint.fmt(f)
    }
}

impl Issuer {
    /// Gathers the evidence on the client of a request, and notes in the log whom a token of another issuer
    /// speaks for.
    async fn gather<'a>(
        &'a self,
        presented: &'a PresentedCredentials,
        known: &mut Known,
    ) -> Result<Evidence<'a>, Error> {
        let evidence = self.clients.gather(presented).await?;
        known.client = Some(evidence.client_id().clone());
        known.rule = evidence.rule().cloned();
        known.key = evidence.api_key_id().cloned();
        Ok(evidence)
    }

    /// Whether this issuer serves an endpoint.
    pub fn serves(&self, endpoint: &Endpoint) -> bool {
        (endpoint.is_on)(&self.config)
    }

    /// Answers one request and writes its log line. Never fails: every error is a response.
    ///
    /// The host may attach a [`RequestContext`] as a request extension, and finds what was logged as an
    /// extension of the response, which is an [`Answered`].
    pub async fn handle(
        &self,
        endpoint: &'static Endpoint,
        request: Request<Bytes>,
    ) -> Response<Bytes> {
        aws_calls::counted(self.answer(endpoint, request)).await
    }

    /// Loads and opens the keys that requests to `endpoint` need, so that the first request does
    /// not wait for them, and checks that every private key belongs to the published one.
    ///
    /// # Errors
    /// [`Unavailable`] when table or custody fail. Requests then load the keys that are missing.
    pub async fn warm_up(&self, endpoint: &'static Endpoint) -> Result<(), Unavailable> {
        (endpoint.warm_up)(self).await
    }

    /// Verifies that requests to these endpoints can be answered now, by this version, with this
    /// configuration, under this role. Everything is read and opened anew, within the time limit of a
    /// request.
    ///
    /// # Errors
    /// [`CheckFailed`], whose text is for operators.
    pub async fn check(
        &self,
        endpoints: &[&'static Endpoint],
        expected: ExpectedTable,
    ) -> Result<(), CheckFailed> {
        let (table, owner) = (self.table.reader(), self.config.owner());
        within_limit(self.config.request_timeout, async {
            let now = self.clock.now();
            if check_table(&table, &owner, expected, now).await? == TableState::New {
                return Ok(());
            }
            let cold = self.cold();
            for endpoint in endpoints {
                (endpoint.check)(&cold).await?;
            }
            Ok(())
        })
        .await
    }

    async fn answer(
        &self,
        endpoint: &'static Endpoint,
        request: Request<Bytes>,
    ) -> Response<Bytes> {
        let started = Instant::now();
        let context = request.extensions().get::<RequestContext>().cloned();
        let context = context.unwrap_or_else(RequestContext::unknown);
        let mut known = Known::default();
        let work = self.serve(endpoint, &request, &mut known);
        let served = match tokio::time::timeout(self.config.request_timeout, work).await {
            Ok(served) => served,
            Err(_) => Err(Unavailable::Timeout.into()),
        };
        let answer = served.unwrap_or_else(|error| Answer {
            response: (endpoint.refuse)(endpoint, &error, self.retry_after(&error)),
            event: RequestEvent::refused(known, &error),
        });
        let Answer {
            mut response,
            event,
        } = answer;
        if self.config.dpop_nonces && request.headers().contains_key(DPOP_HEADER) {
            // Boxed, because few need it and every answer would hold its size.
            Box::pin(self.add_nonce(response.headers_mut())).await;
        }
        if endpoint.has_cors {
            answer::add_cors_headers(response.headers_mut());
        }
        if let Ok(id) = HeaderValue::from_str(&context.request_id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        if request.method() == Method::HEAD {
            let length = HeaderValue::from(response.body().len());
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
            *response.body_mut() = Bytes::new();
        }
        let end = (response.status(), started.elapsed());
        let answered = Answered::new(endpoint.name, request.method(), context, event, end);
        answered.write(self.config.log_level);
        response.extensions_mut().insert(answered);
        response
    }

    /// Gives whoever sends proofs the nonce for the next one (RFC 9449 §8.2).
    async fn add_nonce(&self, headers: &mut HeaderMap) {
        let nonce = self.dpop_nonce().await.ok();
        if let Some(Ok(nonce)) = nonce.map(HeaderValue::try_from) {
            headers.insert(HeaderName::from_static(DPOP_NONCE_HEADER), nonce);
        }
    }

    async fn serve(
        &self,
        endpoint: &'static Endpoint,
        request: &Request<Bytes>,
        known: &mut Known,
    ) -> Result<Answer, Error> {
        if !endpoint.allows(request.method()) {
            return Err(BadRequest::MethodNotAllowed.into());
        }
        if request.method() == Method::OPTIONS {
            let response = answer::preflight(endpoint.methods, request.headers());
            return Ok(Answer::public(response));
        }
        let call = Call {
            issuer: self,
            request,
            endpoint,
            known,
        };
        (endpoint.serve)(call).await
    }

    /// In seconds (RFC 9110 §10.2.3).
    fn retry_after(&self, error: &Error) -> u64 {
        match error {
            Error::Unavailable(Unavailable::JustRevoked(until)) => {
                until.since(self.clock.now()).as_secs() + 1
            }
            Error::Denied(Denied::Limit(reason)) => reason.standing().resets_in,
            _ => 1,
        }
    }
}

/// The endpoint at `path`, for a host that serves all of them: a program that calls this links all
/// endpoints. Whether an issuer [serves](Issuer::serves) it is another question.
pub fn at(path: &str) -> Option<&'static Endpoint> {
    let mut all = ALL.into_iter().chain(OPTIONAL);
    all.find(|endpoint| endpoint.path == path)
}

/// Every endpoint that each issuer has, for such a host.
pub const ALL: [&Endpoint; 9] = [
    &TOKEN,
    &REFRESH,
    &REVOKE,
    &INTROSPECT,
    &USERINFO,
    &REVOCATIONS,
    &JWKS,
    &AUTHORIZATION_SERVER_METADATA,
    &OPENID_CONFIGURATION,
];

/// Every endpoint that some issuers have, for such a host.
pub const OPTIONAL: [&Endpoint; 3] = [
    &SECRET_SCANNING,
    &PUSHED_AUTHORIZATION,
    &DEVICE_AUTHORIZATION,
];

/// The request id, returned so that a caller can say which log line is theirs.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
