"""URLs: which may be fetched from, which name one resource, and which are the same for a proof."""

from __future__ import annotations

import ipaddress
import re


def is_protected(url: str) -> bool:
    """Whether `url` is https, or http on loopback, and has no part that two parsers could read differently."""
    scheme, separator, rest = url.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    plain = all("!" <= character <= "~" and character != "\\" for character in url)
    if not separator or not plain or not authority or "@" in authority:
        return False
    return scheme == "https" or (scheme == "http" and _is_loopback(authority))


def is_origin(url: str) -> bool:
    """Whether `url` is an issuer URL of tokensmith: an origin, without path or query."""
    authority = url.partition("://")[2]
    return is_protected(url) and re.search("[/?#]", authority) is None


def is_same_resource(one: str, other: str) -> bool:
    """Whether two URIs name one resource (RFC 8707): byte by byte, except that an `http` or `https` URI without a path is the one
    with the path `/` (RFC 3986 §6.2.3).
    """
    return one == other or _split_at_root(one) == _split_at_root(other)


def is_same_target(one: str, other: str) -> bool:
    """Whether two `http` or `https` URLs are the same without query and fragment, after the normalization of RFC 3986 §6.2.2 and
    §6.2.3 that RFC 9449 §4.3 asks for.
    """
    if one == other:
        return True
    normalized = _normalized(one)
    return normalized is not None and normalized == _normalized(other)


def _is_loopback(authority: str) -> bool:
    host, _, port = authority.rpartition(":")
    if not host or not (port == "" or (port.isascii() and port.isdigit())):
        host = authority
    host = host.lstrip("[").rstrip("]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split_at_root(uri: str) -> tuple[str, str]:
    """What stands before and behind the path, when that is empty or the root; otherwise all of it."""
    found = re.match(r"(https?://[^/?#]*)(.*)\Z", uri, re.DOTALL)
    if found is None:
        return uri, ""
    origin, rest = found[1], found[2]
    if not rest.startswith("/"):
        return origin, rest
    behind = rest[1:]
    return (origin, behind) if behind == "" or behind[0] in "?#" else (uri, "")


_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


def _normalized(url: str) -> str | None:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return None
    scheme = _lower(scheme)
    if scheme not in _DEFAULT_PORTS:
        return None
    rest = re.split("[?#]", rest, maxsplit=1)[0]
    authority, slash, path = rest.partition("/")
    host = _lower(authority).removesuffix(_DEFAULT_PORTS[scheme]).removesuffix(":")
    escaped = _with_needed_escapes(slash + path)
    return None if escaped is None else f"{scheme}://{host}{_without_dot_segments(escaped)}"


def _lower(text: str) -> str:
    """ASCII alone: other letters are no case of one another in a URL."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def _with_needed_escapes(path: str) -> str | None:
    """RFC 3986 §6.2.2.1, §6.2.2.2; `None` for a percent sign that is no escape."""
    first, *parts = path.split("%")
    escaped = [first]
    for part in parts:
        if re.match("[0-9A-Fa-f]{2}", part) is None:
            return None
        character = chr(int(part[:2], 16))
        unreserved = character.isascii() and (character.isalnum() or character in "-._~")
        escaped.append((character if unreserved else f"%{part[:2].upper()}") + part[2:])
    return "".join(escaped)


def _without_dot_segments(path: str) -> str:
    """RFC 3986 §5.2.4, for a path that is empty or starts with a slash."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for index, segment in enumerate(segments):
        if segment not in (".", ".."):
            kept.append(segment)
            continue
        if segment == ".." and kept:
            kept.pop()
        if index == len(segments) - 1:
            kept.append("")
    return "/" + "/".join(kept)
