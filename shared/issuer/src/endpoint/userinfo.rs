//! The userinfo endpoint (OpenID Connect Core 1.0 §5.3): what a client may know about the person who has signed in
//! for it. Here the issuer is the resource server of its own tokens (RFC 6750).

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tokensmith_verifier::dpop::{DpopProof, DpopRejection, PROOF_ALGORITHMS};
use tokensmith_verifier::{AccessTokenClaims, BearerToken, Rejection, TokenScheme, paths};

use super::answer::{json_error, uncached_json};
use super::form::{Form, refuse_query};
use super::{ALWAYS, Answer, Call, Endpoint, Mount};
use crate::Issuer;
use crate::credential::GrantId;
use crate::dpop;
use crate::error::{BearerDenied, Denied, Error};
use crate::event::{Known, RequestEvent};
use crate::keys::Custody;
use crate::names::{ClientId, OPENID, Scopes, SubjectName};
use crate::person;
use crate::store::records::User;
use crate::token::Judged;

/// The userinfo endpoint. Scripts of any origin may call it: they bring the token themselves.
pub static USERINFO: Endpoint = Endpoint {
    name: "userinfo",
    path: paths::USERINFO,
    methods: "GET, POST, OPTIONS",
    has_cors: true,
    is_on: ALWAYS,
    warm_up: |issuer| Box::pin(issuer.load_published_keys()),
    check: |issuer| {
        Box::pin(async {
            issuer.load_published_keys().await?;
            issuer.check_read::<User>(User::PREFIX).await
        })
    },
    serve: |call| Box::pin(tell(call)),
    refuse: challenge,
};

/// [`USERINFO`], which needs no private key.
pub const fn userinfo<C: Custody>() -> Mount<C> {
    Mount::keyless(&USERINFO)
}

/// Tells whoever has a live token with the scope `openid` what its scopes allow to know about its person.
async fn tell(call: Call<'_>) -> Result<Answer, Error> {
    let (scheme, token) = presented_token(call.request)?;
    let proof = match scheme {
        TokenScheme::Bearer => None,
        TokenScheme::Dpop => call.key_proof(Some(&token)).await?,
    };
    let Call { issuer, known, .. } = call;
    let claims = live_claims(issuer, &token, known).await?;
    check_binding(&claims, scheme, proof.as_ref())?;
    let access = PersonalAccess::of(&claims)?;
    let user = issuer.table.get(&User::key_of(&access.subject)).await?;
    let user = user.ok_or(BearerDenied::UnknownUser)?.record;
    if user.disabled {
        return Err(BearerDenied::UserDisabled.into());
    }
    if let Some(proof) = proof {
        let claim = dpop::single_use(&proof, issuer.clock.now());
        claim.insert(&issuer.table).await?;
    }
    Ok(Answer {
        response: uncached_json(&person::told(&user, &access.scopes)),
        event: RequestEvent::Userinfo {
            subject: access.subject,
            client: access.client,
            grant: access.grant,
            jti: claims.jti,
        },
    })
}

/// Whether the token is sent as what it is: bound to the key of the request's proof, or to none (RFC 9449 §7.1, §7.2).
fn check_binding(
    claims: &AccessTokenClaims,
    scheme: TokenScheme,
    proof: Option<&DpopProof>,
) -> Result<(), Error> {
    match (&claims.cnf, scheme, proof) {
        (None, TokenScheme::Bearer, _) => Ok(()),
        (Some(_), TokenScheme::Bearer, _) => {
            Err(BearerDenied::Rejected(Rejection::BoundToKey).into())
        }
        (None, TokenScheme::Dpop, _) => Err(BearerDenied::Rejected(Rejection::NotBound).into()),
        (Some(_), TokenScheme::Dpop, None) => Err(DpopRejection::MissingProof.into()),
        (Some(bound), TokenScheme::Dpop, Some(proof)) if bound.jkt == *proof.key() => Ok(()),
        (Some(_), TokenScheme::Dpop, Some(_)) => Err(DpopRejection::AnotherKey.into()),
    }
}

