//! A client's secrets: made, rotated with an overlap, replaced.

use std::time::Duration;

use clap::Args;
use tokensmith_issuer::credential::ClientSecret;
use tokensmith_issuer::store::records::{Client, LiveSecret, MAX_LIVE_SECRETS};
use tokensmith_verifier::Timestamp;

use crate::Failure;

/// How long the old secret lives on.
#[derive(Args)]
pub struct Overlap {
    /// How long the old secret still works, for example 24h; 0 ends it now
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = humantime::parse_duration)]
    overlap: Duration,
}

impl Overlap {
    /// Makes `secret` the current one. Of the older ones only the newest lives on.
    pub fn rotate(
        &self,
        client: &mut Client,
        secret: &ClientSecret,
        now: Timestamp,
    ) -> Result<(), Failure> {
        if client.is_public() {
            return Err(Failure::new("a public client has no secret"));
        }
        let end = now.after(self.overlap);
        for old in &mut client.secrets {
            old.expires_at = Some(old.expires_at.map_or(end, |earlier| earlier.min(end)));
        }
        client.secrets.insert(0, live(secret, now));
        client
            .secrets
            .retain(|old| old.expires_at.is_none_or(|end| now < end));
        client.secrets.truncate(MAX_LIVE_SECRETS);
        Ok(())
    }
}

/// Makes `secret` the only one.
pub fn replace_secrets(client: &mut Client, secret: &ClientSecret, now: Timestamp) {
    client.secrets = vec![live(secret, now)];
}

fn live(secret: &ClientSecret, now: Timestamp) -> LiveSecret {
    LiveSecret {
        hash: secret.hash(),
        created_at: now,
        expires_at: None,
    }
}
