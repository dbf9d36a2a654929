"""CloudWatch Logs Insights' query language, as far as the templates use it: `SOURCE`, `fields`, `filter`, `stats`, `sort` and `limit`. Whatever
else a query has is refused, so that no test takes it for understood.
"""

import json
import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"\s*(?:(?P<text>'[^']*')|(?P<number>\d+)|(?P<name>@?[A-Za-z_]\w*)|(?P<sign>!=|[=(),*|]))")
# What CloudWatch adds to each line.
ADDED = ("@timestamp",)


@dataclass
class Query:
    """What a query asks for; `named` are the fields of log lines that stand anywhere in it."""

    sources: list = field(default_factory=list)
    shown: list = field(default_factory=list)
    conditions: list = field(default_factory=list)
    counted: dict = field(default_factory=dict)
    groups: list = field(default_factory=list)
    order: tuple = ()
    limit: int = 0
    named: set = field(default_factory=set)

    def rows(self, events):
        """The answer on these events, each a JSON line with CloudWatch's `@timestamp` in it."""
        found = [event for event in events if all(holds(event) for holds in self.conditions)]
        rows = self.grouped(found) if self.counted else [{name: event.get(name) for name in self.shown} for event in found]
        name, descending = self.order
        return sorted(rows, key=lambda row: row[name], reverse=descending)[: self.limit]

    def grouped(self, events):
        groups = {}
        for event in events:
            groups.setdefault(tuple(event.get(name) for name in self.groups), []).append(event)
        return [
            dict(zip(self.groups, key)) | {name: aggregate(members) for name, aggregate in self.counted.items()} for key, members in groups.items()
        ]


def parsed(text):
    query, tokens = Query(), tokens_of(text)
    while True:
        COMMANDS[tokens.pop(0)](query, tokens)
        if not tokens:
            assert query.order and query.limit, f"{text} is not sorted or not limited"
            return query
        taken(tokens, "|")


def event_of(message, timestamp):
    """An event of a log as a query sees it. What is no JSON object has no fields."""
    try:
        line = json.loads(message)
    except ValueError:
        line = {}
    return {**(line if isinstance(line, dict) else {}), "@timestamp": timestamp}


def tokens_of(text):
    found, text = [], text.rstrip()
    while text:
        token = TOKEN.match(text)
        assert token, f"{text!r} is not understood here"
        found.append(token[0].strip())
        text = text[token.end() :]
    return found


def taken(tokens, expected):
    token = tokens.pop(0)
    assert token == expected, f"{token} stands where {expected} belongs"


def name_of(query, tokens):
    """A field of a log line."""
    name = tokens.pop(0)
    assert re.fullmatch(r"@?[A-Za-z_]\w*", name), f"{name} is no field"
    if name not in ADDED:
        query.named.add(name)
    return name


def listed(tokens, one):
    found = [one()]
    while tokens and tokens[0] == ",":
        tokens.pop(0)
        found.append(one())
    return found


def source(query, tokens):
    query.sources.append(tokens.pop(0).strip("'"))


def fields(query, tokens):
    query.shown = listed(tokens, lambda: name_of(query, tokens))


def condition(query, tokens):
    query.conditions.append(either(query, tokens))


def either(query, tokens):
    alternatives = [both(query, tokens)]
    while tokens and tokens[0] == "or":
        tokens.pop(0)
        alternatives.append(both(query, tokens))
    return lambda event: any(holds(event) for holds in alternatives)


def both(query, tokens):
    conditions = [comparison(query, tokens)]
    while tokens and tokens[0] == "and":
        tokens.pop(0)
        conditions.append(comparison(query, tokens))
    return lambda event: all(holds(event) for holds in conditions)


def comparison(query, tokens):
    if tokens[0] == "ispresent":
        present = in_brackets(tokens, lambda: name_of(query, tokens))
        return lambda event: event.get(present) is not None
    name, sign, value = name_of(query, tokens), tokens.pop(0), tokens.pop(0)
    assert sign in ("=", "!=") and value.startswith("'"), f"{name} {sign} {value} is not understood here"
    # A field that is not there differs from every text.
    return lambda event: (event.get(name) == value.strip("'")) == (sign == "=")


def in_brackets(tokens, inner):
    tokens.pop(0)
    taken(tokens, "(")
    found = inner()
    taken(tokens, ")")
    return found


def stats(query, tokens):
    query.counted = dict(listed(tokens, lambda: aggregated(query, tokens)))
    taken(tokens, "by")
    query.groups = listed(tokens, lambda: name_of(query, tokens))


def aggregated(query, tokens):
    """One aggregate, and the name that it is given."""
    function = tokens[0]
    of = in_brackets(tokens, lambda: tokens.pop(0) if tokens[0] == "*" else name_of(query, tokens))
    taken(tokens, "as")
    alias = tokens.pop(0)
    values = lambda events: [event[of] for event in events if event.get(of) is not None]  # noqa: E731: it is one of four
    return alias, {
        "count": lambda events: len(events) if of == "*" else len(values(events)),
        "count_distinct": lambda events: len(set(values(events))),
        "min": lambda events: min(values(events)),
        "max": lambda events: max(values(events)),
    }[function]


def sort(query, tokens):
    name, direction = tokens.pop(0), tokens.pop(0)
    assert name in [*query.shown, *query.counted], f"{name} is sorted by, and not there"
    query.order = name, {"asc": False, "desc": True}[direction]


def limit(query, tokens):
    query.limit = int(tokens.pop(0))


COMMANDS = {"SOURCE": source, "fields": fields, "filter": condition, "stats": stats, "sort": sort, "limit": limit}
