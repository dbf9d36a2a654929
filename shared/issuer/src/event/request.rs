use serde::Serialize;
use strum::VariantNames;

use super::loggable::bounded;
use super::{DelegationChain, IssuedToken, Outcome};
use crate::config::Level;
use crate::credential::{ApiKeyId, GrantId};
use crate::error::{Denied, Error, GrantDenied};
use crate::names::{Audience, ClientId, FederationName, Scopes, SubjectName, UpstreamName};
use crate::store::records::GrantType;

/// What a request to an endpoint came to.
#[derive(Clone, Debug, Serialize, VariantNames)]
#[serde(tag = "event", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "docs/events.md has each field")]
pub enum RequestEvent {
    /// An access token was issued for something else than a refresh token.
    Issued {
        client: ClientId,
        /// The federation rule by which a token of another issuer speaks for the client.
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<FederationName>,
        /// The public id of the API key that was exchanged.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<ApiKeyId>,
        grant_type: GrantType,
        /// The grant that a person gave.
        #[serde(skip_serializing_if = "Option::is_none")]
        grant: Option<GrantId>,
        #[serde(flatten)]
        token: IssuedToken,
        /// For whom it acts that has exchanged a token for it.
        #[serde(flatten)]
        chain: Option<DelegationChain>,
    },
    /// An access token and a refresh token were issued for a refresh token.
    Refreshed {
        client: ClientId,
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<FederationName>,
        grant_type: GrantType,
        grant: GrantId,
        #[serde(flatten)]
        token: IssuedToken,
    },
    /// A code was used twice, or a refresh token after its grace, and its grant was revoked.
    Reused {
        client: ClientId,
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<FederationName>,
        grant_type: GrantType,
        grant: GrantId,
        reason: &'static str,
    },
    /// A client had a token revoked.
    Revoked {
        client: ClientId,
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<FederationName>,
        #[serde(skip_serializing_if = "Option::is_none")]
        grant: Option<GrantId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        jti: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<ApiKeyId>,
        /// Whether there was something to revoke.
        revoked: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Noteworthy>,
    },
    /// A client asked about a token.
    Introspected {
        client: ClientId,
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<FederationName>,
        /// The public id of the API key that it asked about.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<ApiKeyId>,
        /// What was answered.
        active: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<Noteworthy>,
    },
    /// A client has pushed an authorization request.
    Pushed {
        client: ClientId,
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<FederationName>,
    },
    /// A person has signed in.
    SignedIn {
        subject: SubjectName,
        /// The client that has sent them here.
        #[serde(skip_serializing_if = "Option::is_none")]
        client: Option<ClientId>,
        /// By what means (RFC 8176).
        methods: Vec<String>,
        /// The OpenID provider that they have signed in through.
        #[serde(skip_serializing_if = "Option::is_none")]
        upstream: Option<UpstreamName>,
        /// Whether they have become a user by it.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        new_user: bool,
    },
    /// A person will sign in through another OpenID provider as well.
    Linked {
        subject: SubjectName,
        upstream: UpstreamName,
    },
    /// A person has let a client have something.
    Authorized {
        subject: SubjectName,
        client: ClientId,
        grant: GrantId,
        scope: String,
        aud: String,
        /// Whether they were asked now, and not because of an earlier answer.
        asked: bool,
    },
    /// A person has ended something of their own.
    Ended {
        subject: SubjectName,
        what: Ending,
        #[serde(skip_serializing_if = "Option::is_none")]
        client: Option<ClientId>,
        #[serde(skip_serializing_if = "Option::is_none")]
        grant: Option<GrantId>,
        /// How many grants ended with it.
        grants: usize,
    },
    /// A person has changed their password, which ended their other sessions.
    PasswordChanged {
        subject: SubjectName,
        /// How many grants ended with those sessions.
        grants: usize,
    },
    /// A client was told about the person who gave it a grant.
    Userinfo {
        subject: SubjectName,
        client: ClientId,
        grant: GrantId,
        jti: String,
    },
    /// A device has asked for access, which a person has to allow (RFC 8628).
    DeviceAsked {
        client: ClientId,
        #[serde(skip_serializing_if = "Option::is_none")]
        rule: Option<FederationName>,
        #[serde(skip_serializing_if = "String::is_empty")]
        scope: String,
        aud: String,
    },
    /// A device has polled, and nobody has answered yet.
    Pending {
        #[serde(flatten)]
        known: Known,
        reason: &'static str,
    },
    /// Who scans for leaked credentials has reported some.
    Reported {
        /// How many.
        findings: usize,
        /// How many of them were API keys, and were revoked.
        revoked_keys: usize,
    },
    /// Something was answered that everybody may know: keys, metadata, the feed, or what a browser asks first.
    Served {},
    /// The request was at fault.
    Denied {
        #[serde(flatten)]
        known: Known,
        reason: &'static str,
        #[serde(skip)]
        is_security_event: bool,
    },
    /// The request was beyond a limit.
    Limited {
        #[serde(flatten)]
        known: Known,
        /// Whose limit it is.
        limit_of: &'static str,
        reason: &'static str,
    },
    /// A dependency failed.
    Unavailable {
        #[serde(flatten)]
        known: Known,
        failure: String,
    },
}

