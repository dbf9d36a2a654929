"""The claims of an access token (RFC 9068 §2.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .reasons import Rejected

_KNOWN = frozenset(
    ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "client_id", "scope", "grant_id", "act", "cnf", "parents")
)

# Above it nothing is a time, for the Rust verifier either.
_LARGEST = 2**64 - 1


class Claims:
    """The claims of an access token that was verified. Only a verifier makes them."""

    __slots__ = ("_claims",)

    def __init__(self, claims: dict[str, Any]) -> None:
        self._claims = claims

    @property
    def issuer(self) -> str:
        """`iss`: the issuer URL."""
        return str(self._claims["iss"])

    @property
    def subject(self) -> str:
        """`sub`: the subject of the token; the client itself where no user is involved."""
        return str(self._claims["sub"])

    @property
    def client_id(self) -> str:
        """`client_id`: the client that the token was issued to."""
        return str(self._claims["client_id"])

    @property
    def audiences(self) -> tuple[str, ...]:
        """`aud`: all resources that the token is for; this one is among them."""
        audience = self._claims["aud"]
        return (audience,) if isinstance(audience, str) else tuple(audience)

    @property
    def expires_at(self) -> int:
        """`exp`, in seconds since 1970."""
        return int(self._claims["exp"])

    @property
    def issued_at(self) -> int:
        """`iat`, in seconds since 1970."""
        return int(self._claims["iat"])

    @property
    def token_id(self) -> str:
        """`jti`: the token's unique id."""
        return str(self._claims["jti"])

    @property
    def grant_id(self) -> str | None:
        """`grant_id`: the grant that the token comes from; none with `client_credentials`."""
        return self._claims.get("grant_id")

    @property
    def api_key_id(self) -> str | None:
        """The public id of the API key that the token was exchanged for, if it was, directly or in steps."""
        return next((parent["key"] for parent in self.parents if "key" in parent), None)

    @property
    def actors(self) -> tuple[str, ...]:
        """`act`: everybody who acts for the subject, the current actor first. Access is decided by the subject and the current actor;
        those before are for the record (RFC 8693 §4.1).
        """
        return actors(self._claims)

    @property
    def parents(self) -> tuple[Mapping[str, str], ...]:
        """`parents`: what the token was exchanged for, the oldest first. It ends with each of these."""
        return tuple(self._claims.get("parents", ()))

    @property
    def key_thumbprint(self) -> str | None:
        """`cnf.jkt`: the key that the token is bound to, if it is (RFC 9449 §6.1)."""
        confirmation = self._claims.get("cnf")
        return None if confirmation is None else confirmation["jkt"]

    @property
    def scopes(self) -> tuple[str, ...]:
        """The granted scopes."""
        return tuple(scope for scope in (self._claims.get("scope") or "").split(" ") if scope)

    def has_scope(self, scope: str) -> bool:
        """Whether `scope` was granted."""
        return scope in self.scopes

    def get(self, name: str, default: Any = None) -> Any:
        """A claim that has no property of its own here: one that the operator of the issuer has given the client."""
        return default if name in _KNOWN else self._claims.get(name, default)

    def to_dict(self) -> dict[str, Any]:
        """All claims, as the token has them."""
        return dict(self._claims)

    def __repr__(self) -> str:
        return f"Claims(subject={self.subject!r}, client_id={self.client_id!r}, scopes={self.scopes!r})"


def checked(claims: dict[str, Any]) -> dict[str, Any]:
    """Claims that have the form of an access token's; otherwise they are `malformed`."""
    texts = all(type(claims.get(name)) is str for name in ("iss", "sub", "jti", "client_id"))
    optional = all(type(claims.get(name, "")) is str or claims[name] is None for name in ("scope", "grant_id"))
    times = is_time(claims.get("exp")) and is_time(claims.get("iat"))
    start = claims.get("nbf") is None or is_time(claims["nbf"])
    if not (texts and optional and times and start and _is_audience(claims.get("aud"))):
        raise Rejected("malformed")
    if claims.get("act") is not None:
        _check_actor(claims["act"])
    # A verifier that does not know a member of these two does not know what else to check, so it refuses the token.
    if "cnf" in claims and not _has_texts(claims["cnf"], {"jkt"}, set()):
        raise Rejected("malformed")
    if "parents" in claims:
        parents = claims["parents"]
        if type(parents) is not list or not all(map(_is_parent, parents)):
            raise Rejected("malformed")
    return claims


def is_time(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def actors(claims: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    act = claims.get("act")
    while act is not None:
        found.append(act["sub"])
        act = act.get("act")
    return tuple(found)


def _is_audience(audience: object) -> bool:
    if type(audience) is list:
        return all(type(one) is str for one in audience)
    return type(audience) is str


def _check_actor(act: Any) -> None:
    while act is not None:
        if type(act) is not dict or type(act.get("sub")) is not str:
            raise Rejected("malformed")
        act = act.get("act")


def _is_parent(parent: object) -> bool:
    return _has_texts(parent, {"key"}, set()) or _has_texts(parent, {"jti", "client_id"}, {"grant_id", "kid"})


def _has_texts(value: object, required: set[str], optional: set[str]) -> bool:
    """Whether it is an object with these members and no others, all of them texts; optional ones may be null."""
    if type(value) is not dict or not required <= value.keys() <= required | optional:
        return False
    return all(type(text) is str or (text is None and name in optional) for name, text in value.items())
