"""The issuer's published keys, from a URL. They are kept while they are fresh, renewed by one fetch at a time, and still used during an
outage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from .caching import CacheHeaders
from .jose import VerificationKeys
from .reasons import Rejected
from .steps import Clock, FetchError, Get, Share, Steps, fetched

# The issuer's own `max-age`, for when a proxy has removed `Cache-Control`.
_DEFAULT_LIFETIME = 300

# So that keys are not fetched for every request, whatever `Cache-Control` says.
_MIN_LIFETIME = 30

# Well below the two hours for which a new key is published before it signs.
_MAX_LIFETIME = 3600

# The least time between two fetches for unknown keys of tokens, and between two attempts to renew while there are keys. Bounds the
# fetches that made-up key names can cause.
_COOLDOWN = 30

# How long keys are used without an answer of the issuer. Bounds how long a withdrawn key is accepted when an attacker blocks the fetch.
_MAX_AGE = 24 * 60 * 60

# The pause between two fetches because the feed names an unknown key.
_PAUSE_FOR_FEED = 1

# The pause between two attempts while there are no keys and no request can be answered.
_PAUSE_WITHOUT_KEYS = 1

# How long anybody waits for a fetch, in seconds: its own time limit, and some more. Looking up a host has no limit of its own.
_LONGEST_WAIT = 3.0

# Far more than the keys of one issuer need. Bounds the memory that a wrong or hostile answer can take.
_MAX_JWKS_BYTES = 64 * 1024

# What names a key. Anybody can make up tokens with unknown keys. The feed is signed by a new key as soon as an old one is withdrawn, and
# such tokens must not delay that it is believed.
Source = Literal["token", "feed"]

T = TypeVar("T")


@dataclass(frozen=True)
class _FetchedKeys:
    keys: VerificationKeys
    etag: str | None
    confirmed_at: int
    lifetime: int

    def age(self, now: int) -> int:
        return max(0, now - self.confirmed_at)

    def confirmed(self, headers: CacheHeaders, asked_at: int) -> _FetchedKeys:
        """The same keys, confirmed by a 304."""
        return replace(self, confirmed_at=asked_at, lifetime=_lifetime(headers))


def _lifetime(headers: CacheHeaders) -> int:
    said = headers.fresh_for()
    return min(max(_DEFAULT_LIFETIME if said is None else said, _MIN_LIFETIME), _MAX_LIFETIME)


class PublishedKeys:
    """The keys of one issuer. Attributes are replaced as a whole, so that any thread can read them."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._good: _FetchedKeys | None = None
        # The last attempt, when it failed.
        self._failed: tuple[int, FetchError] | None = None
        self._sought_at: dict[Source, int] = {}

    def prove(self, check: Callable[[VerificationKeys], T], source: Source) -> Steps[T]:
        """Checks a signature with the current keys; if it names a key that is not among them, once more with newer keys.

        Raises a `FetchError` when there are no keys to check with, and what the check raises.
        """
        good = self._good
        # Almost every time.
        keys = good.keys if good is not None and good.age(self._clock()) < good.lifetime else (yield from self._current())
        try:
            return check(keys)
        except Rejected as err:
            if err.reason != "unknown_key":
                raise
        newer = yield from self._newer_than(keys, source)
        return check(newer)

    def fetched(self) -> Steps[None]:
        """Makes sure that there are keys. Raises a `FetchError` when there are none, and none can be fetched."""
        yield from self._current()

    def _current(self) -> Steps[VerificationKeys]:
        """Keys that are no longer fresh are renewed in the background. A function that is frozen between requests may never finish that,
        so when keys are older than two lifetimes, the request that starts the renewal waits for it.
        """
        now = self._clock()
        good = self._usable(now)
        if good is None:
            yield self._renewal(now, "all")
        elif good.age(now) < good.lifetime:
            return good.keys
        else:
            is_frozen = good.age(now) >= 2 * good.lifetime
            yield self._renewal(now, "starter" if is_frozen else "nobody")
            if not is_frozen:
                return good.keys
        usable = self._usable(self._clock())
        if usable is None:
            raise self._failure()
        return usable.keys

    def _newer_than(self, seen: VerificationKeys, source: Source) -> Steps[VerificationKeys]:
        """The keys to use after something named one that is not in `seen`. However many such tokens come, they cause one fetch in each
        cooldown. After a failure it is unknown whether the key exists.
        """
        now = self._clock()
        pause = _COOLDOWN if source == "token" else _PAUSE_FOR_FEED

        def needed() -> bool:
            holds_seen = self._good is not None and self._good.keys is seen
            return holds_seen and _is_past(self._sought_at.get(source), pause, now)

        yield Share("keys", needed, lambda: self._refresh(source), "all", _LONGEST_WAIT)
        if self._good is not None and self._good.keys is not seen:
            return self._good.keys
        if self._failed is not None:
            raise self._failure()
        if needed():
            raise FetchError("no answer within the time limit")
        return seen

    def _renewal(self, now: int, waits: Literal["all", "starter", "nobody"]) -> Share:
        def needed() -> bool:
            good = self._usable(now)
            if good is not None and good.age(now) < good.lifetime:
                return False
            failed_at = None if self._failed is None else self._failed[0]
            return _is_past(failed_at, _PAUSE_WITHOUT_KEYS if good is None else _COOLDOWN, now)

        return Share("keys", needed, lambda: self._refresh(None), waits, _LONGEST_WAIT)

    def _refresh(self, sought_for: Source | None) -> Steps[None]:
        try:
            found = yield from self._load()
        except FetchError as err:
            self._failed = (self._clock(), err)
        else:
            self._good, self._failed = found, None
        if sought_for is not None:
            self._sought_at[sought_for] = self._clock()

    def _load(self) -> Steps[_FetchedKeys]:
        # The time of the request. The answer is no older than this.
        asked_at = self._clock()
        known = self._good
        answer = yield from fetched(Get(self._url, known.etag if known else None, _MAX_JWKS_BYTES))
        if answer.body is None and known is not None:
            return known.confirmed(answer.headers, asked_at)
        try:
            keys = VerificationKeys(answer.body or b"")
        except ValueError as err:
            raise FetchError(str(err)) from None
        return _FetchedKeys(keys, answer.headers.etag, asked_at, _lifetime(answer.headers))

    def _usable(self, now: int) -> _FetchedKeys | None:
        good = self._good
        return good if good is not None and good.age(now) < _MAX_AGE else None

    def _failure(self) -> FetchError:
        # If no failure was recorded, the fetch ended together with its event loop or process.
        return self._failed[1] if self._failed is not None else FetchError("the keys were never fetched")


def _is_past(moment: int | None, pause: int, now: int) -> bool:
    return moment is None or now >= moment + pause
