//! What clients can do again in data that were restored from a backup, and could not do in the data that it was made of.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use tokensmith_verifier::Timestamp;

use super::TableScan;
use crate::federation::{self, SourcesAndRules};
use crate::names::ClientId;
use crate::store::StoreError;
use crate::store::records::{Allowance, ApiKey, Client, FederationRule, LiveSecret};

async fn clients(table: &TableScan) -> Result<Vec<Client>, StoreError> {
    let clients = table.records::<Client>(Client::PREFIX).await?;
    Ok(clients.into_iter().map(|client| client.record).collect())
}

async fn keys(table: &TableScan) -> Result<Vec<ApiKey>, StoreError> {
    let keys = table.records::<ApiKey>(ApiKey::PREFIX).await?;
    Ok(keys.into_iter().map(|key| key.record).collect())
}

/// What can be used again, by the clients that can do so.
#[derive(Debug, Default)]
struct Again {
    rules: HashSet<ClientId>,
    keys: HashSet<ClientId>,
}

/// The clients of API keys that are accepted, and that the old data do not have, or end earlier.
fn revived_keys(restored: Vec<ApiKey>, old: Vec<ApiKey>, now: Timestamp) -> HashSet<ClientId> {
    let ends = old.into_iter().map(|key| (key.id.clone(), key));
    let ends: HashMap<_, _> = ends.collect();
    let lasts = |key: &ApiKey| {
        let other = ends.get(&key.id).filter(|other| !other.has_ended(now));
        other.is_some_and(|other| key.expires_at <= other.expires_at)
    };
    let revived = restored.into_iter();
    let revived = revived.filter(|key| !key.has_ended(now) && !lasts(key));
    revived.map(|key| key.client_id).collect()
}

/// The clients of rules that the old data do not have, or whose source they do not have like this.
fn revived_rules(restored: &SourcesAndRules, old: &SourcesAndRules) -> HashSet<ClientId> {
    let source_of = |(sources, _): &SourcesAndRules, rule: &FederationRule| {
        let source = sources.iter().find(|source| source.name == rule.source);
        source.cloned()
    };
    let is_new = |rule: &&FederationRule| {
        !old.1.contains(rule) || source_of(restored, rule) != source_of(old, rule)
    };
    let revived = restored.1.iter().filter(is_new);
    revived.map(|rule| rule.client_id.clone()).collect()
}

/// The clients that can do more in the restored data than in the old data. This reads all of both.
///
/// # Errors
/// [`StoreError`] when they cannot be read.
pub(super) async fn back_to_life(
    restored: &TableScan,
    old: &TableScan,
    now: Timestamp,
) -> Result<Vec<Revived>, StoreError> {
    let rules = federation::read(restored.table()).await?;
    let again = Again {
        rules: revived_rules(&rules, &federation::read(old.table()).await?),
        keys: revived_keys(keys(restored).await?, keys(old).await?, now),
    };
    let (restored, old) = (clients(restored).await?, clients(old).await?);
    Ok(compared(restored, old, &again, now))
}

fn compared(
    restored: Vec<Client>,
    old: Vec<Client>,
    again: &Again,
    now: Timestamp,
) -> Vec<Revived> {
    let old = old.into_iter().map(|client| (client.id.clone(), client));
    let old: HashMap<_, _> = old.collect();
    let usable = restored.into_iter().filter(|client| client.is_usable());
    let revived = usable.map(|client| {
        let mut because = reasons(&client, old.get(&client.id), now);
        let by_rule = again.rules.contains(&client.id);
        because.extend(by_rule.then_some(Reason::Federation));
        because.extend(again.keys.contains(&client.id).then_some(Reason::ApiKey));
        Revived {
            because,
            client_id: client.id,
        }
    });
    revived
        .filter(|revived| !revived.because.is_empty())
        .collect()
}

fn reasons(restored: &Client, old: Option<&Client>, now: Timestamp) -> Vec<Reason> {
    let Some(old) = old.filter(|old| old.deleted_at.is_none()) else {
        return vec![Reason::Deleted];
    };
    let is_live = |secret: &&LiveSecret| secret.expires_at.is_none_or(|end| now < end);
    let mut live = restored.secrets.iter().filter(is_live);
    let secret = live.any(|secret| !outlasts(&old.secrets, secret));
    let keys = |client: &Client| (client.jwks.clone(), client.jwks_uri.clone());
    let keys = keys(restored) != (None, None) && keys(restored) != keys(old);
    let scope = !old.scopes.contains_all(&restored.scopes);
    let mut audiences = restored.audiences.iter();
    let audience = audiences.any(|one| one.registered_in(&old.audiences).is_none());
    let allowed = restored.allowed.iter().any(|held| !holds(old, held));
    let claims = !restored.claims.is_empty() && restored.claims != old.claims;
    let grant_type = exceeds(&restored.grant_types, &old.grant_types);
    let reasons = [
        (old.disabled, Reason::Disabled),
        (secret, Reason::Secret),
        (keys, Reason::Keys),
        (scope, Reason::Scope),
        (audience, Reason::Audience),
        (allowed, Reason::Resource),
        (claims, Reason::Claims),
        (grant_type, Reason::GrantType),
    ];
    let held = reasons.into_iter().filter(|(holds, _)| *holds);
    held.map(|(_, reason)| reason).collect()
}

