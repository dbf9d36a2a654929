//! What an upstream answers: the browser brings a code, which is redeemed for an ID token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokensmith_verifier::PostRequest;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

use super::attempt::AttemptSecrets;
use super::id_token::{Expected, UpstreamIdentity, UpstreamToken};
use super::metadata::UpstreamMetadata;
use super::{Attempt, Published};
use crate::Issuer;
use crate::error::{AssertionDenied, Error, Unavailable, UpstreamDenied};
use crate::fetched::{DocumentUrl, MAX_DOCUMENT_BYTES, PublishedKeys, Wanted};
use crate::store::records::Upstream;

/// What the browser brings back (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Clone, Copy, Debug, Default)]
pub struct UpstreamAnswer<'a> {
    /// `code`.
    pub code: Option<&'a str>,
    /// `error`.
    pub error: Option<&'a str>,
    /// `iss`.
    pub issuer: Option<&'a str>,
}

impl Issuer {
    /// Who has signed in at `upstream`, by what it answers to `attempt`. `binding` is the secret of the browser that has brought the
    /// answer.
    ///
    /// # Errors
    /// [`UpstreamDenied`] when that is not proven; [`Unavailable`] when the upstream or a key fails.
    pub async fn identify(
        &self,
        upstream: &Upstream,
        attempt: &Attempt,
        binding: &str,
        answer: UpstreamAnswer<'_>,
    ) -> Result<UpstreamIdentity, Error> {
        if attempt.upstream != upstream.name {
            return Err(UpstreamDenied::AnswerOfAnotherUpstream.into());
        }
        let metadata = self.metadata_of(upstream).await?;
        check_issuer(upstream, &metadata.content, answer.issuer)?;
        if answer.error.is_some() {
            return Err(UpstreamDenied::RefusedByUpstream.into());
        }
        let code = answer.code.ok_or(UpstreamDenied::NoUpstreamCode)?;
        let secrets = self.secrets_of(attempt, binding).await?;
        let token = self.redeem_at(upstream, &metadata.content, code, &secrets);
        let token = UpstreamToken::parse(token.await?)?;
        self.verify_by(&metadata.content.jwks_uri, &token).await?;
        let expected = Expected {
            issuer: upstream.issuer.as_str(),
            client_id: &upstream.client_id,
            nonce: &secrets.nonce,
        };
        Ok(token.identity(expected, self.clock.now())?)
    }

    /// Redeems a code (OpenID Connect Core 1.0 §3.1.3.1), and returns the ID token.
    async fn redeem_at(
        &self,
        upstream: &Upstream,
        metadata: &UpstreamMetadata,
        code: &str,
        secrets: &AttemptSecrets,
    ) -> Result<SecretString, Error> {
        let secret = self.upstreams.secrets.secret_at(upstream).await?;
        let redirect_uri = self.redirect_uri_at(upstream);
        let parameters = [
            ("code", code),
            ("redirect_uri", &redirect_uri),
            ("code_verifier", &secrets.verifier),
        ];
        let in_form = metadata.takes_secret_in_form();
        let (form, authorization) = proven(&parameters, &upstream.client_id, &secret, in_form);
        let request = PostRequest {
            url: metadata.token_endpoint.as_str(),
            authorization: authorization.as_ref().map(|value| value.as_str()),
            form: &form,
            max_bytes: MAX_DOCUMENT_BYTES,
        };
        let web = &self.upstreams.published()?.web;
        let posted = web.post(request).await.map_err(|err| {
            let host = metadata.token_endpoint.host();
            Unavailable::Upstream(format!("{host}: {err}"))
        })?;
        match posted.status {
            200 => {}
            500.. => {
                let host = metadata.token_endpoint.host();
                let reason = format!("{host}: the answer has status {}", posted.status);
                return Err(Unavailable::Upstream(reason).into());
            }
            _ => return Err(UpstreamDenied::CodeRefusedByUpstream.into()),
        }
        let answer: TokenAnswer = serde_json::from_slice(&posted.body)
            .map_err(|_| UpstreamDenied::MalformedUpstreamAnswer)?;
        Ok(answer.id_token.into())
    }

    /// Verifies the signature by the keys that the upstream publishes. They are fetched anew if the token names another one.
    async fn verify_by(&self, url: &DocumentUrl, token: &UpstreamToken) -> Result<(), Error> {
        let Published { key_sets, .. } = self.upstreams.published()?;
        let verify = |published: &PublishedKeys| match &published.0 {
            Ok(keys) => token.verify(keys),
            Err(_) => Err(AssertionDenied::UnusableAssertionKeys),
        };
        let known = key_sets.get(url, Wanted::Usual).await?;
        let verified = match verify(&known.content) {
            Err(AssertionDenied::UnknownAssertionKey | AssertionDenied::UnusableAssertionKeys) => {
                let newer = Wanted::NewerThan(known.fetched_at);
                let newer = key_sets.get(url, newer).await?;
                verify(&newer.content)
            }
            verified => verified,
        };
        Ok(verified.map_err(UpstreamDenied::IdToken)?)
    }
}

/// RFC 9207 §2.4: an issuer that is named must be the right one, and one that says it names itself must.
fn check_issuer(
    upstream: &Upstream,
    metadata: &UpstreamMetadata,
    named: Option<&str>,
) -> Result<(), UpstreamDenied> {
    let must = metadata.authorization_response_iss_parameter_supported;
    match named {
        Some(named) if named == upstream.issuer.as_str() => Ok(()),
        None if !must => Ok(()),
        Some(_) | None => Err(UpstreamDenied::AnswerOfAnotherIssuer),
    }
}

/// The form of a token request and its `Authorization`, by which this service proves itself: in one of them.
fn proven(
    parameters: &[(&str, &str)],
    client_id: &str,
    secret: &Option<SecretString>,
    in_form: bool,
) -> (Zeroizing<String>, Option<Zeroizing<String>>) {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "authorization_code")
        .extend_pairs(parameters);
    let authorization = match secret {
        Some(secret) if !in_form => Some(basic(client_id, secret)),
        Some(secret) => {
            form.append_pair("client_id", client_id)
                .append_pair("client_secret", secret.expose_secret());
            None
        }
        None => {
            form.append_pair("client_id", client_id);
            None
        }
    };
    (Zeroizing::new(form.finish()), authorization)
}

/// RFC 6749 §2.3.1: both parts are encoded before they are joined.
fn basic(client_id: &str, secret: &SecretString) -> Zeroizing<String> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let secret = Zeroizing::new(encoded(secret.expose_secret()));
    let pair = Zeroizing::new(format!("{}:{}", encoded(client_id), *secret));
    Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)))
}

/// What is read of the answer of a token endpoint. Its access token is not used.
#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}
