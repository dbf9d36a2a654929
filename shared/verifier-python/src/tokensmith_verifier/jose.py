"""JOSE beneath tokens and proofs: a signed object before anybody has verified it, and the public keys that can."""

from __future__ import annotations

import hashlib
import json
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

from .reasons import Rejected

# Bounds the work that a hostile token can cause; the issuer never makes a longer one.
MAX_TOKEN_BYTES = 8192

# As deep as the Rust verifier reads, so that both accept the same.
_MAX_JSON_DEPTH = 127

# RFC 7518 §3.3: at least 2,048 bits. The upper end bounds the time that a hostile key can make each verification take.
_RSA_BITS = range(2048, 8193)

_KINDS = {"RS256": "RSA", "PS256": "RSA", "ES256": "P-256", "ES384": "P-384", "EdDSA": "Ed25519"}

# RFC 9864 §2.2 gave EdDSA with Ed25519 a name of its own, which newer libraries use.
_ED25519 = "Ed25519"

_VERIFY = {name: algorithm.verify for name, algorithm in get_default_algorithms().items() if name in _KINDS}

# 4,096 bits in base64url. Whoever brings a key chooses what its verification costs: this bounds it, as nobody has registered the key.
_LONGEST_MODULUS = 683

# The members of private and symmetric keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
_SECRET = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

# RFC 7638 §3.2, RFC 8037 §2.
_THUMBPRINT_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}


