"""CloudWatch's filter patterns for JSON lines, as far as the templates use them: comparisons with `=`, `<` and `>`, texts with `*` at either end,
`&&`, `||` and brackets. Whatever else a pattern has is refused, so that no test takes it for understood.
"""

import json
import re
from fnmatch import fnmatchcase

TOKEN = re.compile(r'\s*(?:(?P<bracket>[()])|(?P<both>&&)|(?P<either>\|\|)|\$\.(?P<field>\w+)\s*(?P<operator>[=<>])\s*(?P<value>"[^"]*"|\*|-?\d+))')


def matches(pattern, line):
    """Whether the line of a log is one that `pattern` counts."""
    try:
        event = json.loads(line)
    except ValueError:
        return False
    if not isinstance(event, dict):
        return False
    tokens = tokens_of(pattern)
    found = any_of(tokens, event)
    assert not tokens, f"{pattern} goes on with {tokens}"
    return found


def tokens_of(pattern):
    inner, found = re.fullmatch(r"\{(.*)\}", pattern)[1].rstrip(), []
    while inner:
        token = TOKEN.match(inner)
        assert token, f"{pattern} has {inner!r}, which is not understood here"
        found.append(token)
        inner = inner[token.end() :]
    return found


def any_of(tokens, event):
    found = all_of(tokens, event)
    while tokens and tokens[0]["either"]:
        tokens.pop(0)
        found = all_of(tokens, event) or found
    return found


def all_of(tokens, event):
    found = one(tokens, event)
    while tokens and tokens[0]["both"]:
        tokens.pop(0)
        found = one(tokens, event) and found
    return found


def one(tokens, event):
    token = tokens.pop(0)
    if token["bracket"] == "(":
        found = any_of(tokens, event)
        assert tokens.pop(0)["bracket"] == ")"
        return found
    return compared(event.get(token["field"]), token["operator"], token["value"])


def compared(actual, operator, expected):
    """A field that is not there is equal to nothing."""
    if actual is None or isinstance(actual, bool):
        return False
    if expected == "*":
        return operator == "="
    if expected.startswith('"'):
        assert operator == "=" and not set("?[") & set(expected)
        return isinstance(actual, str) and fnmatchcase(actual, expected.strip('"'))
    if not isinstance(actual, (int, float)):
        return False
    number = float(expected)
    return {"=": actual == number, "<": actual < number, ">": actual > number}[operator]
