"""An issuer inside a test: its keys, tokens, proofs, revocations and clock. Nothing of it touches the network.

    issuer = TestIssuer()
    verifier = Verifier(issuer.url, "https://api.example", client=issuer.client(), clock=issuer.clock)
    claims = verifier.verify(issuer.token(scope="orders:read"))
"""

from __future__ import annotations

import hashlib
import itertools
import json
import time
import uuid
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from .feed import FEED_TYPE
from .jose import encoded, thumbprint
from .view import ALWAYS, hash_of


class SigningKey:
    """A key pair: of the issuer, or of a caller who makes proofs."""

    def __init__(self, alg: str = "ES256") -> None:
        """`alg` is `RS256`, `PS256`, `ES256`, `ES384` or `EdDSA`."""
        self.alg = alg
        self._private: Any
        algorithm: Any = jwt.get_algorithm_by_name(alg)
        if alg in ("RS256", "PS256"):
            self._private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        elif alg == "EdDSA":
            self._private = ed25519.Ed25519PrivateKey.generate()
        else:
            self._private = ec.generate_private_key(ec.SECP256R1() if alg == "ES256" else ec.SECP384R1())
        jwk: dict[str, Any] = json.loads(algorithm.to_jwk(self._private.public_key()))
        jwk.pop("key_ops", None)
        self.jwk = jwk
        """The public key."""
        self.kid = thumbprint(jwk)
        """Its RFC 7638 thumbprint: the `kid` of an issuer's key, the `cnf.jkt` of a caller's."""

    def sign(self, claims: dict[str, Any], header: dict[str, Any]) -> str:
        # Whatever the claims are: a test may need an issuer that says what no issuer should.
        return jwt.api_jws.encode(json.dumps(claims).encode(), self._private, self.alg, header)

    def proof(self, method: str, url: str, token: str, **claims: Any) -> str:
        """A DPoP proof for a request (RFC 9449 §4.2)."""
        ath = encoded(hashlib.sha256(token.encode()).digest())
        made = {"jti": uuid.uuid4().hex, "htm": method, "htu": url, "ath": ath, "iat": int(time.time()), **claims}
        return self.sign(made, {"typ": "dpop+jwt", "jwk": self.jwk})


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds


