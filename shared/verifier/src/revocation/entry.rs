use std::fmt;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// One revocation: of a token, a grant, of everything that a client or subject had, of a signing
/// key, or of an API key.
///
/// It names what it revokes only by a hash, so that the list can be public: it discloses no token
/// id or grant id. Somebody who guesses a client id or subject can check the guess.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Revocation {
    hash: RevocationHash,
    revoked: RevocationKind,
    until: u64,
}

impl Revocation {
    /// Revokes the token with this `jti`, which expires at `until`.
    pub fn of_token(jti: &str, until: u64) -> Self {
        Self::new(RevocationHash::of_token(jti), RevocationKind::Token, until)
    }

    /// Revokes every token of this grant, the last of which expires by `until`.
    pub fn of_grant(grant_id: &str, until: u64) -> Self {
        Self::new(
            RevocationHash::of_grant(grant_id),
            RevocationKind::Grant,
            until,
        )
    }

    /// Revokes every token of this client issued at or before `not_before`, the last of which
    /// expires by `until`.
    pub fn of_client(client_id: &str, not_before: u64, until: u64) -> Self {
        let revoked = RevocationKind::Client { not_before };
        Self::new(RevocationHash::of_client(client_id), revoked, until)
    }

    /// Revokes every token of this subject issued at or before `not_before`, the last of which
    /// expires by `until`.
    pub fn of_subject(subject: &str, not_before: u64, until: u64) -> Self {
        let revoked = RevocationKind::Subject { not_before };
        Self::new(RevocationHash::of_subject(subject), revoked, until)
    }

    /// Withdraws the signing key of this name; the last token that it has signed expires by `until`.
    pub fn of_key(key_id: &str, until: u64) -> Self {
        Self::new(RevocationHash::of_key(key_id), RevocationKind::Key, until)
    }

    /// Ends this API key, and every token that it was exchanged for, at `ends_at`; 0 is at once, whatever the time. It
    /// matters until `until`.
    pub fn of_api_key(id: &str, ends_at: u64, until: u64) -> Self {
        let revoked = RevocationKind::ApiKey { ends_at };
        Self::new(RevocationHash::of_api_key(id), revoked, until)
    }

    /// Of something that this release does not know: the record of the type `kind` with this `id`.
    pub fn of_other(kind: &str, id: &str, not_before: Option<u64>, until: u64) -> Self {
        let hash = RevocationHash::of(b"tokensmith revoked other\0", &format!("{kind}\0{id}"));
        Self::new(hash, RevocationKind::Other { not_before }, until)
    }

    fn new(hash: RevocationHash, revoked: RevocationKind, until: u64) -> Self {
        Self {
            hash,
            revoked,
            until,
        }
    }

    /// The hash of what is revoked.
    pub fn hash(&self) -> RevocationHash {
        self.hash
    }

    /// What is revoked.
    pub fn revoked(&self) -> RevocationKind {
        self.revoked
    }

    /// When the last token that it concerns expires (its `exp`), in seconds since 1970. Verifiers
    /// keep it longer by the clock skew that they allow.
    pub fn until(&self) -> u64 {
        self.until
    }
}

/// What a [`Revocation`] revokes; times are seconds since 1970.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RevocationKind {
    /// One token.
    Token,
    /// A grant, with all its tokens.
    Grant,
    /// The tokens of a client issued at or before this time.
    Client {
        /// The time, in seconds since 1970.
        not_before: u64,
    },
    /// The tokens of a subject issued at or before this time.
    Subject {
        /// The time, in seconds since 1970.
        not_before: u64,
    },
    /// A signing key, with all tokens that it has signed.
    Key,
    /// An API key, with all tokens that it was exchanged for.
    ApiKey {
        /// When they end, in seconds since 1970; 0 is at once.
        ends_at: u64,
    },
    /// Something that a later release of the issuer revokes and this one does not know. It is kept by
    /// its hash, and concerns nothing that this release looks up.
    Other {
        /// The time up to which it concerns what was issued, if it has one, in seconds since 1970.
        not_before: Option<u64>,
    },
}

/// The first 128 bits of a SHA-256 over the kind and the name of what is revoked. It covers the
/// kind, so that a client and a subject of the same name have different hashes.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RevocationHash([u8; 16]);

