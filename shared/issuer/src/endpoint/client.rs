//! What the endpoints share that give something to a client: it must be allowed the grant type, and have a permit left.

use crate::Issuer;
use crate::client::{AuthenticatedClient, Evidence};
use crate::error::{ClientDenied, Error, LimitDenied};
use crate::limit::{Limited, Standing, Taken};
use crate::store::records::GrantType;

/// The client, if it authenticates and may use the grant type.
pub(super) fn authenticate(
    evidence: &Evidence<'_>,
    grant_type: GrantType,
) -> Result<AuthenticatedClient, Error> {
    let client = evidence.authenticate()?;
    let may = |client: &AuthenticatedClient| {
        client.api_key().is_some() || client.record().grant_types.contains(&grant_type)
    };
    match may(&client) {
        true => Ok(client),
        false => Err(ClientDenied::GrantTypeNotAllowed.into()),
    }
}

impl Issuer {
    /// Takes a permit of the API key and of the client, as far as they have limits. It comes after policy, so that neither a stranger nor a
    /// request that is refused spends any; and before signing, so that what is beyond a limit costs no signature and uses up
    /// nothing.
    pub(crate) async fn take_permits(
        &self,
        client: &AuthenticatedClient,
    ) -> Result<Vec<Standing>, Error> {
        let of_key = client
            .api_key()
            .and_then(|key| Some((Limited::api_key(&key.id), key.limit?)));
        let record = client.record();
        let of_client = record
            .limit
            .map(|limit| (Limited::client(&record.id), limit));
        let mut standings = Vec::new();
        for (limited, limit) in of_key.into_iter().chain(of_client) {
            match self.limits.take(&limited, limit).await? {
                Taken::Permit(standing) => standings.push(standing),
                Taken::Exceeded(standing) => {
                    return Err(LimitDenied::LimitExceeded(standing).into());
                }
            }
        }
        Ok(standings)
    }
}
