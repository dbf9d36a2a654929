"""The order in which a request is judged (RFC 9068 §4, RFC 9449 §7.1): the one place where the rules meet. It does no I/O itself: see
`steps`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Literal

from .bearer import Values, sent_token
from .claims import Claims, checked
from .dpop import SeenProofs, sent_proof
from .feed import RevocationFeed, Revocations
from .jose import MAX_TOKEN_BYTES, VerificationKeys
from .keys import PublishedKeys
from .reasons import Rejected
from .refusal import BEARER, DPOP, Refusal
from .scopes import RequiredScopes
from .steps import Clock, FetchError, Steps
from .urls import is_origin, is_protected, is_same_resource
from .view import CLOCK_SKEW_SECONDS, ended_by

ACCESS_TOKEN_TYPE = "at+jwt"

_SCHEMES: dict[object, tuple[str, ...]] = {False: (BEARER,), "optional": (DPOP, BEARER), "required": (DPOP,)}

Dpop = Literal[False, "optional", "required"]


def required_scopes(scopes: str | RequiredScopes) -> RequiredScopes:
    """Parsed once for each text."""
    return scopes if isinstance(scopes, RequiredScopes) else _parsed_scopes(scopes)


_parsed_scopes = lru_cache(maxsize=1024)(RequiredScopes)


class Core:
    """Keys, revocations and rules of one resource server."""

    def __init__(
        self,
        issuer: str,
        audience: str | Iterable[str],
        jwks_url: str | None,
        revocations: Revocations | None,
        dpop: Dpop,
        clock: Clock,
        on_refusal: Callable[[Refusal], object] | None,
        time_limit: float,
    ) -> None:
        self.issuer = issuer.removesuffix("/")
        self.audiences = (audience,) if isinstance(audience, str) else tuple(audience)
        jwks_url = f"{self.issuer}/.well-known/jwks.json" if jwks_url is None else jwks_url
        self._check_configuration(jwks_url, dpop)
        self.schemes = _SCHEMES[dpop]
        self.clock = clock
        self._on_refusal = on_refusal
        self._keys = PublishedKeys(jwks_url, clock)
        self.feed: RevocationFeed | None = None
        if revocations is not None:
            self.feed = RevocationFeed(self.issuer, revocations, self._keys, clock, time_limit)
        self._seen = SeenProofs()

    def _check_configuration(self, jwks_url: str, dpop: object) -> None:
        if not is_origin(self.issuer):
            raise ValueError("an issuer URL is https://HOST[:PORT] without path or query (http only on loopback)")
        if not self.audiences:
            raise ValueError("an audience is required")
        if not all(map(_is_audience, self.audiences)):
            raise ValueError("an audience is printable ASCII without space, quote or backslash")
        if not is_protected(jwks_url):
            raise ValueError("the URL of the keys is neither https nor http on loopback")
        if dpop not in _SCHEMES:
            raise ValueError("dpop is False, 'optional' or 'required'")

    def verify(self, token: str) -> Steps[Claims]:
        """The claims of a bearer token."""
        try:
            return (yield from self._bearer(token))
        except (Rejected, Refusal) as err:
            raise self._refused(err) from None

    def authorize(
        self,
        authorization: Values,
        proofs: Values,
        method: str | None,
        url: str | None,
        scopes: str | RequiredScopes,
    ) -> Steps[Claims]:
        """Takes token and proof from the values of all headers of a request, verifies both, and checks the token's scopes."""
        required = required_scopes(scopes)
        if DPOP in self.schemes and (method is None or url is None):
            raise TypeError("with dpop, method and url of the request are needed")
        try:
            scheme, token = sent_token(authorization)
            if (DPOP if scheme == "dpop" else BEARER) not in self.schemes:
                raise Rejected("no_token")
            if scheme == "dpop":
                claims = yield from self._bound(token, proofs, method or "", url or "")
            else:
                claims = yield from self._bearer(token)
            if not required.are_met_by(claims.scopes):
                raise Refusal("insufficient_scope", detail=f"the token lacks a scope: {required}", required=required)
            return claims
        except (Rejected, Refusal) as err:
            raise self._refused(err) from None

    def ready(self) -> Steps[None]:
        """Fetches keys and revocations, so that the first request waits for neither. Refused when no token could be judged now."""
        try:
            yield from self._keys.fetched()
        except FetchError as err:
            raise self._refused(_without_keys(err)) from None
        yield from self.refresh()
        if self.feed is not None and not self.feed.view.as_of:
            raise self._refused(Refusal("unavailable", detail=self.feed.reason))

    def refresh(self) -> Steps[None]:
        """Renews the view of revocations if that is due."""
        if self.feed is not None:
            yield from self.feed.refresh_if_overdue(self.clock())

    def staleness(self) -> int | None:
        """The age of the view of revocations in seconds; `None` without the feed, and before its first answer."""
        if self.feed is None or not self.feed.view.as_of:
            return None
        return max(0, self.clock() - self.feed.view.as_of)

    def _bearer(self, token: str) -> Steps[Claims]:
        claims = yield from self._judge(token)
        if "cnf" in claims:
            raise Rejected("bound_to_key")
        return Claims(claims)

    def _bound(self, token: str, proofs: Values, method: str, url: str) -> Steps[Claims]:
        """RFC 9449 §4.3, §7.1. The proof is noted last, so that what is refused uses up nothing."""
        now = self.clock()
        proof = sent_proof(proofs)
        proof.check(method, url, token, now)
        claims = yield from self._judge(token)
        if "cnf" not in claims:
            raise Rejected("not_bound")
        if claims["cnf"]["jkt"] != proof.key:
            raise Rejected("proof_by_another_key")
        if not self._seen.note(proof, now):
            raise Rejected("proof_replayed")
        return Claims(claims)

    def _judge(self, token: str) -> Steps[dict[str, Any]]:
        """The claims of a live token, however it was sent: its form, its type, its key, its signature, and only then what it says."""
        # A longer text is longer in bytes too.
        if len(token) > MAX_TOKEN_BYTES or len(token.encode("utf-8", "surrogatepass")) > MAX_TOKEN_BYTES:
            raise Rejected("too_long")

        def signed(keys: VerificationKeys) -> tuple[str, dict[str, Any]]:
            return keys.signed_payload(token, ACCESS_TOKEN_TYPE)

        try:
            key_id, payload = yield from self._keys.prove(signed, "token")
        except FetchError as err:
            raise _without_keys(err) from None
        claims = checked(payload)
        now = self.clock()
        # A token that is refused for its claims, such as an expired one, needs no lookup of revocations.
        self._check(claims, now)
        if self.feed is not None:
            if now >= self.feed.due_at:
                yield from self.feed.refresh_if_overdue(now)
            unavailable = self.feed.unavailable(now)
            if unavailable is not None:
                raise Refusal("unavailable", detail=unavailable)
            ended = ended_by(claims, key_id, self.feed.view, now)
            if ended is not None:
                raise Rejected(ended)
        return claims

    def _check(self, claims: dict[str, Any], now: int) -> None:
        """Issuer, audience, expiry and start (RFC 9068 §4)."""
        if claims["iss"] != self.issuer:
            raise Rejected("wrong_issuer")
        audience = claims["aud"]
        named = (audience,) if type(audience) is str else audience
        if not any(is_same_resource(one, own) for one in named for own in self.audiences):
            raise Rejected("wrong_audience")
        if now >= claims["exp"] + CLOCK_SKEW_SECONDS:
            raise Rejected("expired")
        if max(claims["iat"], claims.get("nbf") or 0) > now + CLOCK_SKEW_SECONDS:
            raise Rejected("not_yet_valid")

    def _refused(self, err: Rejected | Refusal) -> Refusal:
        """With what a challenge names: the first audience, and the ways in which a token may be sent."""
        detail = str(err) if isinstance(err, Refusal) else None
        required = err.required if isinstance(err, Refusal) else None
        refusal = Refusal(err.reason, detail=detail, required=required, realm=self.audiences[0], schemes=self.schemes)
        if self._on_refusal is not None:
            self._on_refusal(refusal)
        return refusal


def _without_keys(err: FetchError) -> Refusal:
    return Refusal("unavailable", detail=f"the issuer's keys are not available: {err}")


def _is_audience(text: str) -> bool:
    """Whether the text can stand between quotes in a challenge."""
    return text != "" and all("!" <= character <= "~" and character not in '"\\' for character in text)
