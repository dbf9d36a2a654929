//! Which issuer is meant, and where its endpoints are.

use tokensmith_aws::environment;
use tokensmith_issuer::names::IssuerUrl;
use tokensmith_issuer::store::records::Settings;
use tokensmith_local::LocalData;
use tokensmith_verifier::paths;

use super::http::{Answer, Http};
use crate::Failure;
use crate::target::serve_directory;

/// The issuer that an option names, or else the environment, or the data of `serve`.
///
/// # Errors
/// When none does.
pub async fn issuer_of(named: Option<IssuerUrl>) -> Result<IssuerUrl, Failure> {
    if let Some(named) = named {
        return Ok(named);
    }
    if let Some(text) = environment::of_process(environment::ISSUER) {
        let bad = |err| Failure::wrong_call(format!("{}: {err}", environment::ISSUER));
        return text.parse().map_err(bad);
    }
    let dir = serve_directory(None);
    if dir.exists() {
        let data = LocalData::open(&dir).await?;
        if let Some(settings) = data.table.get(&Settings::only_key()).await? {
            return Ok(settings.record.issuer);
        }
    }
    Err(Failure::wrong_call(
        "no issuer is known: name it with --issuer URL, or set TOKENSMITH_ISSUER",
    ))
}

/// Where a device asks and polls.
pub struct Endpoints {
    pub device_authorization: String,
    pub token: String,
}

impl Endpoints {
    /// Reads the issuer's metadata (RFC 8414 §3).
    ///
    /// # Errors
    /// When they cannot be read, are those of another issuer (§3.3), or have no such endpoints.
    pub async fn discover(http: &Http, issuer: &IssuerUrl) -> Result<Self, Failure> {
        let url = issuer.join(paths::AUTHORIZATION_SERVER_METADATA);
        let metadata = http.get(&url).await.map_err(Failure::new)?;
        if metadata.status != 200 {
            let status = metadata.status;
            return Err(Failure::new(format!(
                "{url} answers {status}: is it an issuer?"
            )));
        }
        let found = metadata.text("issuer")?;
        if found.trim_end_matches('/') != issuer.as_str() {
            return Err(Failure::new(format!(
                "{url} is about another issuer than {}",
                issuer.as_str()
            )));
        }
        if !metadata.body.contains_key(DEVICE_AUTHORIZATION) {
            return Err(Failure::new(format!(
                "nobody signs in at {}: it has no {DEVICE_AUTHORIZATION}",
                issuer.as_str()
            )));
        }
        Ok(Self {
            device_authorization: endpoint(&metadata, DEVICE_AUTHORIZATION, issuer)?,
            token: endpoint(&metadata, "token_endpoint", issuer)?,
        })
    }
}

/// A URL that nobody on the way can read, or one of an issuer that is reached without TLS itself.
fn endpoint(metadata: &Answer, name: &str, issuer: &IssuerUrl) -> Result<String, Failure> {
    let url = metadata.shown(name)?;
    let is_own = url.starts_with(&issuer.join("/"));
    match is_own || url.starts_with("https://") {
        true => Ok(url),
        false => Err(Failure::new(format!(
            "{name} of {} is not https",
            issuer.as_str()
        ))),
    }
}

const DEVICE_AUTHORIZATION: &str = "device_authorization_endpoint";