/// Whether `secret` is one of the secrets in `old`, and does not end earlier there.
fn outlasts(old: &[LiveSecret], secret: &LiveSecret) -> bool {
    let same = old.iter().find(|other| other.hash.matches(&secret.hash));
    same.is_some_and(|other| match (secret.expires_at, other.expires_at) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(end), Some(other)) => end <= other,
    })
}

/// Whether a client holds these scopes.
fn holds(client: &Client, held: &Allowance) -> bool {
    let mut allowed = client.allowed.iter();
    let same = allowed.find(|one| one.resource.is_same_as(&held.resource));
    same.is_some_and(|one| one.scopes.contains_all(&held.scopes))
}

fn exceeds<T: PartialEq>(restored: &[T], old: &[T]) -> bool {
    restored.iter().any(|one| !old.contains(one))
}

/// A client that can do more in the restored data than in the old data.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Revived {
    /// The client.
    pub client_id: ClientId,
    /// What it can do again.
    pub because: Vec<Reason>,
}

/// What a client cannot do in the old data, and can do again in the restored data.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Exist.
    Deleted,
    /// Authenticate at all.
    Disabled,
    /// Authenticate with a secret that it has again.
    Secret,
    /// Authenticate with keys that it has again.
    Keys,
    /// Authenticate with tokens of another issuer, by a rule or a source that it has again.
    Federation,
    /// Use an API key that it has again.
    ApiKey,
    /// Ask for a scope that it has again.
    Scope,
    /// Get tokens for an audience that it has again.
    Audience,
    /// Ask for a scope that it holds again for a registered resource.
    Resource,
    /// Get tokens that say of it what they say no longer.
    Claims,
    /// Use a grant type that it has again.
    GrantType,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::ClientChanges;
    use crate::credential::ClientSecret;
    use crate::names::Scopes;
    use crate::store::records::{FederationSource, GrantType, SourceKeys, StoredJwks};
    use crate::token::StaticClaims;

    fn client() -> Client {
        let changes = ClientChanges {
            scopes: vec!["a".parse().expect("a scope")],
            audiences: vec!["https://one.example/".parse().expect("a URI")],
            allowed: vec![Allowance {
                resource: "https://two.example/".parse().expect("a URI"),
                scopes: "a".parse().expect("a scope"),
            }],
            claims: [("tenant".to_owned(), "t1".into())].into_iter().collect(),
            ..ClientChanges::default()
        };
        let (id, issuer) = ("app".parse(), "https://issuer.example".parse());
        let (id, issuer) = (id.expect("an id"), issuer.expect("a URL"));
        let client = changes.new_client(id, &issuer, &ClientSecret::generate(), NOW);
        client.expect("it is allowed")
    }

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    #[test]
    fn a_client_is_revived_by_each_thing_that_it_can_do_again() {
        let ends = |at: u64| {
            move |client: &mut Client| {
                client.secrets[0].expires_at = Some(Timestamp::from_seconds(at));
            }
        };
        type Difference = Box<dyn Fn(&mut Client)>;
        let cases: [(Difference, &[Reason]); 13] = [
            (Box::new(|_| {}), &[]),
            (
                Box::new(|old| old.deleted_at = Some(NOW)),
                &[Reason::Deleted],
            ),
            (Box::new(|old| old.disabled = true), &[Reason::Disabled]),
            (Box::new(|old| old.secrets.clear()), &[Reason::Secret]),
            (Box::new(ends(2000)), &[Reason::Secret]),
            (
                Box::new(|old| old.scopes = Scopes::default()),
                &[Reason::Scope],
            ),
            (Box::new(|old| old.audiences.clear()), &[Reason::Audience]),
            (Box::new(|old| old.allowed.clear()), &[Reason::Resource]),
            (
                Box::new(|old| old.allowed[0].scopes = Scopes::default()),
                &[Reason::Resource],
            ),
            (
                Box::new(|old| old.claims = StaticClaims::default()),
                &[Reason::Claims],
            ),
            (
                Box::new(|old| old.grant_types = vec![GrantType::RefreshToken]),
                &[Reason::GrantType],
            ),
            // A right that only the old data has is not revived.
            (
                Box::new(|old| old.scopes = "a b".parse().expect("scopes")),
                &[],
            ),
            (
                Box::new(|old| {
                    old.disabled = true;
                    old.scopes = Scopes::default();
                }),
                &[Reason::Disabled, Reason::Scope],
            ),
        ];
        for (index, (change, expected)) in cases.into_iter().enumerate() {
            let (restored, mut old) = (client(), client());
            old.secrets.clone_from(&restored.secrets);
            change(&mut old);
            assert_eq!(reasons(&restored, Some(&old), NOW), expected, "{index}");
        }
        assert_eq!(reasons(&client(), None, NOW), [Reason::Deleted]);
    }

    #[test]
    fn a_secret_revives_nobody_when_it_has_ended_or_ends_no_later_than_it_did() {
        for (restored_end, old_end, revived) in [
            (Some(1001), Some(1001), false),
            (Some(1001), None, false),
            (Some(1002), Some(1001), true),
            // Its overlap has ended in the backup as well.
            (Some(1000), Some(900), false),
        ] {
            let (mut restored, mut old) = (client(), client());
            old.secrets.clone_from(&restored.secrets);
            restored.secrets[0].expires_at = restored_end.map(Timestamp::from_seconds);
            old.secrets[0].expires_at = old_end.map(Timestamp::from_seconds);
            let reasons = reasons(&restored, Some(&old), NOW);
            let expected: &[Reason] = if revived { &[Reason::Secret] } else { &[] };
            assert_eq!(reasons, expected, "{restored_end:?} {old_end:?}");
        }
    }

    #[test]
    fn a_key_revives_its_client_when_it_had_ended_or_would_have_ended_earlier() {
        let key = |end: u64, revoked_at: Option<Timestamp>| ApiKey {
            id: "0123456789abcdef".parse().expect("an id"),
            client_id: "app".parse().expect("an id"),
            name: "job".parse().expect("a name"),
            hash: ClientSecret::generate().hash(),
            scopes: Scopes::default(),
            resource: "https://one.example/".parse().expect("a URI"),
            sources: Vec::new(),
            limit: None,
            created_at: NOW,
            expires_at: Timestamp::from_seconds(end),
            made_until: Timestamp::from_seconds(end),
            revoked_at,
            replaces: None,
            replaced_by: None,
        };
        let live = || key(2000, None);
        for (restored, old, is_revived) in [
            (live(), Some(live()), false),
            (live(), None, true),
            (live(), Some(key(2000, Some(NOW))), true),
            (live(), Some(key(1999, None)), true),
            (live(), Some(key(3000, None)), false),
            (key(1000, None), None, false),
            (key(2000, Some(NOW)), Some(live()), false),
        ] {
            let case = format!("{restored:?} {old:?}");
            let revived = revived_keys(vec![restored], old.into_iter().collect(), NOW);
            assert_eq!(revived.len(), usize::from(is_revived), "{case}");
        }
    }

    #[test]
    fn a_client_that_can_do_nothing_in_the_backup_is_not_revived() {
        let [mut disabled, mut deleted] = [client(), client()];
        disabled.disabled = true;
        deleted.deleted_at = Some(NOW);
        assert_eq!(
            compared(vec![disabled, deleted], vec![], &Again::default(), NOW),
            []
        );
    }

    #[test]
    fn a_client_is_listed_when_a_rule_or_its_source_is_back() {
        let source = |issuer: &str| FederationSource {
            name: "source".parse().expect("a name"),
            issuer: issuer.parse().expect("an issuer"),
            keys: SourceKeys::Jwks(jwks()),
            created_at: NOW,
        };
        let rule = |client: &str, audience: &str| FederationRule {
            name: "rule".parse().expect("a name"),
            source: "source".parse().expect("a name"),
            client_id: client.parse().expect("a client id"),
            audience: audience.to_owned(),
            subject: Some("workload".parse().expect("a pattern")),
            conditions: Vec::new(),
            created_at: NOW,
        };
        let (one, other) = ("https://one.example", "https://other.example");
        let restored = (vec![source(one)], vec![rule("app", "a")]);
        for (old, is_revived) in [
            (restored.clone(), false),
            ((vec![source(one)], vec![]), true),
            ((vec![source(one)], vec![rule("app", "b")]), true),
            ((vec![source(one)], vec![rule("other", "a")]), true),
            ((vec![source(other)], vec![rule("app", "a")]), true),
            ((vec![], vec![rule("app", "a")]), true),
        ] {
            let revived = revived_rules(&restored, &old);
            assert_eq!(revived.len(), usize::from(is_revived), "{old:?}");
        }
        let by_rules = revived_rules(&restored, &(vec![], vec![]));
        let again = Again {
            rules: by_rules.clone(),
            ..Again::default()
        };
        let listed = compared(vec![client()], vec![client()], &again, NOW);
        assert_eq!(listed.len(), by_rules.len());
    }

    /// RFC 8037 appendix A.2.
    fn jwks() -> StoredJwks {
        let key = serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        });
        StoredJwks::new(&serde_json::json!({ "keys": [key] })).expect("a key set")
    }
}
