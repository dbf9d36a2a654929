use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use tokensmith_verifier::{Algorithm, MAX_TOKEN_BYTES, Timestamp};

use super::MintedToken;
use super::mint::sign_document;
use crate::Issuer;
use crate::error::Unavailable;
use crate::keys::{ActiveKey, ID_TOKEN_TYPE};
use crate::names::{ClientId, IssuerUrl, SubjectName};
use crate::store::records::SignIn;

/// What an ID token says: that a person has signed in, for a client (OpenID Connect Core 1.0 §2).
#[derive(Debug)]
pub struct IdToken<'a> {
    /// Whom it is for.
    pub client_id: &'a ClientId,
    /// Who has signed in.
    pub subject: &'a SubjectName,
    /// How and when.
    pub sign_in: &'a SignIn,
    /// The `nonce` of the authorization request.
    pub nonce: Option<&'a str>,
    /// The time.
    pub now: Timestamp,
}

impl IdToken<'_> {
    /// Signs it, for the response that has this access token.
    ///
    /// # Errors
    /// [`Unavailable`] when the key cannot sign.
    pub async fn mint(
        &self,
        access_token: &MintedToken,
        key: &ActiveKey,
        issuer: &IssuerUrl,
    ) -> Result<MintedIdToken, Unavailable> {
        let claims = Claims {
            iss: issuer.as_str(),
            sub: self.subject.as_str(),
            aud: self.client_id.as_str(),
            exp: self.now.after(LIFETIME).seconds(),
            iat: self.now.seconds(),
            auth_time: self.sign_in.at.seconds(),
            acr: PASSWORD_OR_MORE,
            amr: &self.sign_in.methods,
            nonce: self.nonce,
            at_hash: at_hash(access_token.expose_secret(), key.algorithm),
            sid: self.sign_in.session.as_deref(),
        };
        let token = sign_document(ID_TOKEN_TYPE, &claims, key).await?;
        Ok(MintedIdToken(token.into()))
    }
}

/// A signed ID token for its client.
#[derive(Debug)]
pub struct MintedIdToken(SecretString);

impl ExposeSecret<str> for MintedIdToken {
    fn expose_secret(&self) -> &str {
        self.0.expose_secret()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    iat: u64,
    auth_time: u64,
    acr: &'a str,
    amr: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
    /// The session, as logout tokens name it (OpenID Connect Front-Channel Logout 1.0 §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
}

/// What an ID token of ours says that a client sends back.
#[derive(Clone, Debug, Deserialize)]
pub struct IdTokenHint {
    #[serde(rename = "iss")]
    issuer: String,
    /// Whom it names.
    #[serde(rename = "sub")]
    pub subject: String,
    /// Whom it was made for.
    #[serde(rename = "aud")]
    pub client: String,
    /// The session in which it was made.
    #[serde(rename = "sid")]
    pub session: Option<String>,
}

impl Issuer {
    /// What an ID token says that a client sends back as a hint; `None` when it is none of ours. It may have expired (OpenID Connect
    /// Core 1.0 §3.1.2.1).
    ///
    /// # Errors
    /// [`Unavailable`] when the keys must be loaded and cannot be.
    pub async fn id_token_hint(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Result<Option<IdTokenHint>, Unavailable> {
        if token.len() > MAX_TOKEN_BYTES {
            return Ok(None);
        }
        let keys = self.keys.at(now).await?;
        let hint = keys.signed_id_token::<IdTokenHint>(token).ok();
        Ok(hint.filter(|hint| hint.issuer == self.config.issuer.as_str()))
    }
}

/// The left half of the hash of the access token, by the hash of the signature (OpenID Connect Core 1.0 §3.1.3.6).
fn at_hash(access_token: &str, algorithm: Algorithm) -> String {
    let hash = match algorithm {
        Algorithm::EdDSA => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let hash = digest::digest(hash, access_token.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

/// How long a client may take to verify it. It is no credential: what goes on afterwards is the client's own session.
const LIFETIME: Duration = Duration::from_secs(15 * 60);

/// The only class of sign-in that there is.
pub const PASSWORD_OR_MORE: &str = "1";
