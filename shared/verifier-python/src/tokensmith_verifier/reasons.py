"""Why a token, a proof or a document is not accepted. Names and words are those of the Rust verifier, so that logs and callers see
the same, whichever of the two is behind an API.
"""

from __future__ import annotations

# In the order of the checks.
TOKEN_REASONS = {
    "too_long": "the token is too long",
    "malformed": "the token is malformed",
    "unsupported_header": "the token's header is not supported",
    "wrong_type": "the token is not an access token",
    "unknown_key": "the token's key is unknown",
    "wrong_algorithm": "the token's algorithm is not its key's",
    "bad_signature": "the token's signature is wrong",
    "wrong_issuer": "the token is from another issuer",
    "wrong_audience": "the token is for another audience",
    "expired": "the token has expired",
    "not_yet_valid": "the token is not valid yet",
    "bound_to_key": "the token is bound to a key, and was sent as a bearer token",
    "not_bound": "the token is not bound to a key",
    "token_revoked": "the token was revoked",
    "grant_revoked": "the token's grant was revoked",
    "client_revoked": "the token's client was revoked",
    "subject_revoked": "the token's subject was revoked",
    "api_key_ended": "the token's API key has ended",
    "withdrawn_key": "the token's key was withdrawn",
}

# RFC 9449 §4.3.
PROOF_REASONS = {
    "missing_proof": "a DPoP proof is needed",
    "repeated_proof": "the DPoP header is repeated",
    "malformed_proof": "the DPoP proof is malformed",
    "proof_with_unusable_key": "the DPoP proof has no public key that can be used",
    "wrong_proof_type": "the JWT is not a DPoP proof",
    "wrong_proof_algorithm": "the algorithm of the DPoP proof is not its key's",
    "bad_proof_signature": "the signature of the DPoP proof is wrong",
    "proof_for_another_method": "the DPoP proof is for another method",
    "proof_for_another_url": "the DPoP proof is for another URL",
    "proof_for_another_token": "the DPoP proof is for another token",
    "proof_too_old": "the DPoP proof is too old",
    "proof_from_the_future": "the DPoP proof is from the future",
    "proof_by_another_key": "the DPoP proof is by another key",
    "proof_replayed": "the DPoP proof was used before",
}

# RFC 6750 §3.1.
REQUEST_REASONS = {
    "repeated_header": "the Authorization header is repeated",
    "malformed_header": "the bearer token is malformed",
}

# What is wrong with a document of the revocation feed, beyond what can be wrong with a token.
FEED_REASONS = {
    "gap": "the revocation feed has a gap",
    "no_progress": "the revocation feed makes no progress",
    "from_the_future": "the revocation feed ends after it was made",
    "older": "the revocation feed is older than what is known",
}


class Rejected(Exception):
    """Something is not accepted. Only within this package: callers of it get a `Refusal`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
