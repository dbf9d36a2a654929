use std::sync::Arc;
use std::time::{Duration, Instant};

use tokensmith_issuer::Level;
use tokensmith_issuer::credential::ApiKeySecret;
use tokensmith_issuer::endpoint::check::{
    CheckFailed, ExpectedTable, check_feed, check_table, within_limit,
};
use tokensmith_issuer::event::ServiceEvent;
use tokensmith_issuer::limit::{RequestLimits, Taken};
use tokensmith_issuer::names::Audience;
use tokensmith_issuer::revocation::TableRevocations;
use tokensmith_issuer::store::aws_calls;
use tokensmith_issuer::store::records::Settings;
use tokensmith_issuer::store::{Counters, Table, TableReader};
use tokensmith_verifier::{
    BearerToken, Clock, InvalidConfiguration, ProtectedRequest, Refusal, Rejection, RequiredScopes,
    SourceUnavailable, TokenScheme, VerifiedClaims, Verifier,
};

use crate::answer::{AuthorizerAnswer, TokenContext};
use crate::api_keys::{ApiKeyChecker, Closed};
use crate::config::{AuthorizerConfig, PublicUrl, ResponseFormat};
use crate::decision::{Decision, Forbidden, Unverified};
use crate::event::{AuthorizationRequest, AuthorizerEvent, EventKind, NotFromAuthorizer};
use crate::keys::KeysInTable;
use crate::log;
use crate::policy::PolicyDocument;
use crate::principal::Principal;
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
    audience: Audience,
    public_url: Option<PublicUrl>,
    api_keys: Option<ApiKeyChecker>,
    limits: Option<RequestLimits>,
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
        let verifier = match config.public_url {
            Some(_) => verifier.dpop(),
            None => verifier,
        };
        Ok(Self {
            verifier: verifier.build()?,
            public_url: config.public_url,
            keys,
            revocations,
            clock,
            routes: config.routes,
            response: config.response,
            log_level: config.log_level,
            audience: config.audience,
            api_keys: None,
            limits: None,
        })
    }

    /// Takes API keys as well as tokens. It reads keys in `table`, and writes there that they are used.
    #[must_use]
    pub fn taking_api_keys(self, table: Table) -> Self {
        let checker = ApiKeyChecker::new(table, self.audience.clone(), self.revocations.clone());
        Self {
            api_keys: Some(checker),
            ..self
        }
    }

    /// The same, which takes a permit for each request that it lets through, if the resource has a limit. It writes to these
    /// counters, and nothing else.
    pub fn limiting(mut self, counters: Counters) -> Self {
        let table = self.keys.table.clone();
        self.limits = Some(RequestLimits::new(table, counters, self.clock.clone()));
        self
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

    /// Verifies that tokens can be judged: reads the keys and the revocations anew, and what limits need.
    ///
    /// # Errors
    /// [`CheckFailed`], whose text is for operators.
    pub async fn check(&self, expected: ExpectedTable) -> Result<(), CheckFailed> {
        let KeysInTable { table, owner, .. } = &*self.keys;
        within_limit(CHECK_LIMIT, async {
            let now = self.clock.now();
            check_table(table, owner, expected, now).await?;
            check_feed(table, now).await?;
            if let Some(limits) = &self.limits {
                limits.check(&self.audience).await?;
            }
            Ok(())
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
        let principal = match self.principal_of(request).await {
            Ok(principal) => principal,
            Err(undecided) => return undecided,
        };
        match (&self.routes, route) {
            (None, _) => self.count(principal).await,
            (Some(_), None) => Decision::Forbidden(principal, Forbidden::RouteNotListed),
            (Some(_), Some(route)) => match principal.meets(route.required) {
                true => self.count(principal).await,
                false => Decision::Forbidden(principal, Forbidden::InsufficientScope),
            },
        }
    }

    /// Takes a permit of the key and of the resource for a request that is allowed otherwise, so that nobody else spends any.
    async fn count(&self, principal: Principal) -> Decision {
        let Some(limits) = &self.limits else {
            return Decision::Allowed(principal);
        };
        let of_key = match &principal {
            Principal::ApiKey(holder) => limits.take_of_key(&holder.key).await,
            Principal::Token(_) => Ok(None),
        };
        let taken = match of_key {
            Ok(None | Some(Taken::Permit(_))) => limits.take(&self.audience).await,
            exceeded_or_failed => exceeded_or_failed,
        };
        match taken {
            Ok(None | Some(Taken::Permit(_))) => Decision::Allowed(principal),
            Ok(Some(Taken::Exceeded(standing))) => Decision::Limited(principal, standing),
            Err(failure) => Decision::Unavailable(failure.to_string()),
        }
    }

    /// Who has the token or the API key that the request brings.
    async fn principal_of(
        &self,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Principal, Decision> {
        let values = request.authorization.iter().copied();
        let token = match BearerToken::of_any_scheme(values) {
            Ok((TokenScheme::Bearer, token)) => Ok(token),
            Ok((TokenScheme::Dpop, token)) => return self.holder_of(token, request).await,
            Err(refusal) => Err(refusal),
        };
        let Some(checker) = &self.api_keys else {
            let verified = self.verify(token?).await;
            return Ok(Principal::Token(Box::new(verified?)));
        };
        let key = match (token, request.api_keys.as_slice()) {
            (Err(Refusal::NoToken), [key]) => *key,
            (Ok(token), []) if ApiKeySecret::is_meant(token.expose()) => token.expose(),
            (token, []) => return Ok(Principal::Token(Box::new(self.verify(token?).await?))),
            (Err(Refusal::NoToken) | Ok(_), _) => {
                return Err(Decision::Unverified(Unverified::SeveralCredentials));
            }
            (Err(refusal), _) => return Err(refusal.into()),
        };
        match checker.check(key, request.source, self.clock.now()).await {
            Ok(holder) => Ok(Principal::ApiKey(holder)),
            Err(Closed::Denied(reason)) => {
                let key = ApiKeySecret::parse(key).map(|key| key.id().clone()).ok();
                Err(Decision::Unverified(Unverified::ApiKey { reason, key }))
            }
            Err(Closed::Unavailable(failure)) => Err(Decision::Unavailable(failure)),
        }
    }

    /// Who has a token that is bound to a key, and that key (RFC 9449 §7).
    async fn holder_of(
        &self,
        token: BearerToken<'_>,
        request: &AuthorizationRequest<'_>,
    ) -> Result<Principal, Decision> {
        if !request.api_keys.is_empty() {
            return Err(Decision::Unverified(Unverified::SeveralCredentials));
        }
        let known = (&self.public_url, request.method, request.path);
        let (Some(public_url), Some(method), Some(path)) = known else {
            return Err(Refusal::NoToken.into());
        };
        let request = ProtectedRequest {
            method,
            url: &public_url.join(path),
            authorization: request.authorization.clone(),
            dpop: request.proofs.clone(),
        };
        let any = RequiredScopes::default();
        let verified = self.verifier.authorize_request(&request, &any).await;
        let verified = self.knowing_withdrawn(token, verified);
        Ok(Principal::Token(Box::new(verified?)))
    }

    /// The claims of a bearer token.
    async fn verify(&self, token: BearerToken<'_>) -> Result<VerifiedClaims, Refusal> {
        let verified = self.verifier.verify(token.expose()).await;
        self.knowing_withdrawn(token, verified)
    }

    fn knowing_withdrawn(
        &self,
        token: BearerToken<'_>,
        verified: Result<VerifiedClaims, Refusal>,
    ) -> Result<VerifiedClaims, Refusal> {
        match verified {
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
        let (principal, limit) = match (decision, request.kind) {
            (Decision::Allowed(principal) | Decision::Forbidden(principal, _), _) => {
                (Some(principal), None)
            }
            (Decision::Limited(principal, standing), _) => (Some(principal), Some(standing)),
            (Decision::Unverified(_), EventKind::Rest) => {
                return Err(AuthorizerError::Unauthorized);
            }
            (Decision::Unverified(_), EventKind::HttpV1 | EventKind::HttpV2) => (None, None),
            (Decision::Unavailable(_), _) => {
                return Err(AuthorizerError::Unavailable);
            }
        };
        let context = principal.as_ref().map(|principal| match &limit {
            Some(standing) => TokenContext::of_limited(principal, standing),
            None => TokenContext::from(principal),
        });
        if (request.kind, self.response) == (EventKind::HttpV2, ResponseFormat::Simple) {
            return Ok(AuthorizerAnswer::Simple {
                is_authorized,
                context,
            });
        }
        let answer = match (principal, limit) {
            (Some(principal), None) => {
                let permitted = route.filter(|_| is_authorized);
                self.policy_of_caller(request, permitted, &principal, context)
            }
            (principal, _) => AuthorizerAnswer::Policy {
                principal_id: match &principal {
                    Some(principal) => principal.subject().to_owned(),
                    None => "anonymous".to_owned(),
                },
                policy_document: PolicyDocument::of_nobody(&request.arn),
                context,
            },
        };
        match json_bytes(&answer) {
            bytes if bytes <= MAX_ANSWER_BYTES => Ok(answer),
            bytes => Err(AuthorizerError::TooLong(bytes)),
        }
    }

    fn policy_of_caller(
        &self,
        request: &AuthorizationRequest<'_>,
        permitted: Option<Matched<'_>>,
        principal: &Principal,
        context: Option<TokenContext>,
    ) -> AuthorizerAnswer {
        let (routes, arn) = (self.routes.as_ref(), &request.arn);
        let document = PolicyDocument::of_caller(principal, routes, arn, request.route, permitted);
        AuthorizerAnswer::Policy {
            principal_id: principal.subject().to_owned(),
            policy_document: document,
            context,
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
    /// Keys or revocations cannot be read, or permits leased: API Gateway answers 500.
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
