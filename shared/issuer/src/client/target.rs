use crate::error::AccessDenied;
use crate::names::{Audience, add_audience};
use crate::store::records::Client;

/// What the request of a client is about, as far as it has an audience.
#[derive(Clone, Debug)]
pub enum Target {
    /// No audience matters.
    Nothing,
    /// A new token.
    Wanted {
        /// The resources that the request names.
        asked: Vec<Audience>,
        /// The audiences of the grant; `None` when the client's registration is the only limit.
        granted: Option<Vec<Audience>>,
    },
    /// A token that somebody was issued for these.
    Issued(Vec<Audience>),
    /// A new token, which rests on tokens that were issued for some of these and may be for one of them: what is registered
    /// about them says whether it may, and not the registration of the client.
    Exchanged(Vec<Audience>),
}

impl Target {
    /// The audiences that matter, if `client` has made the request.
    ///
    /// # Errors
    /// [`AccessDenied::ResourceNotAllowed`] when a new token may not be for one of them, or for none at all.
    pub fn audiences(&self, client: &Client) -> Result<Vec<Audience>, AccessDenied> {
        let (asked, granted) = match self {
            Self::Nothing => return Ok(Vec::new()),
            Self::Issued(audiences) | Self::Exchanged(audiences) => {
                let mut distinct = Vec::new();
                for audience in audiences {
                    add_audience(&mut distinct, audience);
                }
                return Ok(distinct);
            }
            Self::Wanted { asked, granted } => (asked, granted),
        };
        let mut allowed = client.targets();
        let is_granted = |one: &Audience| {
            let granted = granted.as_ref();
            granted.is_none_or(|granted| one.registered_in(granted).is_some())
        };
        allowed.retain(is_granted);
        if asked.is_empty() {
            allowed.truncate(1);
            return match allowed.is_empty() {
                true => Err(AccessDenied::ResourceNotAllowed),
                false => Ok(allowed),
            };
        }
        // A token carries the spelling that the client is registered with.
        let found = asked.iter().map(|one| {
            let registered = one.registered_in(&allowed);
            registered.cloned().ok_or(AccessDenied::ResourceNotAllowed)
        });
        found.collect()
    }
}
