use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tokensmith_verifier::jose::SignatureAlgorithm;

/// A security profile that a client keeps to, whatever it may do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// FAPI 2.0 Security Profile: the client signs assertions, every token is bound to a key by DPoP, and people are asked for
    /// what was pushed and nothing else.
    Fapi2,
}

impl Profile {
    /// Whether something may be signed with this algorithm (FAPI 2.0 Security Profile §5.4.1).
    pub const fn allows(self, algorithm: SignatureAlgorithm) -> bool {
        match self {
            Self::Fapi2 => matches!(
                algorithm,
                SignatureAlgorithm::PS256 | SignatureAlgorithm::ES256 | SignatureAlgorithm::EdDSA
            ),
        }
    }
}

impl FromStr for Profile {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "fapi2" => Ok(Self::Fapi2),
            _ => Err("the only profile is fapi2".to_owned()),
        }
    }
}
