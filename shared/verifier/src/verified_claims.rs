use serde_json::Value;

use crate::{AccessTokenClaims, Actor, Parent, Refusal, RequiredScopes};

/// The claims of an access token that was verified. Only [`crate::Verifier::verify`] makes them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedClaims(AccessTokenClaims);

impl VerifiedClaims {
    /// Only the verifier calls this, once the verdict is in.
    pub(crate) fn new(live: AccessTokenClaims) -> Self {
        Self(live)
    }

    /// `iss`: the issuer URL.
    pub fn issuer(&self) -> &str {
        &self.0.iss
    }

    /// `sub`: the subject of the token; the client itself where no user is involved.
    pub fn subject(&self) -> &str {
        &self.0.sub
    }

    /// `client_id`: the client that the token was issued to.
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// `aud`: all resources that the token is for; this one is among them.
    pub fn audiences(&self) -> &[String] {
        self.0.aud.as_slice()
    }

    /// `exp`, in seconds since 1970.
    pub fn expires_at(&self) -> u64 {
        self.0.exp
    }

    /// `iat`, in seconds since 1970.
    pub fn issued_at(&self) -> u64 {
        self.0.iat
    }

    /// `jti`: the token's unique id.
    pub fn token_id(&self) -> &str {
        &self.0.jti
    }

    /// `grant_id`: the grant that the token comes from; none with `client_credentials`.
    pub fn grant_id(&self) -> Option<&str> {
        self.0.grant_id.as_deref()
    }

    /// The public id of the API key that the token was exchanged for, if it was, directly or in steps.
    pub fn api_key_id(&self) -> Option<&str> {
        self.0.parents.iter().find_map(Parent::api_key_id)
    }

    /// `act`: who acts for the subject (RFC 8693 §4.1); none where the subject acts itself.
    pub fn actor(&self) -> Option<&Actor> {
        self.0.act.as_ref()
    }

    /// Everybody who acts for the subject, the current actor first. Access is decided by the subject and the current actor;
    /// those before are for the record (RFC 8693 §4.1).
    pub fn actors(&self) -> impl Iterator<Item = &str> {
        self.0.act.iter().flat_map(Actor::chain)
    }

    /// `parents`: what the token was exchanged for, the oldest first. It ends with each of these.
    pub fn parents(&self) -> &[Parent] {
        &self.0.parents
    }

    /// A claim that has no method of its own here: one that the operator of the issuer has given the client
    /// (`tokensmith client update --claim`).
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.other.get(name)
    }

    /// All claims that have no method of their own here, by their names.
    pub fn others(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0
            .other
            .iter()
            .map(|(name, value)| (name.as_str(), value))
    }

    /// The granted scopes.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let scopes = self.0.scope.as_deref().unwrap_or_default();
        scopes.split(' ').filter(|scope| !scope.is_empty())
    }

    /// Whether `scope` was granted.
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|granted| granted == scope)
    }

    /// Succeeds when the granted scopes meet `required`.
    ///
    /// # Errors
    /// [`Refusal::InsufficientScope`] with the required scopes.
    pub fn require(&self, required: &RequiredScopes) -> Result<(), Refusal> {
        match required.are_met_by(|scope| self.has_scope(scope)) {
            true => Ok(()),
            false => Err(Refusal::InsufficientScope(required.clone())),
        }
    }
}
