"""The verifier for asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
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


class AsyncVerifier:
    """The same as `Verifier`, by the same rules, for asyncio. Keys and revocations are kept when another event loop takes over."""

    def __init__(
        self,
        issuer: str,
        audience: str | Iterable[str],
        jwks_url: str | None = None,
        revocations: Revocations | None = Revocations(),
        dpop: Dpop = False,
        client: httpx.AsyncClient | None = None,
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
        self._background: asyncio.Task[None] | None = None

    async def verify(self, token: str) -> Claims:
        """Verifies a bearer token. Raises `Refusal` when it is not valid, is bound to a key, or cannot be judged now."""
        return await self._run(self._core.verify(token))

    async def authorize(
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
        return await self._run(self._core.authorize(authorization, dpop, method, url, scopes))

    async def ready(self) -> None:
        """Fetches keys and revocations, so that the first request waits for neither: for a server that says it is ready only when it is.
        Raises `Refusal` when no token could be judged now; it may be called again.
        """
        await self._run(self._core.ready())

    async def refresh(self) -> None:
        """Renews the view of revocations if that is due. Requests do that themselves; where this is called from time to time, they need
        not wait for it.
        """
        await self._run(self._core.refresh())

    def staleness(self) -> int | None:
        """The age of the view of revocations in seconds, for a metric."""
        return self._core.staleness()

    async def start(self) -> AsyncVerifier:
        """Renews the view in a task of its own until `close`."""
        if self._background is None or self._background.done():
            self._background = asyncio.create_task(self._keep_fresh())
        return self

    async def close(self) -> None:
        """Ends what `start` has started, and closes the HTTP client unless it was given."""
        if self._background is not None:
            self._background.cancel()
            await asyncio.wait({self._background})
        for flight in self._flights.values():
            await flight.ended()
        await self._client.close()

    async def __aenter__(self) -> AsyncVerifier:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _keep_fresh(self) -> None:
        feed = self._core.feed
        while feed is not None:
            await self.refresh()
            await asyncio.sleep(min(max(feed.due_at - self._core.clock(), 0.2), 60))

    async def _run(self, steps: Steps[T]) -> T:
        """Carries out what the rules ask for."""
        try:
            effect = next(steps)
            while True:
                try:
                    outcome = await self._outcome(effect)
                except FetchError as err:
                    effect = steps.throw(err)
                else:
                    effect = steps.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _outcome(self, effect: Effect) -> Fetched | None:
        if isinstance(effect, Get):
            return await self._client.get(effect)
        await self._flights[effect.flight].join(effect, lambda: self._run(effect.work()))
        return None


class _Flight:
    """One piece of work at a time, in a task of its own, so that a request that is dropped or stops waiting does not end it."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    async def join(self, share: Share, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        running = self._running()
        is_own = running is None
        if running is None:
            if not share.needed():
                return
            running = self._task = asyncio.create_task(work())
        if share.waits == "all" or (share.waits == "starter" and is_own):
            await asyncio.wait({running}, timeout=share.limit)

    async def ended(self) -> None:
        running = self._running()
        if running is not None:
            running.cancel()
            await asyncio.wait({running})

    def _running(self) -> asyncio.Task[None] | None:
        """Work of another event loop will never end."""
        task = self._task
        ours = task is not None and not task.done() and task.get_loop() is asyncio.get_running_loop()
        return task if ours else None


class _Client:
    """An HTTP client, and another one for another event loop, because two loops cannot share connections."""

    def __init__(self, given: httpx.AsyncClient | None) -> None:
        self._given = given
        self._own: tuple[asyncio.AbstractEventLoop, httpx.AsyncClient] | None = None

    async def get(self, request: Get) -> Fetched:
        try:
            return await asyncio.wait_for(self._get(request), TIME_LIMIT)
        except (httpx.TimeoutException, TimeoutError, asyncio.TimeoutError):
            raise FetchError(TIMED_OUT) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, RuntimeError) as err:
            raise FetchError(f"{type(err).__name__}: {err}") from None

    async def _get(self, request: Get) -> Fetched:
        options: Any = {"headers": request_headers(request), "timeout": TIME_LIMIT, "follow_redirects": False}
        async with self._client().stream("GET", request.url, **options) as response:
            body = Body(request, response)
            async for part in response.aiter_bytes():
                body.add(part)
            return body.fetched()

    def _client(self) -> httpx.AsyncClient:
        if self._given is not None:
            return self._given
        loop = asyncio.get_running_loop()
        own = self._own
        if own is None or own[0] is not loop:
            own = self._own = (loop, httpx.AsyncClient(trust_env=False))
        return own[1]

    async def close(self) -> None:
        if self._own is not None and self._own[0] is asyncio.get_running_loop():
            await self._own[1].aclose()
        self._own = None
