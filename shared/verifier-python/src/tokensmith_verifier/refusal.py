"""Why a request is refused, and how it is answered (RFC 6750 §3, RFC 9449 §7.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from .dpop import PROOF_ALGORITHMS
from .reasons import PROOF_REASONS, REQUEST_REASONS, TOKEN_REASONS
from .scopes import RequiredScopes

BEARER = "Bearer"
DPOP = "DPoP"


@dataclass(frozen=True)
class Challenge:
    """The answer to a refused request. It has no body."""

    status: int
    headers: Mapping[str, str]


class Refusal(Exception):
    """A request is not let in."""

    def __init__(
        self,
        reason: str,
        *,
        detail: str | None = None,
        required: RequiredScopes | None = None,
        realm: str = "",
        schemes: tuple[str, ...] = (BEARER,),
    ) -> None:
        self.reason = reason
        """Its name in a log, which is the Rust verifier's."""
        self.required = required
        """The scopes that the token lacks some of, if that is why."""
        self._realm = realm
        self._schemes = schemes
        super().__init__(detail or _words_of(reason))

    @property
    def is_unavailable(self) -> bool:
        """Whether the token could not be judged now: it may be valid."""
        return self.reason == "unavailable"

    def challenge(self) -> Challenge:
        """Status and headers of the answer: a challenge for each way in which a token may be sent."""
        if self.is_unavailable:
            return _challenge(503, {"Retry-After": "1"})
        status, error = _status_and_error(self.reason)
        return _challenge(status, {"WWW-Authenticate": ", ".join(self._by(scheme, error) for scheme in self._schemes)})

    def _by(self, scheme: str, error: str | None) -> str:
        value = f'{scheme} realm="{self._realm}"'
        is_of_other = scheme == BEARER and self.reason in PROOF_REASONS
        if error is not None and not is_of_other:
            # The expression may contain quotes, and `scope` says which scopes are needed anyway.
            words = _words_of(self.reason)
            value += f', error="{error}", error_description="{words}"'
        if self.required is not None:
            value += f', scope="{self.required.sufficient()}"'
        if scheme == DPOP:
            value += f', algs="{PROOF_ALGORITHMS}"'
        return value


def _challenge(status: int, headers: dict[str, str]) -> Challenge:
    return Challenge(status, MappingProxyType({**headers, "Cache-Control": "no-store"}))


def _status_and_error(reason: str) -> tuple[int, str | None]:
    if reason in TOKEN_REASONS:
        return 401, "invalid_token"
    if reason in PROOF_REASONS:
        return 401, "invalid_dpop_proof"
    if reason in REQUEST_REASONS:
        return 400, "invalid_request"
    # RFC 6750 §3.1: a caller that sent no token gets no error code.
    return (403, "insufficient_scope") if reason == "insufficient_scope" else (401, None)


_OTHER_WORDS = {
    "no_token": "no bearer token was sent",
    "insufficient_scope": "the token lacks a scope",
    "unavailable": "the token cannot be judged now",
}
_WORDS = {**TOKEN_REASONS, **PROOF_REASONS, **REQUEST_REASONS, **_OTHER_WORDS}


def _words_of(reason: str) -> str:
    return _WORDS[reason]
