/// Why a DPoP proof is not accepted (RFC 9449 §4.3). The order is the order of the checks.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DpopRejection {
    /// There is none, and one is needed.
    #[error("a DPoP proof is needed")]
    MissingProof,
    /// More than one `DPoP` header.
    #[error("the DPoP header is repeated")]
    RepeatedProof,
    /// Not a JWT with the claims of a proof.
    #[error("the DPoP proof is malformed")]
    MalformedProof,
    /// The header has no key, a private or a symmetric one, or one that cannot be used.
    #[error("the DPoP proof has no public key that can be used")]
    UnusableKey,
    /// `typ` is not `dpop+jwt`.
    #[error("the JWT is not a DPoP proof")]
    WrongProofType,
    /// `alg` is not one of the key's.
    #[error("the algorithm of the DPoP proof is not its key's")]
    WrongAlgorithm,
    /// The signature is not by the key in the header.
    #[error("the signature of the DPoP proof is wrong")]
    BadSignature,
    /// `htm` is another method.
    #[error("the DPoP proof is for another method")]
    WrongMethod,
    /// `htu` is another URL.
    #[error("the DPoP proof is for another URL")]
    WrongUrl,
    /// `ath` is absent, or that of another token.
    #[error("the DPoP proof is for another token")]
    WrongTokenHash,
    /// `iat` is too long ago.
    #[error("the DPoP proof is too old")]
    TooOld,
    /// `iat` lies in the future.
    #[error("the DPoP proof is from the future")]
    FromTheFuture,
    /// It is by another key than what it was sent with is bound to.
    #[error("the DPoP proof is by another key")]
    AnotherKey,
    /// It was accepted before.
    #[error("the DPoP proof was used before")]
    Replayed,
}

impl DpopRejection {
    /// Its name in a log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MissingProof => "missing_proof",
            Self::RepeatedProof => "repeated_proof",
            Self::MalformedProof => "malformed_proof",
            Self::UnusableKey => "proof_with_unusable_key",
            Self::WrongProofType => "wrong_proof_type",
            Self::WrongAlgorithm => "wrong_proof_algorithm",
            Self::BadSignature => "bad_proof_signature",
            Self::WrongMethod => "proof_for_another_method",
            Self::WrongUrl => "proof_for_another_url",
            Self::WrongTokenHash => "proof_for_another_token",
            Self::TooOld => "proof_too_old",
            Self::FromTheFuture => "proof_from_the_future",
            Self::AnotherKey => "proof_by_another_key",
            Self::Replayed => "proof_replayed",
        }
    }
}
