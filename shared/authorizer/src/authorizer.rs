use std::sync::Arc;
use std::time::{Duration, Instant};

use tokensmith_issuer::Level;
use tokensmith_issuer::endpoint::check::{
    CheckFailed, ExpectedTable, check_feed, check_table, within_limit,
};
use tokensmith_issuer::event::ServiceEvent;
use tokensmith_issuer::revocation::TableRevocations;
use tokensmith_issuer::store::TableReader;
use tokensmith_issuer::store::aws_calls;
use tokensmith_issuer::store::records::Settings;
use tokensmith_verifier::{
    BearerToken, Clock, InvalidConfiguration, Refusal, Rejection, SourceUnavailable,
    VerifiedClaims, Verifier,
};

use crate::answer::{AuthorizerAnswer, TokenContext};
use crate::config::{AuthorizerConfig, ResponseFormat};
use crate::decision::{Decision, Forbidden};
use crate::event::{AuthorizationRequest, AuthorizerEvent, EventKind, NotFromAuthorizer};
use crate::keys::KeysInTable;
use crate::log;
use crate::policy::PolicyDocument;
use crate::route_scopes::{Matched, RouteScopes};
use crate::size::{MAX_ANSWER_BYTES, json_bytes};

/// The authorizer of one API.
#[derive(Debug)]
pub struct Authorizer {
    verifier: Verifier,
    keys: Arc<KeysInTable>,
    revocations: Arc<TableRevocations>,
    clock: Clock,
    routes: Option<RouteScopes>,
    response: ResponseFormat,
    log_level: Level,
}

impl Authorizer {
    /// An authorizer for the tokens of the issuer that `table` belongs to. It only reads the table,
    /// and reads nothing yet.
    ///
    /// # Errors
    /// [`InvalidConfiguration`] for an audience that no challenge could name.
    pub fn new(
        config: AuthorizerConfig,
        table: TableReader,
        clock: Clock,
    ) -> Result<Self, InvalidConfiguration> {
        let revocations = Arc::new(TableRevocations::new(
            table.clone(),
            clock.clone(),
            config.feed_interval,
            config.stale,
        ));
        // The authorizer opens no key, so that it does not know which one wraps them.
        let owner = Settings {
            issuer: config.issuer.clone(),
            wrapping_key: None,
        };
        let keys = Arc::new(KeysInTable::new(table, owner, clock.clone()));
        let verifier = Verifier::builder(config.issuer.as_str())
            .audience(config.audience.as_str())
            .fetch(keys.clone())
            .revocations(revocations.clone())
            .clock(clock.clone());
        Ok(Self {
            verifier: verifier.build()?,
            keys,
            revocations,
            clock,
            routes: config.routes,
            response: config.response,
            log_level: config.log_level,
        })
    }

    /// Reads the keys, so that the first request does not wait for them.
    ///
    /// # Errors
    /// [`SourceUnavailable`] when they cannot be read. Requests then read the keys that are
    /// missing.
    pub async fn warm_up(&self) -> Result<(), SourceUnavailable> {
        // Even an empty token makes the verifier read its keys before it refuses the token.
        match self.verifier.verify("").await {
            Err(Refusal::Unavailable(unavailable)) => Err(unavailable),
            _ => Ok(()),
        }
    }

    /// Verifies that tokens can be judged: reads the keys and the revocations anew.
    ///
    /// # Errors
    /// [`CheckFailed`], whose text is for operators.
    pub async fn check(&self, expected: ExpectedTable) -> Result<(), CheckFailed> {
        let KeysInTable { table, owner, .. } = &*self.keys;
        within_limit(CHECK_LIMIT, async {
            let now = self.clock.now();
            check_table(table, owner, expected, now).await?;
            Ok(check_feed(table, now).await?)
        })
        .await
    }

    /// Answers one event, which Lambda calls `request_id`, and writes its log line.
    ///
    /// # Errors
    /// [`AuthorizerError`], whose text API Gateway reads.
    pub async fn answer(
        &self,
        event: &AuthorizerEvent,
        request_id: &str,
    ) -> Result<AuthorizerAnswer, AuthorizerError> {
        aws_calls::counted(self.answer_counted(event, request_id)).await
    }

    async fn answer_counted(
        &self,
        event: &AuthorizerEvent,
        request_id: &str,
    ) -> Result<AuthorizerAnswer, AuthorizerError> {
        let started = Instant::now();
        let request = event.request()?;
        let routes = self.routes.as_ref();
        let route = routes.and_then(|routes| routes.route_of(request.route));
        let decision = self.decide(&request, route).await;
        let known = log::Known {
            request_id: request.request_id.unwrap_or(request_id),
            route: match route {
                Some(route) => Some(route.key.to_owned()),
                None => request.route.to_key(),
            },
            started,
            feed_age: self.revocations.staleness(self.clock.now()),
        };
        log::write(self.log_level, &known, &decision);
        let answer = self.answer_to(&request, route, decision);
        if let Err(AuthorizerError::TooLong(bytes)) = &answer {
            let (request_id, bytes) = (known.request_id, *bytes);
            ServiceEvent::AuthorizeAnswerTooLong { request_id, bytes }.write();
        }
        answer
    }

