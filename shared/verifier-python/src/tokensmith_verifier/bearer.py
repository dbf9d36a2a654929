"""A token as it was sent (RFC 6750 §2.1, RFC 9449 §7.1). Nothing of it is verified."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Union

from .jose import MAX_TOKEN_BYTES
from .reasons import Rejected

_B64TOKEN = re.compile(rb"[A-Za-z0-9\-._~+/]+=*")
_BLANK = b" \t\n\x0c\r"


# The values of all headers of one name. A text alone is the only one.
Values = Union[str, bytes, Iterable[Union[str, bytes]]]


def sent_token(values: Values) -> tuple[str, str]:
    """The scheme, `bearer` or `dpop`, and the token, from the values of all `Authorization` headers of one request. Tokens in the
    body or the query are ignored, because OAuth 2.1 allows neither.
    """
    value, *others = header_values(values) or [b""]
    if others:
        raise Rejected("repeated_header")
    scheme, _, rest = value.strip(_BLANK).partition(b" ")
    # Schemes ignore case (RFC 9110 §11.1).
    name = scheme.lower()
    if name not in (b"bearer", b"dpop"):
        raise Rejected("no_token")
    token = rest.lstrip(_BLANK)
    if len(token) > MAX_TOKEN_BYTES:
        raise Rejected("too_long")
    if _B64TOKEN.fullmatch(token) is None:
        raise Rejected("malformed_header")
    return name.decode(), token.decode()


def header_values(values: Values) -> list[bytes]:
    sent = [values] if isinstance(values, (str, bytes)) else values
    return [value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value for value in sent]