def decoded(text: str) -> bytes:
    """The bytes of base64url without padding. Only one text stands for them: Python's decoder alone would skip what it does not know."""
    try:
        found = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if encoded(found) == text:
            return found
    except ValueError:
        pass
    raise Rejected("malformed")


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """RFC 7519 §4: of two members with one name, two parsers could believe different ones."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is repeated")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("the number is too large")
    return number


_JSON = json.JSONDecoder(object_pairs_hook=_without_repetition, parse_constant=_no_constant, parse_float=_finite)


def parsed_object(data: bytes) -> dict[str, Any]:
    """The JSON object in `data`; otherwise it is `malformed`."""
    try:
        text = data.decode()
        if text.count("[") + text.count("{") > _MAX_JSON_DEPTH and _depth(text) > _MAX_JSON_DEPTH:
            raise ValueError("nested too deeply")
        value = _JSON.decode(text)
        if "\\u" in text:
            # Half of a surrogate pair is no text, and could not be hashed.
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Rejected("malformed") from None
    if type(value) is not dict:
        raise Rejected("malformed")
    return value


def _depth(text: str) -> int:
    depth = deepest = 0
    quoted = escaped = False
    for character in text:
        if quoted:
            quoted = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


class UnverifiedJws:
    """The parts of a JWS in compact form (RFC 7515 §7.1). Nothing of it is verified."""

    __slots__ = ("alg", "jwk", "kid", "_payload", "signature", "signed", "_typ")

    def __init__(self, token: str) -> None:
        signed, first, signature = token.rpartition(".")
        header, second, payload = signed.partition(".")
        if not first or not second or "." in payload:
            raise Rejected("malformed")
        self.signature = decoded(signature)
        members = parsed_object(decoded(header))
        self.alg: Any = members.get("alg")
        self.kid: Any = members.get("kid")
        self._typ: Any = members.get("typ")
        self.jwk: Any = members.get("jwk")
        optional = (self.kid is None or type(self.kid) is str) and (self._typ is None or type(self._typ) is str)
        if type(self.alg) is not str or not optional or not (self.jwk is None or type(self.jwk) is dict):
            raise Rejected("malformed")
        if members.get("crit") is not None:
            raise Rejected("unsupported_header")
        self.signed = signed.encode("utf-8", "surrogatepass")
        self._payload = payload

    def has_type(self, expected: str) -> bool:
        """Whether `typ` is `expected`, with or without the prefix `application/` (RFC 7515 §4.1.9); media types ignore case."""
        typ = self._typ
        if typ is None or not typ.isascii():
            return False
        return bool(typ.lower().removeprefix("application/") == expected)

    def payload(self) -> dict[str, Any]:
        """The payload as JSON. Until the signature was verified, nothing may be decided by it."""
        return parsed_object(decoded(self._payload))


class PublicKey:
    """A public key with the algorithms that it verifies."""

    __slots__ = ("_algorithms", "_key")

    def __init__(self, jwk: dict[str, Any]) -> None:
        """Raises ValueError when it is not for signatures (RFC 7517 §4.2), names an algorithm that is none of ours or that its type
        does not fit, or its members are not a key.
        """
        if jwk.get("use") not in (None, "sig"):
            raise ValueError("the key is not for signatures")
        kind = jwk.get("crv") if jwk.get("kty") in ("EC", "OKP") else jwk.get("kty")
        only = jwk.get("alg")
        fitting = [name for name in _KINDS if _KINDS[name] == kind and only in (None, name)]
        if not fitting or type(jwk.get("kid", "")) is not str:
            raise ValueError("the key has no algorithm of ours")
        try:
            self._key = _parsed_key(jwk, str(kind))
        except (Rejected, UnsupportedAlgorithm, TypeError) as err:
            raise ValueError("the members are not a key") from err
        # The key decides: what it names is the only one, and otherwise its type says which there are (RFC 8725 §3.1).
        self._algorithms = {name: _VERIFY[name] for name in fitting}
        if "EdDSA" in self._algorithms:
            self._algorithms[_ED25519] = _VERIFY["EdDSA"]

    def verify(self, jws: UnverifiedJws) -> None:
        """The header's `alg` must be one of the key's, so that an attacker cannot choose a weaker one."""
        verify = self._algorithms.get(jws.alg)
        if verify is None:
            raise Rejected("wrong_algorithm")
        if not verify(jws.signed, self._key, jws.signature):
            raise Rejected("bad_signature")


def _parsed_key(jwk: dict[str, Any], kind: str) -> Any:
    if kind == "RSA":
        n, e = decoded(jwk.get("n", "")), decoded(jwk.get("e", ""))
        # One key has one spelling, and so one thumbprint.
        if n[:1] in (b"", b"\0") or e[:1] in (b"", b"\0"):
            raise ValueError("the number has a leading zero")
        modulus = int.from_bytes(n, "big")
        if modulus.bit_length() not in _RSA_BITS:
            raise ValueError("the modulus has another length than allowed")
        return rsa.RSAPublicNumbers(int.from_bytes(e, "big"), modulus).public_key()
    if kind == "Ed25519" and jwk["kty"] == "OKP":
        return ed25519.Ed25519PublicKey.from_public_bytes(decoded(jwk.get("x", "")))
    curves: dict[str, tuple[ec.EllipticCurve, int]] = {"P-256": (ec.SECP256R1(), 32), "P-384": (ec.SECP384R1(), 48)}
    if jwk["kty"] != "EC" or kind not in curves:
        raise ValueError("the type does not have this curve")
    curve, length = curves[kind]
    x, y = decoded(jwk.get("x", "")), decoded(jwk.get("y", ""))
    if (len(x), len(y)) != (length, length):
        raise ValueError("a coordinate has another length than its curve demands")
    return ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\x04" + x + y)


def own_key(jws: UnverifiedJws) -> tuple[PublicKey, str]:
    """The key that somebody has put into the header of what they sign (RFC 7515 §4.1.3), and its thumbprint (RFC 7638): who it is.

    It is refused when it is private or symmetric, longer than anybody needs, or cannot be used.
    """
    jwk = jws.jwk
    modulus = (jwk or {}).get("n", "")
    if jwk is None or _SECRET & jwk.keys() or (type(modulus) is str and len(modulus) > _LONGEST_MODULUS):
        raise Rejected("unknown_key")
    if jwk.get("alg") == _ED25519:
        jwk = {**jwk, "alg": "EdDSA"}
    try:
        key = PublicKey(jwk)
    except ValueError:
        raise Rejected("unknown_key") from None
    return key, thumbprint(jwk)


def thumbprint(jwk: dict[str, Any]) -> str:
    """RFC 7638: SHA-256 over the required members in lexical order."""
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True)
    return encoded(hashlib.sha256(canonical.encode()).digest())


# What tokensmith signs with. It never calls EdDSA Ed25519.
_ISSUER_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")


class VerificationKeys:
    """The published keys of an issuer, parsed once and ready to verify."""

    __slots__ = ("_keys",)

    def __init__(self, document: bytes) -> None:
        """Ignores keys of an unknown algorithm, type or use (RFC 7517 §5). Raises ValueError when there is none of ours, or the
        document is not a JWK Set.
        """
        self._keys: dict[str, PublicKey] = {}
        try:
            published = parsed_object(document).get("keys")
        except Rejected:
            published = None
        for jwk in published if type(published) is list else []:
            named = type(jwk) is dict and type(jwk.get("kid")) is str
            if not named or jwk.get("use") != "sig" or jwk.get("alg") not in _ISSUER_ALGORITHMS:
                continue
            try:
                self._keys[jwk["kid"]] = PublicKey(jwk)
            except ValueError:
                continue
        if not self._keys:
            raise ValueError("the key set has no key that can be used")

    def signed_payload(self, token: str, typ: str) -> tuple[str, dict[str, Any]]:
        """The key that has signed a JWS of this type, and the payload. Claims are not judged yet."""
        jws = UnverifiedJws(token)
        if jws.jwk is not None:
            raise Rejected("unsupported_header")
        if not jws.has_type(typ):
            raise Rejected("wrong_type")
        key = self._keys.get(jws.kid) if jws.kid is not None else None
        if key is None:
            raise Rejected("unknown_key")
        if jws.alg not in _ISSUER_ALGORITHMS:
            raise Rejected("wrong_algorithm")
        key.verify(jws)
        return jws.kid, jws.payload()
