use serde::Serialize;
use strum::VariantNames;

use super::Event;
use super::loggable::bounded;
use crate::config::Level;
use crate::credential::ApiKeyId;
use crate::fetched::DocumentUrl;
use crate::keys::Rotation;
use crate::names::{ClientId, IssuerUrl};
use crate::store::records::{ForeignTable, HOW_TO_MEND_IT};

/// What a process has to say besides what its requests came to.
#[derive(Clone, Debug, Serialize, VariantNames)]
#[serde(tag = "event", rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[allow(missing_docs, reason = "docs/events.md has each field")]
pub enum ServiceEvent<'a> {
    /// A function or `serve` could not start.
    StartFailed { message: &'a str },
    /// A function could not load beforehand what its first request needs.
    WarmUpFailed { message: &'a str },
    /// The keys that were due were made, and those that are over were deleted.
    RotateKeys {
        #[serde(flatten)]
        rotation: &'a Rotation,
        /// How many clients and subjects left the revocation feed.
        left_feed: usize,
    },
    /// A run of `rotate-keys` failed.
    RotateKeysFailed { message: &'a str },
    /// No heartbeat was written into the revocation feed.
    HeartbeatFailed { message: &'a str },
    /// The table belongs to another issuer or wrapping key, which nothing here may use.
    ForeignTable {
        #[serde(flatten)]
        foreign: &'a ForeignTable,
        message: &'static str,
    },
    /// Data in use were given to another issuer.
    IssuerChanged {
        from: &'a IssuerUrl,
        to: &'a IssuerUrl,
        message: &'static str,
    },
    /// A document was not fetched, or what was fetched could not be recorded. Of the URL it has the host alone,
    /// and of the document nothing.
    FetchFailed { host: &'a str, message: String },
    /// The last use of an API key could not be noted.
    LastUseFailed { key: &'a ApiKeyId, message: String },
    /// An API key was found in public, and was revoked.
    KeyLeaked {
        key: &'a ApiKeyId,
        client: &'a ClientId,
        /// Where it was found.
        #[serde(skip_serializing_if = "Option::is_none")]
        found_at: Option<String>,
    },
    /// Nothing is served at a path, or what came is no request.
    NotRouted {
        #[serde(skip_serializing_if = "Option::is_none")]
        path: Option<&'a str>,
        status: u16,
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<String>,
    },
    /// API Gateway would not take an answer of the authorizer.
    AuthorizeAnswerTooLong { request_id: &'a str, bytes: usize },
    /// `serve` has an issuer URL without TLS.
    InsecureHttp {
        issuer: &'a IssuerUrl,
        message: &'static str,
    },
    /// `serve` fetches documents from private addresses.
    FetchPrivate { message: &'static str },
    /// `serve` could not accept a connection.
    AcceptFailed { message: &'a str },
    /// `serve` could not delete what has expired.
    ExpiryFailed { message: &'a str },
    /// `serve` could not show its page.
    PageFailed { message: &'a str },
    /// `serve` ended before all requests were answered.
    ShutdownTimeout { message: &'a str },
}

impl<'a> ServiceEvent<'a> {
    /// A table that is not this issuer's.
    pub const fn foreign_table(foreign: &'a ForeignTable) -> Self {
        Self::ForeignTable {
            foreign,
            message: HOW_TO_MEND_IT,
        }
    }

    pub(crate) const fn issuer_changed(from: &'a IssuerUrl, to: &'a IssuerUrl) -> Self {
        Self::IssuerChanged {
            from,
            to,
            message: "tokens of the old issuer URL are no longer accepted",
        }
    }

    pub(crate) fn fetch_failed(url: &'a DocumentUrl, reason: &str) -> Self {
        Self::FetchFailed {
            host: url.host(),
            message: bounded(reason),
        }
    }

    pub(super) const fn level(&self) -> Level {
        match self {
            Self::RotateKeys { .. } | Self::NotRouted { .. } => Level::Info,
            Self::IssuerChanged { .. }
            | Self::FetchFailed { .. }
            | Self::LastUseFailed { .. }
            | Self::KeyLeaked { .. }
            | Self::InsecureHttp { .. }
            | Self::FetchPrivate { .. }
            | Self::AcceptFailed { .. }
            | Self::ExpiryFailed { .. }
            | Self::ShutdownTimeout { .. } => Level::Warn,
            Self::StartFailed { .. }
            | Self::WarmUpFailed { .. }
            | Self::RotateKeysFailed { .. }
            | Self::HeartbeatFailed { .. }
            | Self::ForeignTable { .. }
            | Self::AuthorizeAnswerTooLong { .. }
            | Self::PageFailed { .. } => Level::Error,
        }
    }

    /// Writes it, whatever the level of the log is.
    pub fn write(&self) {
        Event::Service(self).write(Level::Info);
    }
}