    /// Verifies the token, and then checks the scopes that its route requires.
    async fn decide(
        &self,
        request: &AuthorizationRequest<'_>,
        route: Option<Matched<'_>>,
    ) -> Decision {
        let claims = match self.verify(request).await {
            Ok(claims) => claims,
            Err(Refusal::Unavailable(unavailable)) => return Decision::Unavailable(unavailable),
            Err(refusal) => return Decision::Unverified(refusal),
        };
        match (&self.routes, route) {
            (None, _) => Decision::Allowed(claims),
            (Some(_), None) => Decision::Forbidden(claims, Forbidden::RouteNotListed),
            (Some(_), Some(route)) => match claims.require(route.required) {
                Ok(()) => Decision::Allowed(claims),
                Err(_) => Decision::Forbidden(claims, Forbidden::InsufficientScope),
            },
        }
    }

    /// The claims of the token that the request brings.
    async fn verify(&self, request: &AuthorizationRequest<'_>) -> Result<VerifiedClaims, Refusal> {
        let values = request.authorization.iter().copied();
        let token = BearerToken::from_headers(values)?;
        match self.verifier.verify(token.expose()).await {
            // Once the keys were read again, the verifier does not know a withdrawn key any more.
            Err(Refusal::Rejected(Rejection::UnknownKey))
                if self.keys.have_withdrawn_signer_of(token.expose()) =>
            {
                Err(Rejection::KeyWithdrawn.into())
            }
            verified => verified,
        }
    }

    fn answer_to(
        &self,
        request: &AuthorizationRequest<'_>,
        route: Option<Matched<'_>>,
        decision: Decision,
    ) -> Result<AuthorizerAnswer, AuthorizerError> {
        let is_authorized = matches!(decision, Decision::Allowed(_));
        let claims = match (decision, request.kind) {
            (Decision::Allowed(claims) | Decision::Forbidden(claims, _), _) => Some(claims),
            (Decision::Unverified(_), EventKind::Rest) => {
                return Err(AuthorizerError::Unauthorized);
            }
            (Decision::Unverified(_), EventKind::HttpV1 | EventKind::HttpV2) => None,
            (Decision::Unavailable(_), _) => return Err(AuthorizerError::Unavailable),
        };
        let context = claims.as_ref().map(TokenContext::from);
        if (request.kind, self.response) == (EventKind::HttpV2, ResponseFormat::Simple) {
            return Ok(AuthorizerAnswer::Simple {
                is_authorized,
                context,
            });
        }
        let answer = self.policy_for(request, route.filter(|_| is_authorized), claims, context);
        match json_bytes(&answer) {
            bytes if bytes <= MAX_ANSWER_BYTES => Ok(answer),
            bytes => Err(AuthorizerError::TooLong(bytes)),
        }
    }

    fn policy_for(
        &self,
        request: &AuthorizationRequest<'_>,
        permitted: Option<Matched<'_>>,
        claims: Option<VerifiedClaims>,
        context: Option<TokenContext>,
    ) -> AuthorizerAnswer {
        let (routes, arn) = (self.routes.as_ref(), &request.arn);
        match claims {
            Some(claims) => AuthorizerAnswer::Policy {
                principal_id: claims.subject().to_owned(),
                policy_document: PolicyDocument::of_token(
                    &claims,
                    routes,
                    arn,
                    request.route,
                    permitted,
                ),
                context,
            },
            None => AuthorizerAnswer::Policy {
                principal_id: "anonymous".to_owned(),
                policy_document: PolicyDocument::of_nobody(arn),
                context,
            },
        }
    }
}

/// How long a check may take: as long as a request to the issuer.
const CHECK_LIMIT: Duration = Duration::from_secs(5);

/// Why there is no answer. API Gateway chooses the HTTP status by this error's text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuthorizerError {
    /// The token is not valid. A REST API answers 401 for exactly this text.
    #[error("Unauthorized")]
    Unauthorized,
    /// Keys or revocations cannot be read: API Gateway answers 500.
    #[error("the authorizer cannot tell now")]
    Unavailable,
    /// The policy is longer than API Gateway takes: the map has too many routes for such an API, or
    /// the token has very many scopes or long claims.
    #[error("the answer takes {0} bytes, and API Gateway takes {MAX_ANSWER_BYTES}")]
    TooLong(usize),
    /// The event is not one that API Gateway sends.
    #[error(transparent)]
    NotFromAuthorizer(#[from] NotFromAuthorizer),
}
