"""The scopes that a request needs: an expression of scope tokens (RFC 6749 §3.3), `&`, `|` and parentheses, where `&` binds tighter
than `|`. The empty expression requires nothing. A scope that contains an operator itself is written in quotes, which no scope can
contain: `"a&b" | c`.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Union

# Bounds the recursion, so that no expression can overflow the stack.
_MAX_DEPTH = 16
_OPERATORS = "&|()"


_WORDS = {
    "missing_scope": "a scope is missing",
    "missing_operator": "`&` or `|` is missing between two scopes",
    "unbalanced": "a parenthesis or a quote is not closed, or was not opened",
    # RFC 6749 §3.3.
    "forbidden_character": "a scope is printable ASCII without space, quote or backslash",
    "too_deep": "the parentheses are nested too deeply",
}


class InvalidScopes(ValueError):
    """The text is not a scope expression. `reason` is a name for what is wrong."""

    def __init__(self, reason: str) -> None:
        super().__init__(_WORDS[reason])
        self.reason = reason


@dataclass(frozen=True)
class _All:
    members: tuple[_Expression, ...]


@dataclass(frozen=True)
class _Any:
    members: tuple[_Expression, ...]


_Expression = Union[str, _All, _Any]


class RequiredScopes:
    """A parsed expression. `str()` gives a text that parses to the same."""

    __slots__ = ("_expression",)

    def __init__(self, text: str = "") -> None:
        """Raises `InvalidScopes` when the text is not an expression."""
        self._expression = _Parser(text).expression()

    def are_met_by(self, granted: Container[str]) -> bool:
        """Whether these scopes are enough."""
        return self._expression is None or _is_met(self._expression, granted)

    def sufficient(self) -> str:
        """Scopes that are enough, for the `scope` of a challenge (RFC 6750 §3). Of alternatives it names the first, so write the one
        with the least privilege first.
        """
        found: dict[str, None] = {}
        if self._expression is not None:
            _collect_sufficient(self._expression, found)
        return " ".join(found)

    def __str__(self) -> str:
        return "" if self._expression is None else _text(self._expression)

    def __repr__(self) -> str:
        return f"RequiredScopes({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RequiredScopes) and self._expression == other._expression

    def __hash__(self) -> int:
        return hash(self._expression)


def _is_met(expression: _Expression, granted: Container[str]) -> bool:
    if isinstance(expression, str):
        return expression in granted
    enough = all if isinstance(expression, _All) else any
    return enough(_is_met(member, granted) for member in expression.members)


def _collect_sufficient(expression: _Expression, found: dict[str, None]) -> None:
    if isinstance(expression, str):
        found[expression] = None
        return
    members = expression.members if isinstance(expression, _All) else expression.members[:1]
    for member in members:
        _collect_sufficient(member, found)


def _text(expression: _Expression) -> str:
    if isinstance(expression, str):
        return f'"{expression}"' if any(operator in expression for operator in _OPERATORS) else expression
    if isinstance(expression, _Any):
        return " | ".join(map(_text, expression.members))
    texts = (f"({_text(member)})" if isinstance(member, _Any) else _text(member) for member in expression.members)
    return " & ".join(texts)


def _joined(members: list[_Expression], several: type[_All] | type[_Any]) -> _Expression:
    """Conjunctions and disjunctions have at least two members, none of which is of the same kind."""
    flat: list[_Expression] = []
    for member in members:
        flat.extend(member.members if isinstance(member, several) else [member])
    return flat[0] if len(flat) == 1 else several(tuple(flat))


class _Parser:
    """By recursive descent, one function for each level of precedence."""

    def __init__(self, text: str) -> None:
        self.rest = text

    def expression(self) -> _Expression | None:
        if self.peek() == "":
            return None
        parsed = self.any_of(0)
        match self.peek():
            case "":
                return parsed
            case ")":
                raise InvalidScopes("unbalanced")
            case _:
                raise InvalidScopes("missing_operator")

    def any_of(self, depth: int) -> _Expression:
        return _joined(self.separated("|", lambda: self.all_of(depth)), _Any)

    def all_of(self, depth: int) -> _Expression:
        return _joined(self.separated("&", lambda: self.member(depth)), _All)

    def separated(self, operator: str, parse: Callable[[], _Expression]) -> list[_Expression]:
        members = [parse()]
        while self.take(operator):
            members.append(parse())
        return members

    def member(self, depth: int) -> _Expression:
        if not self.take("("):
            return self.scope()
        if depth == _MAX_DEPTH:
            raise InvalidScopes("too_deep")
        inner = self.any_of(depth + 1)
        if self.take(")"):
            return inner
        if self.peek() == "":
            raise InvalidScopes("unbalanced")
        raise InvalidScopes("missing_operator")

    def scope(self) -> str:
        if self.take('"'):
            scope, quote, self.rest = self.rest.partition('"')
            if not quote:
                raise InvalidScopes("unbalanced")
        else:
            ends = (index for index, character in enumerate(self.rest) if character in ' "' + _OPERATORS)
            end = next(ends, len(self.rest))
            scope, self.rest = self.rest[:end], self.rest[end:]
        if not scope:
            raise InvalidScopes("missing_scope")
        if not all("!" <= character <= "~" and character not in '"\\' for character in scope):
            raise InvalidScopes("forbidden_character")
        return scope

    def peek(self) -> str:
        """The next character that is not a space; empty at the end."""
        self.rest = self.rest.lstrip(" ")
        return self.rest[:1]

    def take(self, wanted: str) -> bool:
        there = self.peek() == wanted
        if there:
            self.rest = self.rest[1:]
        return there
