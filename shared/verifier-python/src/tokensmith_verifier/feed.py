"""The client of `GET /oauth2/revocations`: a signed list of what was revoked (docs/contract.md of the issuer)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from .claims import is_time
from .jose import VerificationKeys, decoded
from .keys import PublishedKeys
from .reasons import FEED_REASONS, TOKEN_REASONS, Rejected
from .steps import Clock, FetchError, Get, Share, Steps, fetched
from .view import ALWAYS, CLOCK_SKEW_SECONDS, Revocation, RevocationView, hash_of

FEED_TYPE = "tokensmith-revocations+jwt"

# How far a reader goes back each time, so that it misses no revocation: one can appear in the feed that much later than the time that it
# is recorded under.
FEED_OVERLAP_SECONDS = 30

# Bounds the memory that a hostile answer can take.
_MAX_FEED_BYTES = 4 * 1024 * 1024

# How many pages one renewal reads. The next one continues from there. Bounds the work that a hostile answer can cause.
_MAX_PAGES = 1000


@dataclass(frozen=True)
class Revocations:
    """How the feed is followed.

    `interval`: how often it is fetched, in whole seconds; the issuer renews it every 5 s. `max_age`: how old the view may be, by the
    issuer's clock. `when_stale`: what happens when it is older: `fail-closed` answers 503, `fail-open` judges by what is known, so that a
    revoked token may be accepted until it expires.
    """

    interval: int = 5
    max_age: int = 120
    when_stale: Literal["fail-closed", "fail-open"] = "fail-closed"

    def __post_init__(self) -> None:
        if self.interval < 1 or self.max_age < 1:
            raise ValueError("interval and max_age are at least one second")
        if self.when_stale not in ("fail-closed", "fail-open"):
            raise ValueError("when_stale is fail-closed or fail-open")


@dataclass(frozen=True)
class FeedDocument:
    """One answer of the feed. It has every live revocation that was recorded at or after `start` and before `until`."""

    issuer: str
    made_at: int
    expires_at: int
    start: int
    until: int
    more: bool
    entries: tuple[Revocation, ...]


def verified_document(jws: str, keys: VerificationKeys, issuer: str, since: int, now: int) -> tuple[str, FeedDocument]:
    """The key that signed a document, and the document, once it fits the request."""
    key_id, payload = keys.signed_payload(jws, FEED_TYPE)
    document = _parsed(payload)
    if document.issuer != issuer:
        raise Rejected("wrong_issuer")
    if now >= document.expires_at + CLOCK_SKEW_SECONDS:
        raise Rejected("expired")
    if document.made_at > now + CLOCK_SKEW_SECONDS:
        raise Rejected("not_yet_valid")
    if document.start > since:
        raise Rejected("gap")
    if document.until < since or (document.more and document.until == since):
        raise Rejected("no_progress")
    if document.until > document.made_at:
        raise Rejected("from_the_future")
    # Whoever has stolen a key can sign with it. The issuer does not sign with a withdrawn one.
    own_key = hash_of("key", key_id)
    if any(entry.hash == own_key for entry in document.entries):
        raise Rejected("withdrawn_key")
    return key_id, document


def _parsed(payload: dict[str, Any]) -> FeedDocument:
    times = [payload.get(name) for name in ("iat", "exp", "from", "until")]
    more, entries = payload.get("more"), payload.get("entries")
    if type(payload.get("iss")) is not str or not all(map(is_time, times)):
        raise Rejected("malformed")
    if type(more) is not bool or type(entries) is not list:
        raise Rejected("malformed")
    made_at, expires_at, start, until = (int(time or 0) for time in times)
    found = tuple(map(_revocation, entries))
    return FeedDocument(payload["iss"], made_at, expires_at, start, until, more, found)


def _revocation(entry: Any) -> Revocation:
    if type(entry) is not dict:
        raise Rejected("malformed")
    not_before: Any
    ends_at: Any
    until: Any
    kind, text = entry.get("kind"), entry.get("hash")
    not_before, ends_at, until = entry.get("not_before"), entry.get("ends_at"), entry.get("until")
    times = (not_before is None or is_time(not_before)) and (ends_at is None or is_time(ends_at))
    if type(kind) is not str or type(text) is not str or not times or not is_time(until):
        raise Rejected("malformed")
    key = decoded(text)
    if kind in ("token", "grant", "key"):
        fits, end = not_before is None, ALWAYS
    elif kind in ("client", "subject"):
        fits, end = not_before is not None, not_before
    elif kind == "api_key":
        fits, end = not_before is None and ends_at is not None, ends_at
    else:
        # A kind of a later release. It is kept by its hash, and concerns nothing that this release looks up.
        fits, end = True, ALWAYS if not_before is None else not_before
    if not fits or len(key) != 16:
        raise Rejected("malformed")
    return Revocation(key, end, until)


class RevocationFeed:
    """A view that follows the feed of one issuer.

    Nothing has to run between requests, because a function may be frozen then: the request that finds the view overdue renews it.
    Requests that come meanwhile wait for the same fetch, for at most its time limit; after that the policy decides.
    """

    def __init__(self, issuer: str, settings: Revocations, keys: PublishedKeys, clock: Clock, time_limit: float) -> None:
        self.view = RevocationView()
        self._issuer = issuer
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._time_limit = time_limit
        # When the next attempt is due; 0 before the first.
        self.due_at = 0
        # Why the last attempt failed.
        self._failure: str | None = None

    def refresh_if_overdue(self, now: int) -> Steps[None]:
        """Renews the view if that is due. One that is far behind goes on after this request has stopped waiting."""
        if now >= self.due_at:
            yield Share("revocations", lambda: now >= self.due_at, self._refresh, "all", self._time_limit)

    def unavailable(self, now: int) -> str | None:
        """Why the view may not be used, if it may not."""
        as_of = self.view.as_of
        if self._settings.when_stale == "fail-open" or (as_of and now - as_of <= self._settings.max_age):
            return None
        return self.reason

    @property
    def reason(self) -> str:
        """Why the view is not newer."""
        return f"revocations are not available: {self._failure}" if self._failure else "the view of revocations is stale"

    def _refresh(self) -> Steps[None]:
        began = self._clock()
        interval = self._settings.interval
        self._failure, pause = yield from self._caught_up()
        self.due_at = began + max(1, min(interval, interval if pause is None else pause))

    def _caught_up(self) -> Steps[tuple[str | None, int | None]]:
        """Reads pages until there are no more. Says why that failed, if it did, and for how many seconds nothing is to be asked."""
        try:
            fresh_for = yield from self._pages()
        except FetchError as err:
            return f"the revocation feed cannot be read: {err}", None
        except Rejected as err:
            # A key that is about to be published.
            pause = 1 if err.reason == "unknown_key" else None
            words = FEED_REASONS.get(err.reason)
            return words or f"the revocation feed is not accepted: {TOKEN_REASONS[err.reason]}", pause
        return None, fresh_for

    def _pages(self) -> Steps[int | None]:
        since = self._first_cursor()
        fresh_for = None
        for _ in range(_MAX_PAGES):
            key_id, document, fresh_for = yield from self._page(since)
            # Whoever has stolen a key could sign a feed that does not say that it was withdrawn.
            if self.view.not_before(hash_of("key", key_id), self._clock()) is not None:
                raise Rejected("withdrawn_key")
            if document.until < self.view.as_of and not document.more:
                raise Rejected("older")
            self.view.apply(document.entries, document.until)
            if not document.more:
                break
            since = document.until
        return fresh_for

    def _page(self, since: int) -> Steps[tuple[str, FeedDocument, int | None]]:
        url = f"{self._issuer}/oauth2/revocations?since={since}"
        answer = yield from fetched(Get(url, None, _MAX_FEED_BYTES))
        try:
            jws = (answer.body or b"").decode()
        except ValueError:
            raise FetchError("the revocation feed is not text") from None
        now = self._clock()

        def verified(keys: VerificationKeys) -> tuple[str, FeedDocument]:
            return verified_document(jws, keys, self._issuer, since, now)

        key_id, document = yield from self._keys.prove(verified, "feed")
        return key_id, document, answer.headers.fresh_for()

    def _first_cursor(self) -> int:
        """The end of the view minus the overlap, rounded so that verifiers ask for the same documents and a cache on the way can answer
        them.
        """
        since = max(0, self.view.as_of - FEED_OVERLAP_SECONDS)
        return since - since % self._settings.interval
