//! API keys that are not accepted.

use strum::IntoStaticStr;

/// Why an API key is not accepted. The variant's name is the `reason` in the log; the caller is told that it failed, and
/// no more.
#[derive(Clone, Copy, Debug, Eq, IntoStaticStr, PartialEq)]
#[strum(serialize_all = "snake_case")]
pub enum ApiKeyDenied {
    /// Its form or checksum is wrong.
    MalformedApiKey,
    /// There is no key with its id.
    UnknownApiKey,
    /// There is a key with its id, and this is another one.
    WrongApiKey,
    /// It was revoked.
    ApiKeyRevoked,
    /// It has expired, or the overlap with the key that replaces it is over.
    ApiKeyExpired,
    /// Its client was disabled or deleted.
    ApiKeyWithoutClient,
    /// Everything that its client had was revoked, and the key was made before that.
    ApiKeyClientRevoked,
    /// It is used from somewhere else than it may be.
    ApiKeyWrongSource,
    /// It is for use from certain addresses only, so that nothing is given for it that works anywhere.
    ApiKeyNotExchangeable,
    /// It is for another resource.
    ApiKeyOfAnotherResource,
    /// Its resource takes nothing that is not bound to a key of the caller's (RFC 9449).
    ApiKeyWithoutProof,
}

impl ApiKeyDenied {
    /// Whether an operator should look into it: somebody has a key that has ended, or one that may be used elsewhere only.
    pub const fn is_security_event(self) -> bool {
        matches!(
            self,
            Self::ApiKeyRevoked | Self::ApiKeyExpired | Self::ApiKeyWrongSource
        )
    }
}
