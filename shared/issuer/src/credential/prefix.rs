//! The prefixes of all secrets that an issuer makes, in one table.

/// The kind of a credential, which its first characters say. Secret scanners search for them, so
/// each is long enough to be used by nobody else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prefix {
    /// `tksmc_`: a client secret.
    ClientSecret,
    /// `tksmk_`: an API key.
    ApiKey,
    /// `tksma_`: an authorization code.
    AuthorizationCode,
    /// `tksmd_`: a device code.
    DeviceCode,
    /// `tksmr_`: a refresh token.
    RefreshToken,
}

impl Prefix {
    /// The prefix that `text` begins with, if it is one of these.
    pub fn of(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|prefix| text.starts_with(prefix.as_str()))
    }

    /// Its characters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "tksmc_",
            Self::ApiKey => "tksmk_",
            Self::AuthorizationCode => "tksma_",
            Self::DeviceCode => "tksmd_",
            Self::RefreshToken => "tksmr_",
        }
    }

    /// How long each of them is, in bytes.
    pub(super) const LENGTH: usize = 6;

    const ALL: [Self; 5] = [
        Self::ClientSecret,
        Self::ApiKey,
        Self::AuthorizationCode,
        Self::DeviceCode,
        Self::RefreshToken,
    ];
}
