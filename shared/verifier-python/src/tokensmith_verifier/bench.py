"""What verification costs: `python -m tokensmith_verifier.bench`. Needs no network.

Times are those of the processor, and the median of several rounds, because a machine is seldom quiet. Exits with 1 when a warm `verify` with 100,000 live
revocations takes more than 1.3 times as long as `jwt.decode` alone.
"""

from __future__ import annotations

import hashlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt

from . import Revocations, Verifier
from .jose import encoded
from .testing import SigningKey, TestIssuer
from .view import Revocation, RevocationView

_ALLOWED_RATIO = 1.3


def main() -> int:
    worst = max(_verification(alg) for alg in ("ES256", "EdDSA", "RS256"))
    for entries in (100_000, 1_000_000):
        _memory(entries)
    _start_up()
    print(f"worst ratio: {worst:.2f} (allowed: {_ALLOWED_RATIO})")
    return int(worst > _ALLOWED_RATIO)


def _verification(alg: str) -> float:
    """How many times as long as `jwt.decode` alone a warm `verify` takes. They take turns, so that both meet the same machine."""
    issuer = TestIssuer(alg=alg)
    verifier = Verifier(
        issuer.url, issuer.audience, revocations=Revocations(interval=3600, max_age=7200), client=issuer.client()
    )
    token = issuer.token(scope="orders:read")
    verifier.verify(token)
    assert verifier._core.feed is not None
    verifier._core.feed.view.apply(_revocations(100_000), int(time.time()))
    key = jwt.PyJWK({**issuer.key.jwk, "alg": alg, "kid": issuer.key.kid})

    def decode() -> Any:
        return jwt.decode(token, key, [alg], audience=issuer.audience, issuer=issuer.url)

    ours, theirs, ratios = [], [], []
    for _ in range(15):
        ours.append(_microseconds(lambda: verifier.verify(token), 300))
        theirs.append(_microseconds(decode, 300))
        ratios.append(ours[-1] / theirs[-1])
    ratio = statistics.median(ratios)
    print(
        f"{alg}: verify {statistics.median(ours):.0f} µs, jwt.decode alone {statistics.median(theirs):.0f} µs: {ratio:.2f}"
    )
    return ratio


def _memory(entries: int) -> None:
    view = RevocationView()
    revocations = list(_revocations(entries))
    took = _microseconds(lambda: view.apply(revocations, 1), 1)
    known = [hashlib.sha256(number.to_bytes(8, "big")).digest()[:16] for number in range(0, entries, entries // 1000)]
    rounds = [_microseconds(lambda: [view.not_before(key, 1) for key in known], 10) / len(known) for _ in range(9)]
    print(
        f"{entries:,} revocations: {view.nbytes() / entries:.1f} bytes each, {statistics.median(rounds):.2f} µs for a lookup,"
        f" {took / entries:.1f} µs to add one"
    )


def _revocations(entries: int) -> Iterator[Revocation]:
    for number in range(entries):
        yield Revocation(hashlib.sha256(number.to_bytes(8, "big")).digest()[:16], 0xFFFF_FFFF, 0xFFFF_0000)


def _start_up() -> None:
    """What a new process imports, and what a new verifier does before its first verdict."""
    timed = "import time; t = time.process_time(); import {}; print(1e3 * (time.process_time() - t))"
    for module in ("httpx, jwt, cryptography.hazmat.primitives.asymmetric.rsa", "tokensmith_verifier"):
        command = [sys.executable, "-c", timed.format(module)]
        rounds = [float(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(5)]
        print(f"import {module}: {statistics.median(rounds):.0f} ms")
    issuer = _FullFeed(100_000)
    for count, page in ((0, "an empty feed"), (100_000, "100,000 revocations in ten documents")):
        issuer.count = count
        first = _microseconds(lambda: _first_verdict(issuer), 1) / 1e3
        print(f"first verdict with {page}: {first:.0f} ms, the network not counted")


class _FullFeed(TestIssuer):
    """Its feed has so many revocations, 10,000 in a document. They are signed beforehand."""

    __test__ = False

    def __init__(self, most: int) -> None:
        super().__init__()
        self.count = 0
        now = int(self.clock())
        self._pages = []
        for first in range(0, most, 10_000):
            entries = [_entry(number, now) for number in range(first, first + 10_000)]
            start = now - most // 10_000 + first // 10_000
            page: dict[str, Any] = {"from": 0, "until": start + 1, "more": start + 1 < now, "entries": entries}
            self._pages.append(super().feed(**page))
        self._empty = super().feed()

    def feed(self, since: int = 0, key: SigningKey | None = None, **changed: Any) -> str:
        if not self.count:
            return self._empty
        first = int(self.clock()) - len(self._pages)
        return self._pages[max(0, since - first)]


def _entry(number: int, now: int) -> dict[str, Any]:
    hashed = encoded(hashlib.sha256(number.to_bytes(8, "big")).digest()[:16])
    return {"kind": "token", "hash": hashed, "until": now + 900}


def _first_verdict(issuer: TestIssuer) -> None:
    verifier = Verifier(issuer.url, issuer.audience, client=issuer.client(), clock=issuer.clock)
    verifier.verify(issuer.token())


def _microseconds(work: Callable[[], object], times: int) -> float:
    started = time.process_time()
    for _ in range(times):
        work()
    return 1e6 * (time.process_time() - started) / times


if __name__ == "__main__":
    sys.exit(main())
