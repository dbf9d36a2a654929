"""Verifies the access tokens of a tokensmith issuer (RFC 9068): signature, claims, scopes, DPoP proofs and revocations, without a network
call for each request.
"""

from .asynchronous import AsyncVerifier
from .blocking import Verifier
from .claims import Claims
from .feed import Revocations
from .refusal import Challenge, Refusal
from .scopes import InvalidScopes, RequiredScopes

__all__ = [
    "AsyncVerifier",
    "Challenge",
    "Claims",
    "InvalidScopes",
    "Refusal",
    "RequiredScopes",
    "Revocations",
    "Verifier",
]
