//! `tokensmith repair`

use clap::Args as ClapArgs;
use serde_json::json;

use crate::consent::{Change, Consent};
use crate::data::Data;
use crate::key::shown;
use crate::{Failure, display_time};

/// Mend what a wrong clock has set ahead of the time; all keys are replaced, and every token is refused
///
/// A client or subject that was revoked by a machine whose clock was ahead gets no tokens until that
/// time has come. This command lowers such times. Tokens that were revoked would then be accepted again,
/// so it first replaces all keys, as `restore` does, and every token that was issued before is refused.
/// It changes nothing when no time lies ahead.
#[derive(ClapArgs)]
pub struct Args {
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    data: Data,
}

pub async fn run(args: Args) -> Result<(), Failure> {
    args.consent.check()?;
    let data = args.data.open().await?;
    let change = Change::new(
        "lower the times that lie ahead, if there are any, and replace every key",
        "every token that was issued until now",
    );
    let ending = data.admin().ending_of_repair();
    if !args.consent.given(&data, &change, ending).await? {
        return Ok(());
    }
    let changed = data.admin().repair().await?;
    let Some(repaired) = changed.outcome else {
        return data.print_changed(&json!({ "lowered": [] }), changed.effective_by);
    };
    let lowered: Vec<_> = repaired
        .lowered
        .iter()
        .map(|one| {
            let (from, to) = (display_time(one.from), display_time(one.to));
            json!({ "name": one.name, "from": from, "to": to })
        })
        .collect();
    let answer = json!({
        "created": shown(&repaired.signing_keys.created),
        "withdrawn": repaired.signing_keys.withdrawn,
        "hmac_key_version": repaired.hmac_keys.version,
        "withdrawn_hmac_key_versions": repaired.hmac_keys.withdrawn,
        "lowered": lowered,
    });
    data.print_changed(&answer, changed.effective_by)
}
