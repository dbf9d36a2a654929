//! The records that scenarios begin with.

use std::time::Duration;

use secrecy::ExposeSecret;
use tokensmith_issuer::GrantType;
use tokensmith_issuer::admin::NewApiKey;
use tokensmith_issuer::credential::{CredentialKind, GrantId, HmacKey, Nonce};
use tokensmith_issuer::names::{Audience, ClientId, IssuerUrl, Scopes, SubjectName};
use tokensmith_issuer::store::records::{AssertionAudience, Client, Grant, Origin, Session};
use tokensmith_issuer::token::StaticClaims;
use tokensmith_verifier::Timestamp;

/// A client without a secret. It may refresh and use `client_credentials`, has the scopes `a b c` (`a`
/// by default) and the audiences [`API`] and [`OTHER_API`].
pub fn new_client(id: &str, now: Timestamp) -> Client {
    Client {
        id: id.parse().expect("a client id"),
        authentication: None,
        jwks: None,
        jwks_uri: None,
        assertion_audience: AssertionAudience::default(),
        secrets: Vec::new(),
        grant_types: vec![GrantType::RefreshToken, GrantType::ClientCredentials],
        scopes: scopes("a b c"),
        default_scopes: scopes("a"),
        audiences: audiences(&[API, OTHER_API]),
        access_ttl: None,
        algorithm: None,
        refresh_ttl: DAY * 30,
        grant_ttl: DAY * 365,
        refresh_grace: None,
        refresh_rotation: true,
        disabled: false,
        deleted_at: None,
        not_before: None,
        created_at: now,
        allowed: Vec::new(),
        claims: StaticClaims::default(),
        limit: None,
        name: None,
        redirect_uris: Vec::new(),
        post_logout_redirect_uris: Vec::new(),
        first_party: false,
        pkce: Default::default(),
        profile: None,
    }
}

/// An API key of `client` for [`API`], with the scope `a`.
pub fn new_api_key(client: ClientId) -> NewApiKey {
    NewApiKey {
        client_id: client,
        name: "job".parse().expect("a name"),
        scopes: scopes("a"),
        resource: Some(API.parse().expect("a resource")),
        sources: Vec::new(),
        limit: None,
        ttl: "90d".parse().expect("a lifetime"),
    }
}

/// A grant of all that `client` has, by the first HMAC key.
pub fn new_grant(client: &Client, subject: &SubjectName, nonce: &Nonce, now: Timestamp) -> Grant {
    Grant {
        id: GrantId::random(subject),
        client_id: client.id.clone(),
        subject: subject.clone(),
        origin: Origin::Created,
        scopes: client.scopes.clone(),
        audiences: client.audiences.clone(),
        nonce_hash: nonce.hash(),
        generation: 1,
        hmac_version: 1,
        rotated_at: now,
        created_at: now,
        idle_expires_at: now.after(Duration::from_secs(client.refresh_ttl)),
        expires_at: now.after(Duration::from_secs(client.grant_ttl)),
        revoked_at: None,
        code: None,
        sign_in: None,
        bound_to: None,
    }
}

/// A session of `subject` in which nothing is special.
pub fn new_session(id: &str, subject: &SubjectName, now: Timestamp) -> Session {
    Session {
        id: id.to_owned(),
        sid: id.to_owned(),
        subject: subject.clone(),
        signed_in_at: now,
        methods: vec!["pwd".to_owned()],
        browser: Some("a browser".to_owned()),
        source: Some("192.0.2.1".to_owned()),
        expires_at: now.after(Duration::from_secs(60 * 60)),
    }
}

/// The refresh token of a generation of a grant.
pub fn refresh_token(
    key: &HmacKey,
    issuer: &IssuerUrl,
    grant: GrantId,
    generation: u32,
    nonce: &Nonce,
) -> String {
    let kind = CredentialKind::RefreshToken;
    let printed = key.print(issuer, kind, grant, generation, nonce);
    printed.expose_secret().to_owned()
}

/// Scopes from their text.
pub fn scopes(text: &str) -> Scopes {
    text.parse().expect("scopes")
}

/// Audiences from their texts.
pub fn audiences(texts: &[&str]) -> Vec<Audience> {
    let audiences = texts.iter().map(|text| text.parse().expect("an audience"));
    audiences.collect()
}

/// The resource that tokens are meant for by default.
pub const API: &str = "https://api.example/";

/// Another resource of every client, which no grant includes by itself.
pub const OTHER_API: &str = "https://other.example/";

/// A day in seconds.
pub const DAY: u64 = 24 * 60 * 60;