class TestIssuer:
    """An issuer with one key. Its answers are those of the real one: keys with `max-age=300`, and a signed feed."""

    # For pytest: it is no test.
    __test__ = False

    def __init__(
        self, url: str = "https://issuer.test", audience: str = "https://api.example", alg: str = "ES256"
    ) -> None:
        self.url = url
        self.audience = audience
        self.clock = Clock(int(time.time()))
        self.is_down = False
        """Set it, and no request is answered."""
        self.requests: list[httpx.Request] = []
        """What was asked of it."""
        self._key = SigningKey(alg)
        self._published = [self._key]
        self._entries: list[tuple[int, dict[str, Any]]] = []
        self._ids = itertools.count()

    def client(self) -> httpx.Client:
        """For a `Verifier`."""
        return httpx.Client(transport=self.transport())

    def async_client(self) -> httpx.AsyncClient:
        """For an `AsyncVerifier`."""
        return httpx.AsyncClient(transport=self.transport())

    def transport(self) -> httpx.MockTransport:
        """For a client of your own."""
        return httpx.MockTransport(self._answer)

    def token(self, key: SigningKey | None = None, typ: str = "at+jwt", **claims: Any) -> str:
        """An access token; each claim replaces that of the same name, and `None` removes it."""
        now = int(self.clock())
        standard = {
            "iss": self.url,
            "sub": "alice",
            "aud": self.audience,
            "client_id": "app",
            "iat": now,
            "exp": now + 900,
            "jti": f"token-{next(self._ids)}",
            "grant_id": "grant",
        }
        chosen = {name: value for name, value in {**standard, **claims}.items() if value is not None}
        signing = key or self._key
        return signing.sign(chosen, {"typ": typ, "kid": signing.kid})

    def bound_token(self, caller: SigningKey, **claims: Any) -> str:
        """An access token that is bound to a caller's key (RFC 9449 §6)."""
        return self.token(cnf={"jkt": caller.kid}, **claims)

    def proof(self, caller: SigningKey, method: str, url: str, token: str, **claims: Any) -> str:
        """A proof of that caller, by the issuer's clock."""
        return caller.proof(method, url, token, **{"iat": int(self.clock()), **claims})

    def rotate_key(self, alg: str = "ES256") -> SigningKey:
        """Signs with a new key from now on. Old ones stay published."""
        self._key = SigningKey(alg)
        self._published = [*self._published, self._key]
        return self._key

    def unpublish(self, key: SigningKey) -> None:
        self._published = [one for one in self._published if one is not key]

    @property
    def key(self) -> SigningKey:
        """What tokens and the feed are signed with."""
        return self._key

    def revoke_token(self, jti: str) -> None:
        self._revoke("token", jti)

    def revoke_grant(self, grant_id: str) -> None:
        self._revoke("grant", grant_id)

    def revoke_client(self, client_id: str, not_before: int | None = None) -> None:
        """Tokens of the client that were issued up to now, or to `not_before`."""
        self._revoke("client", client_id, not_before=int(self.clock()) if not_before is None else not_before)

    def revoke_subject(self, subject: str, not_before: int | None = None) -> None:
        """Tokens of the subject that were issued up to now, or to `not_before`."""
        self._revoke("subject", subject, not_before=int(self.clock()) if not_before is None else not_before)

    def end_api_key(self, key_id: str, ends_at: int = 0) -> None:
        """An API key, with the tokens that it was exchanged for; 0 is at once."""
        self._revoke("api_key", key_id, ends_at=ends_at)

    def withdraw_key(self, kid: str) -> None:
        """A signing key, with all that it has signed."""
        self._revoke("key", kid)

    def revoke(self, entry: dict[str, Any]) -> None:
        """Puts an entry into the feed as it is."""
        self._entries.append((int(self.clock()), entry))

    def feed(self, since: int = 0, key: SigningKey | None = None, **changed: Any) -> str:
        """A document of the feed; `changed` replaces members of its payload."""
        now = int(self.clock())
        entries = [entry for recorded_at, entry in self._entries if recorded_at >= since]
        document = {"iss": self.url, "iat": now, "exp": now + 60, "from": since, "until": now, "more": False}
        signing = key or self._key
        return signing.sign({**document, "entries": entries, **changed}, {"typ": FEED_TYPE, "kid": signing.kid})

    def jwks(self) -> dict[str, Any]:
        """What is published at `/.well-known/jwks.json`."""
        return {"keys": [{**key.jwk, "kid": key.kid, "alg": key.alg, "use": "sig"} for key in self._published]}

    def _revoke(self, kind: str, name: str, **times: int) -> None:
        until = int(self.clock()) + 24 * 60 * 60
        hashed = encoded(hash_of(kind.replace("_", " "), name))
        self.revoke({"kind": kind, "hash": hashed, "until": min(until, ALWAYS), **times})

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.is_down:
            raise httpx.ConnectError("the issuer is down", request=request)
        if request.url.path == "/.well-known/jwks.json":
            body = json.dumps(self.jwks())
            etag = f'"{hashlib.sha256(body.encode()).hexdigest()}"'
            headers = {"Cache-Control": "public, max-age=300", "ETag": etag}
            if request.headers.get("If-None-Match") == etag:
                return httpx.Response(304, headers=headers)
            return httpx.Response(200, headers=headers, text=body)
        if request.url.path == "/oauth2/revocations":
            feed = self.feed(int(request.url.params.get("since", "0")))
            return httpx.Response(200, headers={"Cache-Control": "public, max-age=5"}, text=feed)
        return httpx.Response(404)