/// The token in the header (RFC 6750 §2.1, RFC 9449 §7.1), or in the form of a POST request (§2.2). Never the one in the URL, where it
/// would be logged (OAuth 2.1 §5.1).
fn presented_token(request: &Request<Bytes>) -> Result<(TokenScheme, String), Error> {
    refuse_query(request.uri())?;
    let in_form = match request.method() == Method::POST && !request.body().is_empty() {
        true => Form::parse(request.uri(), request.headers(), request.body())?,
        false => Form::default(),
    };
    let headers = request.headers().get_all(header::AUTHORIZATION);
    match in_form.value("access_token") {
        Some(_) if headers.iter().next().is_some() => Err(BearerDenied::SeveralTokens.into()),
        Some(token) => Ok((TokenScheme::Bearer, token.to_owned())),
        None => {
            let headers = headers.iter().map(HeaderValue::as_bytes);
            let (scheme, token) = BearerToken::of_any_scheme(headers)?;
            Ok((scheme, token.expose().to_owned()))
        }
    }
}

/// The claims of a token that this issuer signed and that is active. Whose it is, is logged even when it is not.
async fn live_claims(
    issuer: &Issuer,
    token: &str,
    known: &mut Known,
) -> Result<AccessTokenClaims, Error> {
    let now = issuer.clock.now();
    let (claims, verdict) = match issuer.judge_access_token(token, now).await? {
        Judged::AccessToken { claims, verdict } => (claims, verdict),
        Judged::Unrecognized(why) => return Err(BearerDenied::Rejected(why).into()),
        Judged::RefreshToken { .. } | Judged::ApiKey { .. } | Judged::UnrecognizedCredential(_) => {
            return Err(BearerDenied::NotOfAPerson.into());
        }
    };
    known.client = claims.client_id.parse().ok();
    known.grant = claims.grant_id.as_deref().and_then(|id| id.parse().ok());
    verdict.map_err(BearerDenied::Rejected)?;
    Ok(*claims)
}

/// What a token opens here.
struct PersonalAccess {
    subject: SubjectName,
    client: ClientId,
    grant: GrantId,
    scopes: Scopes,
}

impl PersonalAccess {
    /// What these claims open, if a person has given them to whoever bears the token.
    fn of(claims: &AccessTokenClaims) -> Result<Self, BearerDenied> {
        // Only grants are given by persons: a token without one speaks for its client.
        let grant = claims.grant_id.as_deref().and_then(|id| id.parse().ok());
        let named = (claims.sub.parse(), claims.client_id.parse(), grant);
        let (Ok(subject), Ok(client), Some(grant)) = named else {
            return Err(BearerDenied::NotOfAPerson);
        };
        let scopes: Scopes = claims
            .scope
            .as_deref()
            .unwrap_or_default()
            .parse()
            .map_err(|_| BearerDenied::NoOpenidScope)?;
        match scopes.has(OPENID) {
            true => Ok(Self {
                subject,
                client,
                grant,
                scopes,
            }),
            false => Err(BearerDenied::NoOpenidScope),
        }
    }
}

/// An error as a challenge (RFC 6750 §3, RFC 9449 §7.2), and as JSON for whoever reads only that. Whoever sent no token is told of no
/// error (§3.1).
fn challenge(endpoint: &Endpoint, error: &Error, retry_after: u64) -> Response<Bytes> {
    let mut response = json_error(endpoint, error, retry_after);
    let Error::Denied(denied) = error else {
        return response;
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        return response;
    }
    let error = match denied {
        Denied::Bearer(BearerDenied::NoToken) => {
            *response.body_mut() = Bytes::from_static(b"{}");
            String::new()
        }
        denied => {
            let code = denied.code().as_str();
            format!(r#", error="{code}", error_description="{denied}""#)
        }
    };
    let value = match denied {
        // RFC 9449 §7.1.
        Denied::Dpop(_) => {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            format!(r#"DPoP realm="tokensmith"{error}, algs="{PROOF_ALGORITHMS}""#)
        }
        Denied::Bearer(BearerDenied::NoOpenidScope) => {
            format!(r#"{REALM}{error}, scope="{OPENID}""#)
        }
        _ => format!(r#"{REALM}{error}, DPoP algs="{PROOF_ALGORITHMS}""#),
    };
    // Our own texts are always a valid header value.
    let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(REALM));
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, value);
    response
}

const REALM: &str = r#"Bearer realm="tokensmith""#;
