//! `tokensmith restore`

use clap::Args as ClapArgs;
use serde_json::json;

use crate::Failure;
use crate::consent::{Change, Consent};
use crate::data::Data;
use crate::key::shown;

/// Make data that was restored from a backup safe to use; run this before anything else uses it
///
/// Data that a running issuer uses are refused: a directory on which `serve` is running, and a table that was
/// not made from a backup, or in which keys were made since.
///
/// A backup does not contain what was revoked or used up after it was made. So this command replaces all
/// keys, and every token that was issued before is refused: access tokens because their signing keys are
/// withdrawn, refresh tokens because their HMAC keys are. Clients stay as they were in the backup. With
/// --old, the command lists the clients that are now allowed more than in the old data.
///
/// This is also how a table gets another issuer or wrapping key: with --table, it belongs to TOKENSMITH_ISSUER
/// and TOKENSMITH_KMS_KEY afterwards, whomever it belonged to. Every other command refuses a table of another
/// issuer. Clients whose audience was the old issuer URL get the new one.
#[derive(ClapArgs)]
pub struct Args {
    /// The data that the backup was made of, if it still exists: a directory, or with --table a table
    #[arg(long, value_name = "NAME")]
    old: Option<String>,
    /// Go on although a running issuer may use the data. Also to repeat a restore in AWS
    #[arg(long)]
    in_use: bool,
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    data: Data,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    args.consent.check()?;
    let data = match args.in_use {
        true => args.data.open_whoever_owns_it().await?,
        false => args.data.open_unused().await?,
    };
    let change = Change::new("replace every key", "every token that was issued until now");
    let ending = data.admin().ending_of_everything();
    if !args.consent.given(&data, &change, ending).await? {
        return Ok(());
    }
    let old = match &args.old {
        Some(name) => Some(args.data.open_other(name).await?),
        None => None,
    };
    let changed = data.admin().restore(old.as_ref()).await?;
    let restored = changed.outcome;
    let answer = json!({
        "created": shown(&restored.signing_keys.created),
        "withdrawn": restored.signing_keys.withdrawn,
        "hmac_key_version": restored.hmac_keys.version,
        "withdrawn_hmac_key_versions": restored.hmac_keys.withdrawn,
        "belonged_to": restored.belonged_to,
        "back_to_life": restored.back_to_life,
    });
    data.print_changed(&answer, changed.effective_by)
}
