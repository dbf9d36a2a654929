//! What people are told when they do not get on.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use tokensmith_issuer::authorization::NotRedirected;
use tokensmith_issuer::endpoint::{Answer, Call, Endpoint, Work};
use tokensmith_issuer::error::{BadRequest, Denied, Error, SignInDenied, UpstreamDenied};
use tokensmith_issuer::event::{RequestContext, RequestEvent};
use tokensmith_pages::{Brand, Language, Look, Problem, ProblemKind};

use crate::check::check_people;
use crate::visit::{Visit, page};

/// Answers a request, also when it is refused: by a page in the person's language.
pub(crate) async fn answered<'a, F>(
    call: Call<'a>,
    serve: impl FnOnce(Call<'a>) -> F,
) -> Result<Answer, Error>
where
    F: Future<Output = Result<Answer, Error>> + Send + 'a,
{
    let (issuer, request) = (call.issuer, call.request);
    match serve(call).await {
        Ok(answer) => Ok(answer),
        Err(error) => Ok(Answer {
            response: Visit::new(issuer, request).problem_page(&error, None),
            event: RequestEvent::refused(Default::default(), &error),
        }),
    }
}

impl Visit<'_> {
    /// The page that says what went wrong.
    pub(crate) fn problem_page(&self, error: &Error, start_again: Option<&str>) -> Response<Bytes> {
        let context = self.request.extensions().get::<RequestContext>();
        let (status, mut kind) = kind_of(error, start_again);
        if is_foreign(error) && self.cookies.are_missing() {
            kind = ProblemKind::NoCookies;
        }
        let detail = detail_of(error);
        let problem = Problem {
            kind,
            detail: detail.as_deref(),
            request_id: context.map(|context| context.request_id.as_str()),
        };
        let mut response = self.page(status, problem.html(&self.look, self.language));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(1));
        }
        response
    }
}

/// The page for a request that nobody has looked at: its method is wrong, or it took too long.
fn refused_page(endpoint: &Endpoint, error: &Error, retry_after: u64) -> Response<Bytes> {
    let (status, kind) = kind_of(error, None);
    let look = Look::new(Brand {
        name: "tokensmith".to_owned(),
        logo: None,
        colour: None,
    });
    let detail = detail_of(error);
    let problem = Problem {
        kind,
        detail: detail.as_deref(),
        request_id: None,
    };
    let html = problem.html(&look, Language::English);
    let mut response = page(status, html, look.content_security_policy());
    let headers = response.headers_mut();
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = HeaderValue::from_static(endpoint.methods);
            headers.insert(header::ALLOW, allowed);
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
        }
        _ => {}
    }
    response
}

fn kind_of<'a>(error: &Error, start_again: Option<&'a str>) -> (StatusCode, ProblemKind<'a>) {
    let Error::Denied(denied) = error else {
        return (StatusCode::SERVICE_UNAVAILABLE, ProblemKind::Unavailable);
    };
    let kind = match denied {
        Denied::Request(BadRequest::NotRedirected(reason)) => match reason {
            NotRedirected::NoClientNamed | NotRedirected::UnknownClient => {
                ProblemKind::UnknownClient
            }
            NotRedirected::NoRedirectUri
            | NotRedirected::UnknownRedirectUri
            | NotRedirected::UnknownPostLogoutRedirectUri => ProblemKind::BadRedirectUri,
            NotRedirected::ClientOfAnotherIdToken => ProblemKind::BadRequest,
        },
        // A form of another session is mostly one's own, from before signing in or out.
        Denied::SignIn(
            SignInDenied::ExpiredForm | SignInDenied::ForeignForm | SignInDenied::NotSignedIn,
        ) => ProblemKind::ExpiredForm { start_again },
        Denied::SignIn(SignInDenied::AnsweredBefore) => ProblemKind::AlreadyAnswered,
        Denied::SignIn(SignInDenied::TooManyAttempts(seconds)) => {
            ProblemKind::TooManyRequests(*seconds)
        }
        Denied::SignIn(SignInDenied::CrossSite) => ProblemKind::BadRequest,
        Denied::SignIn(_) => ProblemKind::Forbidden,
        Denied::Upstream(UpstreamDenied::UnknownUpstream) => ProblemKind::NotFound,
        Denied::Upstream(UpstreamDenied::NotLinked) => ProblemKind::NotLinked { start_again },
        Denied::Upstream(_) => ProblemKind::UpstreamFailed { start_again },
        _ => ProblemKind::BadRequest,
    };
    (denied.status(), kind)
}

/// Whether a form was refused because it is bound to cookies that did not come with it.
fn is_foreign(error: &Error) -> bool {
    matches!(
        error,
        Error::Denied(Denied::SignIn(SignInDenied::ForeignForm))
    )
}

/// What a developer wants to know. What happened to a person who signs in is said in their own language.
fn detail_of(error: &Error) -> Option<String> {
    match error {
        Error::Denied(Denied::SignIn(_)) | Error::Unavailable(_) => None,
        Error::Denied(denied) => Some(denied.to_string()),
    }
}

/// An endpoint whose answers are for people. It has no CORS: nobody but a person's browser asks it.
pub(crate) const fn endpoint_of_people(
    name: &'static str,
    path: &'static str,
    methods: &'static str,
    serve: for<'a> fn(Call<'a>) -> Work<'a, Result<Answer, Error>>,
) -> Endpoint {
    Endpoint {
        name,
        path,
        methods,
        has_cors: false,
        is_on: |config| config.sign_in,
        warm_up: |issuer| Box::pin(issuer.open_proving_keys()),
        check: check_people,
        serve,
        refuse: refused_page,
    }
}
