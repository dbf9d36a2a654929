//! Federation: whose tokens speak for which clients.

use tokensmith_verifier::Timestamp;

use super::{AdminEvent, Administrator, Changed, ClientError};
use crate::federation::{self, Condition, ForeignIssuer, Pattern, SourcesAndRules};
use crate::names::{ClientId, FederationName};
use crate::store::records::{FederationRule, FederationSource, SourceKeys};
use crate::store::{Change, CheckedTime, Insert, StoreError, Update};

impl Administrator {
    /// Every source and every rule.
    ///
    /// # Errors
    /// [`StoreError`] when the table fails, or one of them cannot be read.
    pub async fn federation(
        &self,
    ) -> Result<(Vec<FederationSource>, Vec<FederationRule>), StoreError> {
        federation::read(&self.table).await
    }

    /// Registers a source.
    ///
    /// # Errors
    /// [`FederationError`] when the name is taken, the issuer is this one, or the table fails.
    pub async fn create_source(
        &self,
        name: FederationName,
        issuer: ForeignIssuer,
        keys: SourceKeys,
    ) -> Result<Changed<FederationSource>, FederationError> {
        let event = AdminEvent::FederationSourceCreated {
            federation_source: name.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            if issuer.as_str().trim_end_matches('/') == self.config.issuer.as_str() {
                return Err(FederationError::OwnIssuer);
            }
            require_room(&self.federation().await?)?;
            let source = FederationSource {
                name,
                issuer,
                keys,
                created_at: time.now(),
            };
            match self.table.insert(&source).await? {
                Insert::Inserted => Ok(self.cached(source, made, time)),
                Insert::Exists(_) => Err(FederationError::SourceExists(source.name)),
            }
        };
        self.recorded(event, change).await
    }

    /// Gives a source other keys.
    ///
    /// # Errors
    /// [`FederationError`] when there is no such source, or the table fails.
    pub async fn change_source_keys(
        &self,
        name: &FederationName,
        keys: &SourceKeys,
    ) -> Result<Changed<FederationSource>, FederationError> {
        let event = AdminEvent::FederationSourceUpdated {
            federation_source: name.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let change = Change::of_existing().set("keys", keys)?;
            let key = FederationSource::key_of(name);
            match self.table.update(&key, change).await? {
                Update::Applied(stored) => Ok(self.cached(stored.record, made, time)),
                Update::Refused(_) => Err(FederationError::UnknownSource(name.clone())),
            }
        };
        self.recorded(event, change).await
    }

    /// Deletes a source that no rule names.
    ///
    /// # Errors
    /// [`FederationError`] when there is no such source, a rule names it, or the table fails.
    pub async fn delete_source(
        &self,
        name: &FederationName,
    ) -> Result<Changed<()>, FederationError> {
        let event = AdminEvent::FederationSourceDeleted {
            federation_source: name.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let (sources, rules) = self.federation().await?;
            if !sources.iter().any(|source| source.name == *name) {
                return Err(FederationError::UnknownSource(name.clone()));
            }
            if let Some(rule) = rules.into_iter().find(|rule| rule.source == *name) {
                return Err(FederationError::SourceInUse(rule.name));
            }
            self.table.delete(&FederationSource::key_of(name)).await?;
            Ok(self.cached((), made, time))
        };
        self.recorded(event, change).await
    }

    /// Makes a rule.
    ///
    /// # Errors
    /// [`FederationError`] when the name is taken, source or client do not exist, the rule would let in more than
    /// one workload's tokens without saying which, or the table fails.
    pub async fn create_rule(
        &self,
        rule: NewRule,
    ) -> Result<Changed<FederationRule>, FederationError> {
        let event = AdminEvent::FederationRuleCreated {
            rule: rule.name.clone(),
            client: rule.client_id.clone(),
            federation_source: rule.source.clone(),
        };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let known = self.federation().await?;
            let source = known.0.iter().find(|source| source.name == rule.source);
            let source =
                source.ok_or_else(|| FederationError::UnknownSource(rule.source.clone()))?;
            rule.check(&source.issuer)?;
            if self.find_client(&rule.client_id).await?.is_none() {
                return Err(ClientError::Unknown(rule.client_id).into());
            }
            require_room(&known)?;
            let rule = rule.at(time.now());
            match self.table.insert(&rule).await? {
                Insert::Inserted => Ok(self.cached(rule, made, time)),
                Insert::Exists(_) => Err(FederationError::RuleExists(rule.name)),
            }
        };
        self.recorded(event, change).await
    }

    /// Deletes a rule. What was issued by it stays valid until it expires.
    ///
    /// # Errors
    /// [`FederationError`] when there is no such rule, or the table fails.
    pub async fn delete_rule(&self, name: &FederationName) -> Result<Changed<()>, FederationError> {
        let event = AdminEvent::FederationRuleDeleted { rule: name.clone() };
        let made = event.clone();
        let change = |time: CheckedTime| async move {
            let key = FederationRule::key_of(name);
            if self.table.get(&key).await?.is_none() {
                return Err(FederationError::UnknownRule(name.clone()));
            }
            self.table.delete(&key).await?;
            Ok(self.cached((), made, time))
        };
        self.recorded(event, change).await
    }
}

