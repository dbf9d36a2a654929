"""What both HTTP clients have in common."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import httpx

from .caching import CacheHeaders
from .steps import Fetched, FetchError, Get

# For one fetch, in seconds.
TIME_LIMIT = 2.0

TIMED_OUT = "no answer within the time limit"


def _version() -> str:
    try:
        return version("tokensmith-verifier")
    except PackageNotFoundError:
        return "0"


_USER_AGENT = f"tokensmith-verifier-python/{_version()}"


def request_headers(request: Get) -> dict[str, str]:
    """No compression: a small answer could otherwise become a large one."""
    headers = {"Accept-Encoding": "identity", "User-Agent": _USER_AGENT}
    return headers if request.etag is None else {**headers, "If-None-Match": request.etag}


class Body:
    """What was read of an answer so far, and never more than is allowed."""

    def __init__(self, request: Get, response: httpx.Response) -> None:
        if response.status_code not in (200, 304):
            raise FetchError(f"the answer has status {response.status_code}")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise FetchError("the answer is compressed")
        self._limit = request.max_bytes
        self._response = response
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > self._limit:
            raise FetchError("the answer is too long")
        self._parts.append(part)

    def fetched(self) -> Fetched:
        sent = self._response.headers
        headers = CacheHeaders(sent.get("ETag"), sent.get("Cache-Control"), sent.get("Age"))
        is_new = self._response.status_code == 200
        return Fetched(b"".join(self._parts) if is_new else None, headers)
