//! What is added to the lists of a client, and taken out of them.

use super::{ClientChanges, RegistrationError};
use crate::names::Scope;
use crate::store::records::Client;
use crate::token::StaticClaims;

impl ClientChanges {
    pub(super) fn change_allowed(&self, client: &mut Client) -> Result<(), RegistrationError> {
        for removed in &self.removed_allowed {
            let before = client.allowed.len();
            client
                .allowed
                .retain(|held| !held.resource.is_same_as(removed));
            if client.allowed.len() == before {
                return Err(RegistrationError::ResourceNotThere);
            }
        }
        for held in &self.allowed {
            let mut known = client.allowed.iter_mut();
            match known.find(|known| known.resource.is_same_as(&held.resource)) {
                Some(known) => known.clone_from(held),
                None => client.allowed.push(held.clone()),
            }
        }
        Ok(())
    }

    pub(super) fn change_scopes(&self, client: &mut Client) -> Result<(), RegistrationError> {
        let all = client.scopes.iter().chain(&self.added_scopes);
        let removed = |scope: &&Scope| self.removed_scopes.contains(scope);
        let unknown = self
            .removed_scopes
            .iter()
            .find(|one| !client.scopes.iter().any(|has| has == *one));
        if unknown.is_some() {
            return Err(RegistrationError::ScopeNotThere);
        }
        client.scopes = all.filter(|scope| !removed(scope)).cloned().collect();
        let default = client.default_scopes.iter().filter(|scope| !removed(scope));
        client.default_scopes = default.cloned().collect();
        Ok(())
    }

    pub(super) fn change_claims(&self, client: &mut Client) -> Result<(), RegistrationError> {
        let mut claims = client.claims.as_map().clone();
        for removed in &self.removed_claims {
            if claims.remove(removed).is_none() {
                return Err(RegistrationError::ClaimNotThere(removed.clone()));
            }
        }
        claims.extend(self.claims.clone());
        client.claims = StaticClaims::new(claims)?;
        Ok(())
    }
}
