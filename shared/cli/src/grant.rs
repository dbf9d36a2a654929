//! `tokensmith grant …`

use std::time::Duration;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use tokensmith_issuer::GrantType;
use tokensmith_issuer::credential::{CredentialKind, GrantId, Nonce};
use tokensmith_issuer::names::{Audience, ClientId, Scope, Scopes, SubjectName};
use tokensmith_issuer::store::records::{Client, Grant, Origin, Subject, SubjectKind};
use tokensmith_issuer::store::{Insert, Stored, Table};
use tokensmith_verifier::{Clock, Timestamp};

use crate::client::find;
use crate::data::Data;
use crate::{Failure, display_time, print_json};

#[derive(Subcommand)]
pub enum Command {
    Create(CreateArgs),
    /// List the grants of a subject, or to a client
    List {
        /// The subject whose grants are listed
        #[arg(
            long,
            value_name = "SUB",
            required_unless_present = "client",
            conflicts_with = "client"
        )]
        subject: Option<SubjectName>,
        /// The client whose grants are listed; reads the whole table
        #[arg(long, value_name = "ID")]
        client: Option<ClientId>,
        #[command(flatten)]
        data: Data,
    },
}

/// Grant a client access on behalf of a subject, without a browser, and print the refresh token, once
///
/// For a device made in a factory, or a job.
#[derive(Args)]
pub struct CreateArgs {
    /// The client; it must have the grant type refresh_token
    #[arg(long, value_name = "ID")]
    client: ClientId,
    /// Who the tokens speak for: 1 to 255 printable characters; never the id of a client
    #[arg(long, value_name = "SUB")]
    subject: SubjectName,
    /// A scope that tokens of this grant may have; must be one of the client's
    #[arg(long = "scope", value_name = "SCOPE", num_args = 1..)]
    scopes: Vec<Scope>,
    /// A resource that tokens of this grant may be meant for [default: all of the client's]
    #[arg(long = "audience", value_name = "URI")]
    audiences: Vec<Audience>,
    #[command(flatten)]
    data: Data,
}

pub async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Create(args) => create(args).await,
        Command::List {
            subject,
            client,
            data,
        } => {
            let data = data.open().await?;
            let grants = match (subject, client) {
                (Some(subject), _) => of_subject(data.table(), &subject).await?,
                (None, Some(client)) => of_client(data.table(), &client).await?,
                (None, None) => Vec::new(),
            };
            let listed: Vec<_> = grants.iter().map(|grant| ListedGrant::new(grant)).collect();
            print_json(&listed)
        }
    }
}

async fn create(args: CreateArgs) -> Result<(), Failure> {
    let data = args.data.open().await?;
    let client = find(data.table(), &args.client).await?;
    let (now, nonce) = (Clock::System.now(), Nonce::random());
    let hmac_key = data.hmac_keys().newest(now).await?;
    let subject = claim_subject(data.table(), &args.subject).await?;
    let grant = Grant {
        hmac_version: hmac_key.version(),
        nonce_hash: nonce.hash(),
        ..args.new_grant(&client, &subject, now)?
    };
    match data.table().insert(&grant).await? {
        Insert::Inserted => {}
        Insert::Exists(_) => return Err(Failure::new("the grant id is taken: try again")),
    }
    let kind = CredentialKind::RefreshToken;
    let refresh_token = hmac_key.print(data.url(), kind, grant.id, grant.generation, &nonce);
    print_json(&json!({
        "grant_id": grant.id,
        "refresh_token": refresh_token.expose_secret(),
    }))
}

impl CreateArgs {
    fn new_grant(
        &self,
        client: &Client,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Grant, Failure> {
        if !client.grant_types.contains(&GrantType::RefreshToken) {
            let id = &client.id;
            return Err(Failure::new(format!(
                "client {id} has no --grant refresh_token"
            )));
        }
        let scopes: Scopes = self.scopes.iter().cloned().collect();
        if !client.scopes.contains_all(&scopes) {
            return Err(Failure::new("every --scope must be a scope of the client"));
        }
        if !self
            .audiences
            .iter()
            .all(|one| client.audiences.contains(one))
        {
            return Err(Failure::new(
                "every --audience must be an audience of the client",
            ));
        }
        let audiences = match self.audiences.is_empty() {
            true => client.audiences.clone(),
            false => self.audiences.clone(),
        };
        // A revocation of a moment ago covers what exists until now; this grant is a later one.
        let covered = client.not_before.max(subject.not_before);
        let created_at = covered.map_or(now, |end| now.max(end.after(Duration::from_secs(1))));
        let expires_at = created_at.after(Duration::from_secs(client.grant_ttl));
        let idle_end = created_at.after(Duration::from_secs(client.refresh_ttl));
        Ok(Grant {
            id: GrantId::random(&self.subject),
            client_id: self.client.clone(),
            subject: self.subject.clone(),
            origin: Origin::Created,
            scopes,
            audiences,
            nonce_hash: String::new(),
            generation: 1,
            hmac_version: 0,
            rotated_at: created_at,
            created_at,
            idle_expires_at: idle_end.min(expires_at),
            expires_at,
            revoked_at: None,
        })
    }
}

/// Makes sure that the name is a subject's, and no client's.
async fn claim_subject(table: &Table, name: &SubjectName) -> Result<Subject, Failure> {
    let claim = Subject::new(name.as_str(), SubjectKind::User);
    match table.insert(&claim).await? {
        Insert::Inserted => Ok(claim),
        Insert::Exists(taken) if taken.kind == SubjectKind::User && taken.name == claim.name => {
            Ok(taken.record)
        }
        Insert::Exists(_) => Err(Failure::new(format!("{name} is the name of a client"))),
    }
}

async fn of_subject(table: &Table, subject: &SubjectName) -> Result<Vec<Stored<Grant>>, Failure> {
    let (mut grants, mut after) = (Vec::new(), None);
    loop {
        let (keys, next) = table
            .query_by_subject::<Grant>(subject.as_str(), after)
            .await?;
        for key in keys {
            grants.extend(table.get(&key).await?);
        }
        match next {
            Some(_) => after = next,
            None => return Ok(grants),
        }
    }
}

async fn of_client(table: &Table, client: &ClientId) -> Result<Vec<Stored<Grant>>, Failure> {
    let mut grants: Vec<Stored<Grant>> = table.scan_all(Grant::PREFIX).await?;
    grants.retain(|grant| grant.client_id == *client);
    Ok(grants)
}

#[derive(Serialize)]
struct ListedGrant<'a> {
    grant_id: GrantId,
    client_id: &'a ClientId,
    subject: &'a SubjectName,
    scopes: &'a Scopes,
    audiences: &'a [Audience],
    generation: u32,
    created_at: String,
    rotated_at: String,
    idle_expires_at: String,
    expires_at: String,
    revoked_at: Option<String>,
}

impl<'a> ListedGrant<'a> {
    fn new(grant: &'a Grant) -> Self {
        Self {
            grant_id: grant.id,
            client_id: &grant.client_id,
            subject: &grant.subject,
            scopes: &grant.scopes,
            audiences: &grant.audiences,
            generation: grant.generation,
            created_at: display_time(grant.created_at),
            rotated_at: display_time(grant.rotated_at),
            idle_expires_at: display_time(grant.idle_expires_at),
            expires_at: display_time(grant.expires_at),
            revoked_at: grant.revoked_at.map(display_time),
        }
    }
}
