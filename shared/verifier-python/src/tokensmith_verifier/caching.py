"""The headers of an answer that say how long it may be kept (RFC 9111)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class CacheHeaders:
    """As they were sent; `None` where there is none."""

    etag: str | None = None
    cache_control: str | None = None
    age: str | None = None

    def fresh_for(self) -> int | None:
        """For how many more seconds the document is fresh (RFC 9111 §4.2); `None` when the headers do not say."""
        if self.cache_control is None:
            return None
        max_age = None
        for directive in self.cache_control.split(","):
            name, _, value = directive.strip().partition("=")
            if name.lower() in ("no-store", "no-cache"):
                return 0
            if name.lower() == "max-age" and max_age is None:
                max_age = _seconds(value)
        age = _seconds(self.age or "") or 0
        return None if max_age is None else max(0, max_age - age)


def _seconds(text: str) -> int | None:
    digits = text.strip().strip('"')
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None
