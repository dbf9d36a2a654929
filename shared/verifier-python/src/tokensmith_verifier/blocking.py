"""The verifier for threads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

import httpx

from .bearer import Values
from .claims import Claims
from .core import Core, Dpop
from .feed import Revocations
from .fetching import TIME_LIMIT, TIMED_OUT, Body, request_headers
from .refusal import Refusal
from .scopes import RequiredScopes
from .steps import Effect, Fetched, FetchError, Get, Share, Steps, T


class Verifier:
    """Verifies the access tokens of one issuer for one resource server (RFC 9068 §4).

    Make one at start and keep it: it holds the issuer's keys and the view of revocations. Any thread may use it. It fetches nothing
    until the first token is judged.
    """

    def __init__(
        self,
        issuer: str,
        audience: str | Iterable[str],
        jwks_url: str | None = None,
        revocations: Revocations | None = Revocations(),
        dpop: Dpop = False,
        client: httpx.Client | None = None,
        clock: Callable[[], float] | None = None,
        on_refusal: Callable[[Refusal], object] | None = None,
    ) -> None:
        """Raises ValueError when the configuration is not valid."""
        seconds = clock or time.time
        self._core = Core(
            issuer, audience, jwks_url, revocations, dpop, lambda: int(seconds()), on_refusal, TIME_LIMIT
        )
        self._client = _Client(client)
        self._flights = {"keys": _Flight(), "revocations": _Flight()}
        self._stopped = threading.Event()
        self._background: threading.Thread | None = None

    def verify(self, token: str) -> Claims:
        """Verifies a bearer token. Raises `Refusal` when it is not valid, is bound to a key, or cannot be judged now."""
        return self._run(self._core.verify(token))

    def authorize(
        self,
        authorization: Values,
        dpop: Values = (),
        method: str | None = None,
        url: str | None = None,
        scopes: str | RequiredScopes = "",
    ) -> Claims:
        """Authorizes a request by the values of all its `Authorization` and `DPoP` headers. `url` is that of the request as callers know
        it; it must not come from a `Host` header that nobody has checked. Raises `Refusal`.
        """
        return self._run(self._core.authorize(authorization, dpop, method, url, scopes))

    def ready(self) -> None:
        """Fetches keys and revocations, so that the first request waits for neither: for a server that says it is ready only when it is.
        Raises `Refusal` when no token could be judged now; it may be called again.
        """
        self._run(self._core.ready())

    def refresh(self) -> None:
        """Renews the view of revocations if that is due. Requests do that themselves; where this is called from time to time, they need
        not wait for it.
        """
        self._run(self._core.refresh())

    def staleness(self) -> int | None:
        """The age of the view of revocations in seconds, for a metric."""
        return self._core.staleness()

    def start(self) -> Verifier:
        """Renews the view in a thread of its own until `close`. A forked process needs a start of its own."""
        if self._background is None or not self._background.is_alive():
            self._stopped.clear()
            self._background = threading.Thread(target=self._keep_fresh, name="tokensmith-revocations", daemon=True)
            self._background.start()
        return self

    def close(self) -> None:
        """Ends what `start` has started, and closes the HTTP client unless it was given."""
        self._stopped.set()
        if self._background is not None:
            self._background.join(2 * TIME_LIMIT)
        self._client.close()

    def __enter__(self) -> Verifier:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _keep_fresh(self) -> None:
        feed = self._core.feed
        while feed is not None:
            self.refresh()
            if self._stopped.wait(min(max(feed.due_at - self._core.clock(), 0.2), 60)):
                return

    def _run(self, steps: Steps[T]) -> T:
        """Carries out what the rules ask for."""
        try:
            effect = next(steps)
            while True:
                try:
                    outcome = self._outcome(effect)
                except FetchError as err:
                    effect = steps.throw(err)
                else:
                    effect = steps.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result

    def _outcome(self, effect: Effect) -> Fetched | None:
        if isinstance(effect, Get):
            return self._client.get(effect)
        self._flights[effect.flight].join(effect, lambda: self._run(effect.work()))
        return None


class _Flight:
    """One piece of work at a time, in a thread of its own, so that whoever waits can stop waiting."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._landed: threading.Event | None = None
        # Threads do not survive a fork.
        self._process = os.getpid()

    def join(self, share: Share, work: Callable[[], None]) -> None:
        with self._lock:
            running = self._landed if self._process == os.getpid() else None
            is_own = running is None or running.is_set()
            if is_own:
                if not share.needed():
                    return
                running = self._started(work)
        if running is not None and (share.waits == "all" or (share.waits == "starter" and is_own)):
            running.wait(share.limit)

    def _started(self, work: Callable[[], None]) -> threading.Event:
        landed = threading.Event()

        def run() -> None:
            try:
                work()
            finally:
                landed.set()

        # Where no thread can be started, nobody must wait for it.
        threading.Thread(target=run, name="tokensmith-fetch", daemon=True).start()
        self._landed, self._process = landed, os.getpid()
        return landed


class _Client:
    """An HTTP client, and after a fork another one, because two processes cannot share connections."""

    def __init__(self, given: httpx.Client | None) -> None:
        self._given = given
        self._own: tuple[int, httpx.Client] | None = None

    def get(self, request: Get) -> Fetched:
        started = time.monotonic()
        options: Any = {"headers": request_headers(request), "timeout": TIME_LIMIT, "follow_redirects": False}
        try:
            with self._client().stream("GET", request.url, **options) as response:
                body = Body(request, response)
                for part in response.iter_bytes():
                    if time.monotonic() - started > TIME_LIMIT:
                        raise FetchError(TIMED_OUT)
                    body.add(part)
                return body.fetched()
        except httpx.TimeoutException:
            raise FetchError(TIMED_OUT) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, RuntimeError) as err:
            raise FetchError(f"{type(err).__name__}: {err}") from None

    def _client(self) -> httpx.Client:
        if self._given is not None:
            return self._given
        own = self._own
        if own is None or own[0] != os.getpid():
            own = self._own = (os.getpid(), httpx.Client(trust_env=False))
        return own[1]

    def close(self) -> None:
        if self._own is not None and self._own[0] == os.getpid():
            self._own[1].close()
        self._own = None
