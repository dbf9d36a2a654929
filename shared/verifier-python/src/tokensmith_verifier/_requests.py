"""What the adapters of web frameworks have in common."""

from __future__ import annotations

from urllib.parse import quote


class Place:
    """Where callers find the API: what stands before the path in the URLs that they know. Proofs are made for these, and not for what a
    server behind a gateway sees (RFC 9449 §4.3).
    """

    def __init__(self, url: str | None) -> None:
        self._url = None if url is None else url.removesuffix("/")

    def url_of(self, path: str, *, is_quoted: bool = False) -> str | None:
        if self._url is None:
            return None
        return self._url + (path if is_quoted else quote(path, safe="/:@!$&'()*+,;=~-._"))


def header_values(value: str | None) -> list[str]:
    """Of one header in WSGI, where a server has joined those that were repeated."""
    return [] if value is None else [value]
