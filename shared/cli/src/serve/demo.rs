//! What a first start makes to try an issuer with.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, json};
use tokensmith_issuer::HashPasswords;
use tokensmith_issuer::admin::{Administrator, ClientChanges, ClientError, NewUser, UserError};
use tokensmith_issuer::credential::{ClientSecret, random_id};
use tokensmith_issuer::names::{ClientId, IssuerUrl, Scope, UserName};
use tokensmith_people::Passwords;
use tokensmith_verifier::paths;

use crate::Failure;

/// Makes a client with a secret and a user with a password; what is secret of them is in the text that is returned, and nowhere
/// else. A first start that was killed before it could print that is followed by another one, so
/// each may be there already.
pub(super) async fn first_steps(
    admin: &Administrator,
    issuer: &IssuerUrl,
    passwords: &Passwords,
) -> Result<String, Failure> {
    let secret = create_client(admin).await?;
    let password = create_user(admin, passwords).await?;
    let (token_endpoint, account) = (issuer.join(paths::TOKEN), issuer.join(paths::ACCOUNT));
    let (secret, password) = (secret.expose_secret(), password.expose_secret());
    Ok(format!(
        "A demo client was created; its secret is shown this once. Get a token with\n\n\
         curl -s -u {DEMO}:{secret} -d grant_type=client_credentials {token_endpoint}\n\n\
         A demo user was created; its password is shown this once. Sign in as {DEMO} with {password} at\n\n\
         {account}\n\n"
    ))
}

async fn create_client(admin: &Administrator) -> Result<ClientSecret, Failure> {
    let id: ClientId = DEMO.parse()?;
    let metadata = ClientChanges {
        scopes: scopes(&["demo:read", "demo:write"])?,
        default_scopes: scopes(&["demo:read"])?,
        ..ClientChanges::default()
    };
    match admin.create_client(id.clone(), &metadata).await {
        Err(ClientError::Exists(_)) => {}
        created => {
            if let Some(secret) = created?.outcome.secret {
                return Ok(secret);
            }
        }
    }
    let rotated = admin.rotate_secret(&id, Duration::ZERO, true).await?;
    Ok(rotated.outcome.secret)
}

async fn create_user(
    admin: &Administrator,
    passwords: &Passwords,
) -> Result<SecretString, Failure> {
    let name: UserName = DEMO.parse()?;
    let password: SecretString = random_id().into();
    let hash = passwords.hash(&password).await;
    let hash = hash.ok_or_else(|| Failure::new("the password cannot be hashed".to_owned()))?;
    let user = NewUser {
        name: name.clone(),
        password: Some(hash.clone()),
        claims: Map::from_iter([
            ("name".to_owned(), json!("Demo User")),
            ("email".to_owned(), json!("demo@example.com")),
        ]),
    };
    match admin.create_user(user).await {
        Err(UserError::Exists(_)) => {
            admin.set_password(name.as_str(), hash).await?;
        }
        created => {
            created?;
        }
    }
    Ok(password)
}

fn scopes(names: &[&str]) -> Result<Vec<Scope>, Failure> {
    let scopes: Result<Vec<Scope>, _> = names.iter().map(|name| name.parse()).collect();
    Ok(scopes?)
}

const DEMO: &str = "demo";