fn require_room((sources, rules): &SourcesAndRules) -> Result<(), FederationError> {
    match sources.len() + rules.len() < MOST {
        true => Ok(()),
        false => Err(FederationError::TooMany),
    }
}

/// A rule that shall be made.
#[derive(Clone, Debug)]
pub struct NewRule {
    /// Its name.
    pub name: FederationName,
    /// The source whose tokens it is about.
    pub source: FederationName,
    /// The client that they speak for.
    pub client_id: ClientId,
    /// The only audience that they may have.
    pub audience: String,
    /// What their `sub` must be.
    pub subject: Option<Pattern>,
    /// What else they must say.
    pub conditions: Vec<Condition>,
}

impl NewRule {
    fn check(&self, issuer: &ForeignIssuer) -> Result<(), FederationError> {
        if self.audience.is_empty() || self.audience.len() > LONGEST_AUDIENCE {
            return Err(FederationError::Audience);
        }
        if self.conditions.len() > MOST_CONDITIONS {
            return Err(FederationError::TooManyConditions);
        }
        let by_subject = self.subject.as_ref().is_some_and(Pattern::tells_apart);
        if !by_subject && !self.conditions.iter().any(Condition::tells_apart) {
            return Err(FederationError::TellsNobodyApart);
        }
        let by_id = |condition: &Condition| {
            ["/repository_id", "/repository_owner_id"].contains(&condition.pointer.as_str())
        };
        match issuer.as_str() == GITHUB && !self.conditions.iter().any(by_id) {
            true => Err(FederationError::GitHubByName),
            false => Ok(()),
        }
    }

    fn at(self, now: Timestamp) -> FederationRule {
        FederationRule {
            name: self.name,
            source: self.source,
            client_id: self.client_id,
            audience: self.audience,
            subject: self.subject,
            conditions: self.conditions,
            created_at: now,
        }
    }
}

/// Why sources or rules are not changed.
#[derive(Debug, thiserror::Error)]
pub enum FederationError {
    /// The table failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The client of a rule.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No source has this name.
    #[error("there is no federation source {0}")]
    UnknownSource(FederationName),
    /// No rule has this name.
    #[error("there is no federation rule {0}")]
    UnknownRule(FederationName),
    /// A source has this name.
    #[error("there is a federation source {0} already")]
    SourceExists(FederationName),
    /// A rule has this name.
    #[error("there is a federation rule {0} already: delete it first")]
    RuleExists(FederationName),
    /// A rule names the source.
    #[error("the federation rule {0} is about this source: delete the rule first")]
    SourceInUse(FederationName),
    /// Tokens of this issuer speak for whom they were issued to.
    #[error(
        "this issuer cannot be a source of its own: its tokens speak for whom they were issued to"
    )]
    OwnIssuer,
    /// Every workload of the platform would be let in.
    #[error(
        "the rule would let in every workload of the source: give it a --subject or a --claim that tells one from \
         another, and not one that everybody's tokens begin with"
    )]
    TellsNobodyApart,
    /// Names at GitHub change hands.
    #[error(
        "names of repositories and owners can be taken over by somebody else: give the rule a \
         --claim repository_id=ID or --claim repository_owner_id=ID as well"
    )]
    GitHubByName,
    /// The audience of a rule.
    #[error("an audience has 1 to {LONGEST_AUDIENCE} characters")]
    Audience,
    /// More conditions than a rule may have.
    #[error("a rule has at most {MOST_CONDITIONS} conditions")]
    TooManyConditions,
    /// All of them are read at once.
    #[error("there are {MOST} federation sources and rules, and no more are allowed")]
    TooMany,
}

/// The issuer of GitHub Actions.
const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// How many sources and rules there may be: one query reads all of them.
const MOST: usize = 1000;

const MOST_CONDITIONS: usize = 20;
const LONGEST_AUDIENCE: usize = 512;