impl RevocationHash {
    /// The first of all hashes in their order.
    pub const FIRST: Self = Self([0; 16]);

    /// The hash of a token, by its `jti`.
    pub fn of_token(jti: &str) -> Self {
        Self::of(b"tokensmith revoked token\0", jti)
    }

    /// The hash of a grant, by its `grant_id`.
    pub fn of_grant(grant_id: &str) -> Self {
        Self::of(b"tokensmith revoked grant\0", grant_id)
    }

    /// The hash of a client, by its `client_id`.
    pub fn of_client(client_id: &str) -> Self {
        Self::of(b"tokensmith revoked client\0", client_id)
    }

    /// The hash of a subject, by its `sub`.
    pub fn of_subject(subject: &str) -> Self {
        Self::of(b"tokensmith revoked subject\0", subject)
    }

    /// The hash of a signing key, by its `kid`.
    pub fn of_key(key_id: &str) -> Self {
        Self::of(b"tokensmith revoked key\0", key_id)
    }

    /// The hash of an API key, by its public id.
    pub fn of_api_key(id: &str) -> Self {
        Self::of(b"tokensmith revoked api key\0", id)
    }

    /// The byte by which the view picks a shard. All bytes of a hash are equally random.
    pub(super) fn last_byte(self) -> u8 {
        self.0[15]
    }

    fn of(domain: &[u8], name: &str) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(domain);
        context.update(name.as_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&context.finish().as_ref()[..16]);
        Self(first)
    }
}

impl fmt::Debug for RevocationHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RevocationHash({})", URL_SAFE_NO_PAD.encode(self.0))
    }
}

/// The serialized form of an entry. It is flat, to be short, because there may be many.
#[derive(Deserialize, Serialize)]
struct Fields {
    kind: Kind,
    /// base64url without padding, 22 characters.
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    not_before: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_at: Option<u64>,
    until: u64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Token,
    Grant,
    Client,
    Subject,
    Key,
    ApiKey,
    /// A kind of a later release: a verifier that refused it would refuse the whole document.
    #[serde(other)]
    Other,
}

impl From<Revocation> for Fields {
    fn from(revocation: Revocation) -> Self {
        let (kind, not_before) = match revocation.revoked {
            RevocationKind::Token => (Kind::Token, None),
            RevocationKind::Grant => (Kind::Grant, None),
            RevocationKind::Client { not_before } => (Kind::Client, Some(not_before)),
            RevocationKind::Subject { not_before } => (Kind::Subject, Some(not_before)),
            RevocationKind::Key => (Kind::Key, None),
            RevocationKind::ApiKey { .. } => (Kind::ApiKey, None),
            RevocationKind::Other { not_before } => (Kind::Other, not_before),
        };
        Self {
            kind,
            hash: URL_SAFE_NO_PAD.encode(revocation.hash.0),
            not_before,
            ends_at: match revocation.revoked {
                RevocationKind::ApiKey { ends_at } => Some(ends_at),
                _ => None,
            },
            until: revocation.until,
        }
    }
}

impl TryFrom<Fields> for Revocation {
    type Error = MalformedRevocation;

    fn try_from(fields: Fields) -> Result<Self, MalformedRevocation> {
        let mut hash = [0; 16];
        match URL_SAFE_NO_PAD.decode_slice(&fields.hash, &mut hash) {
            Ok(16) => {}
            _ => return Err(MalformedRevocation),
        }
        let revoked = match (fields.kind, fields.not_before) {
            (Kind::Token, None) => RevocationKind::Token,
            (Kind::Grant, None) => RevocationKind::Grant,
            (Kind::Client, Some(not_before)) => RevocationKind::Client { not_before },
            (Kind::Subject, Some(not_before)) => RevocationKind::Subject { not_before },
            (Kind::Key, None) => RevocationKind::Key,
            (Kind::ApiKey, None) => RevocationKind::ApiKey {
                ends_at: fields.ends_at.ok_or(MalformedRevocation)?,
            },
            (Kind::Other, not_before) => RevocationKind::Other { not_before },
            _ => return Err(MalformedRevocation),
        };
        Ok(Self::new(RevocationHash(hash), revoked, fields.until))
    }
}

/// The hash of an entry is not 128 bits, or its `not_before` does not fit its kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the revocation is malformed")]
pub struct MalformedRevocation;