/// What is known of a request's caller, however far the request came: filled in while it is answered.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Known {
    /// The client that it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<FederationName>,
    /// The public id of the API key that it presents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<ApiKeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grant_type: Option<GrantType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grant: Option<GrantId>,
}

/// What a person has ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The session in one browser.
    Session,
    /// The sessions in all browsers.
    AllSessions,
    /// A grant.
    Grant,
    /// What they had agreed to once for all, and the grants that came of it.
    Consent,
    /// An account elsewhere that they have signed in with.
    Link,
}

/// What an operator should know of a request that was carried out.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Noteworthy {
    /// Somebody still presents a token by a key that was withdrawn.
    WithdrawnKey,
}

impl RequestEvent {
    /// A request that was not carried out.
    pub fn refused(known: Known, error: &Error) -> Self {
        match error {
            Error::Denied(Denied::Limit(limit)) => Self::Limited {
                known,
                limit_of: limit.standing().kind.as_str(),
                reason: limit.into(),
            },
            Error::Denied(Denied::Device(device)) if device.is_pending() => Self::Pending {
                known,
                reason: device.into(),
            },
            Error::Denied(denied) => Self::Denied {
                known,
                reason: denied.reason(),
                is_security_event: denied.is_security_event(),
            },
            Error::Unavailable(unavailable) => Self::Unavailable {
                known,
                failure: unavailable.to_string(),
            },
        }
    }

    /// What a device of `client` asks for.
    pub(crate) fn device_asked(
        client: &ClientId,
        rule: Option<FederationName>,
        scopes: &Scopes,
        audiences: &[Audience],
    ) -> Self {
        let audiences: Vec<&str> = audiences.iter().map(Audience::as_str).collect();
        Self::DeviceAsked {
            client: client.clone(),
            rule,
            scope: bounded(&scopes.to_string()),
            aud: bounded(&audiences.join(" ")),
        }
    }

    /// The reuse of a code or refresh token, which revoked `grant`.
    pub(crate) fn reused(
        client: ClientId,
        rule: Option<FederationName>,
        grant_type: GrantType,
        grant: GrantId,
        reason: &GrantDenied,
    ) -> Self {
        Self::Reused {
            client,
            rule,
            grant_type,
            grant,
            reason: Denied::from(reason.clone()).reason(),
        }
    }

    /// That `subject` lets `client` have something.
    pub fn authorized(
        subject: &SubjectName,
        client: &ClientId,
        grant: GrantId,
        scopes: &Scopes,
        audiences: &[Audience],
        asked: bool,
    ) -> Self {
        let audiences: Vec<&str> = audiences.iter().map(Audience::as_str).collect();
        Self::Authorized {
            subject: subject.clone(),
            client: client.clone(),
            grant,
            scope: bounded(&scopes.to_string()),
            aud: bounded(&audiences.join(" ")),
            asked,
        }
    }

    /// What became of the request.
    pub const fn outcome(&self) -> Outcome {
        match self {
            Self::Issued { .. }
            | Self::Refreshed { .. }
            | Self::Revoked { .. }
            | Self::Introspected { .. }
            | Self::Pushed { .. }
            | Self::SignedIn { .. }
            | Self::Linked { .. }
            | Self::Authorized { .. }
            | Self::Ended { .. }
            | Self::PasswordChanged { .. }
            | Self::Userinfo { .. }
            | Self::DeviceAsked { .. }
            | Self::Pending { .. }
            | Self::Reported { .. }
            | Self::Served {} => Outcome::Ok,
            Self::Reused { .. } | Self::Denied { .. } | Self::Limited { .. } => Outcome::Denied,
            Self::Unavailable { .. } => Outcome::Unavailable,
        }
    }

    /// The client that the request names, if it names one.
    pub const fn client(&self) -> Option<&ClientId> {
        match self {
            Self::Issued { client, .. }
            | Self::Refreshed { client, .. }
            | Self::Reused { client, .. }
            | Self::Revoked { client, .. }
            | Self::DeviceAsked { client, .. }
            | Self::Authorized { client, .. }
            | Self::Pushed { client, .. }
            | Self::Introspected { client, .. } => Some(client),
            Self::SignedIn { client, .. } | Self::Ended { client, .. } => client.as_ref(),
            Self::PasswordChanged { .. }
            | Self::Linked { .. }
            | Self::Reported { .. }
            | Self::Served {} => None,
            Self::Userinfo { client, .. } => Some(client),
            Self::Pending { known, .. }
            | Self::Denied { known, .. }
            | Self::Limited { known, .. }
            | Self::Unavailable { known, .. } => known.client.as_ref(),
        }
    }

    /// Why the request was not carried out, for operators.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Reused { reason, .. }
            | Self::Pending { reason, .. }
            | Self::Denied { reason, .. }
            | Self::Limited { reason, .. } => Some(reason),
            Self::Unavailable { failure, .. } => Some(failure),
            _ => None,
        }
    }

    pub(super) const fn level(&self) -> Level {
        match self {
            Self::Reused { .. }
            | Self::Denied {
                is_security_event: true,
                ..
            }
            | Self::Revoked {
                reason: Some(Noteworthy::WithdrawnKey),
                ..
            }
            | Self::Introspected {
                reason: Some(Noteworthy::WithdrawnKey),
                ..
            } => Level::Warn,
            Self::Unavailable { .. } => Level::Error,
            _ => Level::Info,
        }
    }
}
