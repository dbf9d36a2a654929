//! Tokens of other issuers that speak for clients of this one: what a platform gives its workloads, such as
//! AWS, GitHub or Kubernetes (RFC 7521, RFC 7523).
//!
//! A *source* says whose keys, a *rule* which of its tokens speak for which client. The subject of a foreign
//! token never becomes one of ours: what is issued is the client's.

mod identify;
mod pattern;
mod token;

pub use identify::FederatedIdentity;
pub(crate) use identify::Federation;
pub use pattern::{Condition, InvalidPattern, Pattern};
pub use token::{ForeignIssuer, ForeignToken};

use crate::store::records::{FEDERATION, FederationRule, FederationSource};
use crate::store::{StoreError, TableReader};

/// Every source and every rule.
pub(crate) type SourcesAndRules = (Vec<FederationSource>, Vec<FederationRule>);

/// Reads every source and every rule, strongly consistent (`Query`).
///
/// # Errors
/// [`StoreError`] when the table fails, or one of them cannot be read.
pub(crate) async fn read(table: &TableReader) -> Result<SourcesAndRules, StoreError> {
    let found = table.query_found(FEDERATION).await?;
    let rules = found.clone().all::<FederationRule>()?.into_iter();
    let sources = found.all::<FederationSource>()?.into_iter();
    Ok((
        sources.map(|stored| stored.record).collect(),
        rules.map(|stored| stored.record).collect(),
    ))
}
