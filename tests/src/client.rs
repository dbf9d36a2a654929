use secrecy::ExposeSecret;
use tokensmith_issuer::credential::{ClientSecret, GrantCredential, GrantId, Nonce};
use tokensmith_issuer::names::ClientId;

/// A registered client, as whoever holds its secret sees it.
#[derive(Clone, Debug)]
pub struct TestClient {
    /// Its id.
    pub id: String,
    /// Its secret, unless it is public.
    pub secret: Option<String>,
}

impl TestClient {
    /// A client that has a secret.
    pub fn new(id: &str, secret: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: Some(secret.to_owned()),
        }
    }

    /// A client that has none.
    pub fn public(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: None,
        }
    }

    /// Its id, as records have it.
    pub fn client_id(&self) -> ClientId {
        self.id.parse().expect("a client id")
    }

    /// The secret of a client that has one.
    pub fn secret(&self) -> &str {
        self.secret.as_deref().expect("a secret")
    }

    /// The same client with a well-formed secret that is not its own.
    pub fn with_wrong_secret(&self) -> Self {
        Self::new(&self.id, ClientSecret::generate().expose_secret())
    }

    /// The same client without its secret.
    pub fn without_secret(&self) -> Self {
        Self::public(&self.id)
    }

    /// A client of another id with this one's secret.
    pub fn called(&self, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..self.clone()
        }
    }
}

/// A grant, and the refresh token that it began with.
#[derive(Clone, Debug)]
pub struct TestGrant {
    /// Its id.
    pub id: GrantId,
    /// The secret that all its refresh tokens carry.
    pub nonce: Nonce,
    /// Its first refresh token.
    pub token: String,
}

impl TestGrant {
    /// The grant that a refresh token is of.
    pub fn of(token: String) -> Self {
        let credential = GrantCredential::parse(&token).expect("a refresh token");
        Self {
            id: credential.grant_id,
            nonce: credential.nonce,
            token,
        }
    }
}
