//! Minting: turns an approved token into a signed one. No other code assembles JOSE.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokensmith_verifier::{AccessTokenClaims, Actor, Audiences, Confirmation, KeyId, Parent};

use crate::credential::random_id;
use crate::error::{AccessDenied, Error, Unavailable};
use crate::keys::ActiveKey;
use crate::names::{IssuerUrl, Scopes};
use crate::token::ApprovedToken;

/// Signs an RFC 9068 access token. It consumes the approval, so that each makes one token only.
///
/// # Errors
/// [`AccessDenied::TokenTooLong`] when the token is longer than the key can sign or requests can
/// carry; [`Unavailable`] when the key cannot sign.
pub async fn mint(
    approved: ApprovedToken,
    key: &ActiveKey,
    issuer: &IssuerUrl,
) -> Result<MintedToken, Error> {
    let approved = approved.into_parts();
    let mut other = approved.claims.as_map().clone();
    if let Some(signed_in) = approved.auth_time {
        other.insert("auth_time".to_owned(), signed_in.seconds().into());
    }
    let claims = AccessTokenClaims {
        iss: issuer.as_str().to_owned(),
        sub: approved.subject,
        aud: Audiences::from(approved.audiences),
        exp: approved.expires_at.seconds(),
        nbf: None,
        iat: approved.issued_at.seconds(),
        jti: random_id(),
        client_id: approved.client_id.as_str().to_owned(),
        scope: (!approved.scopes.is_empty()).then(|| approved.scopes.to_string()),
        grant_id: approved.grant_id.map(String::from),
        act: approved.act,
        parents: approved
            .parents
            .into_iter()
            .map(|parent| parent.in_token_of(&key.id))
            .collect(),
        cnf: approved.bound_to.map(|jkt| Confirmation { jkt }),
        other,
    };
    let payload = serde_json::to_vec(&claims)
        .map_err(|err| Unavailable::Key(format!("the claims cannot be printed: {err}")))?;
    let mut token = String::with_capacity(key.header.len() + payload.len() * 4 / 3 + 360);
    token.push_str(&key.header);
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut token);
    if token.len() > key.signer.longest_message() {
        return Err(AccessDenied::TokenTooLong.into());
    }
    let signature = key.signer.sign(token.as_bytes()).await?;
    token.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut token);
    if token.len() > MAX_MINTED_BYTES {
        return Err(AccessDenied::TokenTooLong.into());
    }
    Ok(MintedToken {
        token: token.into(),
        subject: claims.sub,
        act: claims.act,
        parents: claims.parents,
        token_id: claims.jti,
        audiences: claims.aud.as_slice().to_vec(),
        key_id: key.id.clone(),
        bound_to: claims.cnf.map(|bound| bound.jkt),
        expires_in: approved.expires_in,
        scopes: approved.scopes,
    })
}

/// Signs a document as a compact JWS (RFC 7515 §7.1). Its `typ` says that it is not a token.
///
/// # Errors
/// [`Unavailable`] when the key cannot sign, or cannot sign anything so long.
pub async fn sign_document(
    typ: &str,
    document: &impl Serialize,
    key: &ActiveKey,
) -> Result<String, Unavailable> {
    let json = serde_json::to_vec(document)
        .map_err(|err| Unavailable::Key(format!("the document cannot be printed: {err}")))?;
    let header = key.header_of(typ);
    let mut jws = String::with_capacity(header.len() + json.len() * 4 / 3 + 360);
    jws.push_str(&header);
    jws.push('.');
    URL_SAFE_NO_PAD.encode_string(json, &mut jws);
    if jws.len() > key.signer.longest_message() {
        return Err(Unavailable::Key("the document is too long to sign".into()));
    }
    let signature = key.signer.sign(jws.as_bytes()).await?;
    jws.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut jws);
    Ok(jws)
}

/// A signed access token for its client.
pub struct MintedToken {
    token: SecretString,
    /// Its id (`jti`).
    pub token_id: String,
    /// Its subject.
    pub subject: String,
    /// Who acts for the subject.
    pub act: Option<Actor>,
    /// What it was exchanged for.
    pub parents: Vec<Parent>,
    /// What it is for (`aud`).
    pub audiences: Vec<String>,
    /// The key that signed it.
    pub key_id: KeyId,
    /// The key that it is bound to, which DPoP proofs are made with: the thumbprint.
    pub bound_to: Option<KeyId>,
    /// Its remaining lifetime in seconds.
    pub expires_in: u64,
    /// What was granted.
    pub scopes: Scopes,
}

impl ExposeSecret<str> for MintedToken {
    fn expose_secret(&self) -> &str {
        self.token.expose_secret()
    }
}

impl fmt::Debug for MintedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MintedToken({})", self.key_id)
    }
}

/// The longest token that is minted, in bytes. An HTTP API takes 10,240 bytes of headers in all, and a token shares them with
/// cookies and traces. Verifiers take longer ones, which earlier releases have minted.
const MAX_MINTED_BYTES: usize = 6 * 1024;
