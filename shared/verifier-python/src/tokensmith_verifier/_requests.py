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
        """The URL of a request; a path that is quoted keeps its escapes."""
        if self._url is None:
            return None
        return self._url + quote(path, safe=_UNQUOTED + "%" * is_quoted)


# RFC 3986 §3.3.
_UNQUOTED = "/:@!$&'()*+,;=~-._"


def joined_values(value: str | None) -> list[str]:
    """Of one header in WSGI, where a server has joined those that were repeated."""
    return [] if value is None else [value]
