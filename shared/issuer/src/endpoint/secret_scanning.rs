//! What GitHub reports to an issuer: API keys that it has found in public, which end at once (the secret scanning partner program).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request};
use serde::{Deserialize, Serialize};
use tokensmith_verifier::paths;

use super::answer::{json_error, uncached_json};
use super::{Answer, Call, Endpoint, Mount};
use crate::api_key::read_presented;
use crate::credential::ApiKeySecret;
use crate::error::{BadRequest, Error, Unavailable};
use crate::event::{RequestEvent, ServiceEvent};
use crate::fetched::Wanted;
use crate::keys::Custody;
use crate::revocation::revoke_api_key;
use crate::store::records::ApiKey;
use crate::{Issuer, MAX_BODY_BYTES};

/// Where GitHub reports what it has found. An issuer serves it only where its operator has turned it on.
pub static SECRET_SCANNING: Endpoint = Endpoint {
    name: "secret_scanning",
    path: paths::SECRET_SCANNING,
    methods: "POST",
    has_cors: false,
    is_on: |config| config.secret_scanning.is_some(),
    warm_up: |_| Box::pin(async { Ok(()) }),
    check: |issuer| Box::pin(issuer.check_read::<ApiKey>(ApiKey::PREFIX)),
    serve: |call| Box::pin(judge_report(call)),
    refuse: json_error,
};

/// [`SECRET_SCANNING`], which fetches the keys of who reports.
pub const fn secret_scanning<C: Custody>() -> Mount<C> {
    Mount::issuing(&SECRET_SCANNING)
}

/// Where GitHub publishes the keys that its reports are signed with.
pub const GITHUB_KEYS: &str = "https://api.github.com/meta/public_keys/secret_scanning";

/// Revokes each API key that was found. When it fails halfway, the same report does the rest.
async fn judge_report(call: Call<'_>) -> Result<Answer, Error> {
    let Call {
        issuer, request, ..
    } = call;
    issuer.require_own_table().await?;
    issuer.require_signed(request).await?;
    let findings: Vec<Finding> =
        serde_json::from_slice(request.body()).map_err(|_| BadRequest::MalformedReport)?;
    let mut judged = Vec::new();
    for finding in &findings {
        if let Some(label) = issuer.end_leaked(finding).await? {
            judged.push(Judged {
                token_hash: hex(digest(&SHA256, finding.token.as_bytes()).as_ref()),
                token_type: &finding.kind,
                label,
            });
        }
    }
    let revoked = judged.iter().filter(|one| one.label == Label::TruePositive);
    Ok(Answer {
        response: uncached_json(&judged),
        event: RequestEvent::Reported {
            findings: findings.len(),
            revoked_keys: revoked.count(),
        },
    })
}

impl Issuer {
    /// Makes sure that a request comes from who may report: the body is signed with a key that they publish.
    async fn require_signed(&self, request: &Request<Bytes>) -> Result<(), Error> {
        if request.body().len() > MAX_BODY_BYTES {
            return Err(BadRequest::BodyTooLarge.into());
        }
        let signature = ReportSignature::of(request.headers()).ok_or(BadRequest::UnsignedReport)?;
        let (Some(keys), Some(url)) = (&self.report_keys, &self.config.secret_scanning) else {
            return Err(Unavailable::Key("this process takes no reports".to_owned()).into());
        };
        let mut published = keys.get(url, Wanted::Usual).await?;
        if !published.content.has(signature.key_id) {
            let newer = Wanted::NewerThan(published.fetched_at);
            published = keys.get(url, newer).await?;
        }
        match published
            .content
            .verify(signature.key_id, &signature.der, request.body())
        {
            true => Ok(()),
            false => Err(BadRequest::WrongReportSignature.into()),
        }
    }

    /// Revokes what was found if it is an API key. Of other credentials nothing is said: the report does not say whose they are.
    async fn end_leaked(&self, finding: &Finding) -> Result<Option<Label>, Error> {
        if !ApiKeySecret::is_meant(&finding.token) {
            return Ok(None);
        }
        let Ok(presented) = ApiKeySecret::parse(&finding.token) else {
            return Ok(Some(Label::FalsePositive));
        };
        let Ok(key) = read_presented(&self.table, &presented).await? else {
            return Ok(Some(Label::FalsePositive));
        };
        revoke_api_key(&self.table, &key.id, None, self.clock.now()).await?;
        let leaked = ServiceEvent::KeyLeaked {
            key: &key.id,
            client: &key.client_id,
            found_at: finding.found_at(),
        };
        leaked.write();
        // This process exchanges it no more; others may until they read it again, for tokens that nobody takes.
        self.clients.forget_all();
        Ok(Some(Label::TruePositive))
    }
}

/// One thing that was found.
#[derive(Deserialize)]
struct Finding {
    token: String,
    #[serde(rename = "type")]
    kind: String,
    url: Option<String>,
}

impl Finding {
    /// Where, unless that would put the key into the log.
    fn found_at(&self) -> Option<String> {
        let url = self.url.as_ref().filter(|url| !url.is_empty())?;
        let is_loggable = url.len() <= LONGEST_LOGGED_URL && !url.contains(&self.token);
        is_loggable.then(|| url.clone())
    }
}

/// What one of them is.
#[derive(Serialize)]
struct Judged<'a> {
    token_hash: String,
    token_type: &'a str,
    label: Label,
}

#[derive(Clone, Copy, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Label {
    TruePositive,
    FalsePositive,
}

/// The signature of a report, and which key is said to have made it.
struct ReportSignature<'a> {
    key_id: &'a str,
    der: Vec<u8>,
}

impl<'a> ReportSignature<'a> {
    fn of(headers: &'a HeaderMap) -> Option<Self> {
        let value = |name: &str| headers.get(name)?.to_str().ok();
        Some(Self {
            key_id: value(KEY_ID)?,
            der: STANDARD.decode(value(SIGNATURE)?).ok()?,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Header names compare without regard to case.
const KEY_ID: &str = "github-public-key-identifier";
const SIGNATURE: &str = "github-public-key-signature";

/// A longer one is no URL of a file in a repository.
const LONGEST_LOGGED_URL: usize = 2048;
