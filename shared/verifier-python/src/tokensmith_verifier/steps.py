"""What the rules ask of whoever runs them. The rules themselves do no I/O and know no clock, thread or event loop: they are generators
that yield an effect and are sent its outcome, so that the blocking and the asynchronous verifier are the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, Union

from .caching import CacheHeaders
from .urls import is_protected

T = TypeVar("T")


@dataclass(frozen=True)
class Get:
    """A conditional GET (RFC 9110 §13.1.2) without redirects. Its outcome is a `Fetched`, or a `FetchError` that is thrown."""

    url: str
    etag: str | None
    max_bytes: int


@dataclass(frozen=True)
class Fetched:
    """The body of a 200, or `None` for a 304: the copy that there is is still current."""

    body: bytes | None
    headers: CacheHeaders


class FetchError(Exception):
    """Why there is no document."""


@dataclass(frozen=True)
class Share:
    """Work of which there is one at a time: it is started unless it runs already or is not needed.

    `waits` says for whom the step lasts until the work ends: for everybody who needs it, only for whoever started it, or for nobody.
    Nobody waits longer than `limit` seconds, if there is one; the work goes on then.
    """

    flight: Literal["keys", "revocations"]
    needed: Callable[[], bool]
    work: Callable[[], Steps[None]]
    waits: Literal["all", "starter", "nobody"] = "all"
    limit: float | None = None


Effect = Union[Get, Share]
Steps = Generator[Effect, Any, T]

Clock = Callable[[], int]


def fetched(request: Get) -> Steps[Fetched]:
    """Fetches with the limits on URL and answer that hold for every client."""
    if not is_protected(request.url):
        raise FetchError("the URL is neither https nor http on loopback")
    answer: Fetched = yield request
    if answer.body is None and request.etag is None:
        raise FetchError("304 answers a request without a tag")
    return answer
