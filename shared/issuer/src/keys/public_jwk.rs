use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, CommonParameters, Jwk, PublicKeyUse};
use serde::{Deserialize, Serialize};
use tokensmith_verifier::{Algorithm, KeyId};

/// The public half of a signing key, as it is published: a JWK (RFC 7517) with its name, its one
/// algorithm and the use `sig`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Jwk", into = "Jwk")]
pub struct PublicJwk {
    /// Its name: the RFC 7638 thumbprint.
    pub kid: KeyId,
    /// The only algorithm that it signs with.
    pub alg: Algorithm,
    key: AlgorithmParameters,
}

impl PublicJwk {
    /// Names `key` by its thumbprint and binds it to `alg`. An RSA key is given as modulus and
    /// exponent, because jsonwebtoken could parse its DER only with a process-wide provider.
    ///
    /// # Errors
    /// [`UnfitJwk`] when it is not a key of that algorithm.
    pub fn new(key: &DecodingKey, alg: Algorithm) -> Result<Self, UnfitJwk> {
        let jwk = Jwk::from_decoding_key(key, Some(alg.into())).map_err(|_| UnfitJwk)?;
        if !alg.fits(&jwk.algorithm) {
            return Err(UnfitJwk);
        }
        Ok(Self {
            kid: KeyId::thumbprint_of(&jwk).ok_or(UnfitJwk)?,
            alg,
            key: jwk.algorithm,
        })
    }
}

impl TryFrom<Jwk> for PublicJwk {
    type Error = UnfitJwk;

    fn try_from(jwk: Jwk) -> Result<Self, UnfitJwk> {
        let CommonParameters {
            public_key_use: Some(PublicKeyUse::Signature),
            key_algorithm: Some(alg),
            key_id: Some(kid),
            ..
        } = jwk.common
        else {
            return Err(UnfitJwk);
        };
        let alg = Algorithm::try_from(alg).map_err(|_| UnfitJwk)?;
        match alg.fits(&jwk.algorithm) {
            true => Ok(Self {
                kid: kid.into(),
                alg,
                key: jwk.algorithm,
            }),
            false => Err(UnfitJwk),
        }
    }
}

impl From<PublicJwk> for Jwk {
    fn from(public: PublicJwk) -> Self {
        let alg = jsonwebtoken::Algorithm::from(public.alg);
        Self {
            common: CommonParameters {
                public_key_use: Some(PublicKeyUse::Signature),
                key_algorithm: Some(alg.into()),
                key_id: Some(public.kid.into()),
                ..CommonParameters::default()
            },
            algorithm: public.key,
        }
    }
}

/// The JWK is not a signing key of one of our algorithms, or does not say that it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the JWK is no signing key of its algorithm")]
pub struct UnfitJwk;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::keys::{InProcessSigner, Signer, generate_private_key};

    fn new_jwk(algorithm: Algorithm) -> PublicJwk {
        let pkcs8 = generate_private_key(algorithm).expect("a key");
        let signer = InProcessSigner::from_pkcs8(algorithm, &pkcs8).expect("a signer");
        signer.public_key().clone()
    }

    /// The members of the JWK in the table and in the JWK Set, and no others.
    #[test]
    fn a_jwk_is_written_with_the_members_of_its_type_and_read_again() {
        for algorithm in Algorithm::ALL {
            let jwk = new_jwk(algorithm);
            let written = serde_json::to_value(&jwk).expect("JSON");
            let members: Vec<_> = written.as_object().expect("an object").keys().collect();
            let expected: &[&str] = match algorithm {
                Algorithm::RS256 | Algorithm::PS256 => &["alg", "e", "kid", "kty", "n", "use"],
                Algorithm::ES256 => &["alg", "crv", "kid", "kty", "use", "x", "y"],
                Algorithm::EdDSA => &["alg", "crv", "kid", "kty", "use", "x"],
            };
            assert_eq!(members, expected, "{algorithm}");
            assert_eq!(written["use"], "sig");
            assert_eq!(written["alg"], algorithm.as_str());
            let read: PublicJwk = serde_json::from_value(written).expect("a key");
            assert_eq!(read, jwk);
        }
    }

    #[test]
    fn a_jwk_that_does_not_say_what_it_is_for_is_refused() {
        for algorithm in Algorithm::ALL {
            let good = serde_json::to_value(new_jwk(algorithm)).expect("JSON");
            for (member, value) in [
                ("use", Value::Null),
                ("use", json!("enc")),
                ("kid", Value::Null),
                ("alg", Value::Null),
                ("alg", json!("HS256")),
                ("alg", json!("ES384")),
                ("kty", json!("oct")),
            ] {
                let mut bad = good.clone();
                bad[member] = value;
                let read = serde_json::from_value::<PublicJwk>(bad.clone());
                assert!(read.is_err(), "{bad}");
            }
        }
    }
}
