"""DPoP (RFC 9449): proofs that whoever sends a token holds the key that it is bound to."""

from __future__ import annotations

import hashlib
import sys
import threading
from dataclasses import dataclass
from typing import Any

from .bearer import Values, header_values
from .jose import MAX_TOKEN_BYTES, UnverifiedJws, encoded, own_key
from .reasons import Rejected
from .urls import is_same_target

# The algorithms that proofs may be signed with, as challenges list them (RFC 9449 §7.1).
PROOF_ALGORITHMS = "ES256 EdDSA Ed25519 PS256 RS256 ES384"

# RFC 9449 §4.2. Exactly this type, so that nothing else that a client signs is a proof (RFC 8725 §3.11).
_PROOF_TYPE = "dpop+jwt"

# How far `iat` may be from the time of the check, in seconds, either way.
_LEEWAY_SECONDS = 60

# From the earliest to the latest moment at which a proof could be accepted, and a second for rounding.
PROOF_LIFETIME_SECONDS = 2 * _LEEWAY_SECONDS + 1

_LONGEST_ID = 512

_OF_FORM = {
    "unknown_key": "proof_with_unusable_key",
    "wrong_algorithm": "wrong_proof_algorithm",
    "bad_signature": "bad_proof_signature",
}


@dataclass(frozen=True)
class Proof:
    """A proof whose signature was verified with the key that it brings (RFC 9449 §4.2)."""

    key: str
    jti: str
    htm: str
    htu: str
    iat: float
    ath: str | None

    def check(self, method: str, url: str, token: str, now: int) -> None:
        """Judges the proof as one for this request (RFC 9449 §4.3)."""
        if self.htm != method:
            raise Rejected("proof_for_another_method")
        if not is_same_target(self.htu, url):
            raise Rejected("proof_for_another_url")
        if self.ath != encoded(hashlib.sha256(token.encode()).digest()):
            raise Rejected("proof_for_another_token")
        made = int(self.iat)
        if made > now + _LEEWAY_SECONDS:
            raise Rejected("proof_from_the_future")
        if made + _LEEWAY_SECONDS < now:
            raise Rejected("proof_too_old")


def sent_proof(values: Values) -> Proof:
    """The proof in the values of all `DPoP` headers of one request."""
    sent = header_values(values)
    if not sent:
        raise Rejected("missing_proof")
    # A gateway joins repeated headers with a comma, which no proof contains.
    if len(sent) > 1 or b"," in sent[0]:
        raise Rejected("repeated_proof")
    text = sent[0].strip(b" \t\n\x0c\r")
    if len(text) > MAX_TOKEN_BYTES or not text.isascii():
        raise Rejected("malformed_proof")
    try:
        return _verified(text.decode())
    except Rejected as err:
        if err.reason in ("wrong_proof_type", "malformed_proof"):
            raise
        raise Rejected(_OF_FORM.get(err.reason, "malformed_proof")) from None


def _verified(text: str) -> Proof:
    jws = UnverifiedJws(text)
    key, thumbprint = own_key(jws)
    if not jws.has_type(_PROOF_TYPE):
        raise Rejected("wrong_proof_type")
    key.verify(jws)
    return _proof_of(thumbprint, jws.payload())


def _proof_of(thumbprint: str, claims: dict[str, Any]) -> Proof:
    texts = all(type(claims.get(name)) is str for name in ("jti", "htm", "htu"))
    optional = all(type(claims.get(name, "")) is str or claims[name] is None for name in ("ath", "nonce"))
    iat: Any = claims.get("iat")
    if not texts or not optional or type(iat) not in (int, float) or not 0 <= iat <= sys.float_info.max:
        raise Rejected("malformed_proof")
    if not 1 <= len(claims["jti"].encode()) <= _LONGEST_ID:
        raise Rejected("malformed_proof")
    return Proof(thumbprint, claims["jti"], claims["htm"], claims["htu"], iat, claims.get("ath"))


class SeenProofs:
    """The proofs that one process has accepted, for as long as each could be sent again. Other processes do not know of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # When the newer generation began, in seconds since 1970.
        self._since = 0
        self._newer: set[bytes] = set()
        self._older: set[bytes] = set()

    def note(self, proof: Proof, now: int) -> bool:
        """Notes a proof that is accepted at `now`. False when it was accepted before."""
        short = hashlib.sha256(f"{proof.key} {proof.jti}".encode()).digest()[:16]
        with self._lock:
            self._turn(now)
            if short in self._older or short in self._newer:
                return False
            self._newer.add(short)
            return True

    def _turn(self, now: int) -> None:
        """A generation is kept until everything in it could not be sent again."""
        age = max(0, now - self._since)
        if age < PROOF_LIFETIME_SECONDS:
            return
        self._older = self._newer if age < 2 * PROOF_LIFETIME_SECONDS else set()
        self._newer = set()
        self._since = now
