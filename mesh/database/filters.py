"""The `filter` field of lists: comparisons with AND, OR, NOT and parentheses (AIP-160), as an SQL condition."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import grpc
from sqlalchemy import ColumnElement, and_, not_, or_

from mesh.contract.texts import is_storable
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import from_datetime

_TOKEN = re.compile(
    r"""\s*(?:(?P<op><=|>=|!=|[=<>()]) | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*') | (?P<word>[^\s=<>!()"']+))""",
    re.VERBOSE,
)
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": lambda column, value: column == value,
    "!=": lambda column, value: column != value,
    "<": lambda column, value: column < value,
    "<=": lambda column, value: column <= value,
    ">": lambda column, value: column > value,
    ">=": lambda column, value: column >= value,
}
_HAS = ":"
_JOINTS = frozenset({"", "AND", "OR", ")"})
SEARCH = ""
"""The name of the field that a text without a field is looked for in: see `search`."""
# Tokens that a comparison cannot have on its right, unless in quotes.
_NO_VALUES = frozenset({*_OPERATORS, "(", ")"})
MAX_LENGTH = 1000
_MAX_DEPTH = 20


@dataclass(frozen=True)
class Field:
    """A field that a filter may name: its SQL expression, and how to read its value (ValueError where that fails).

    A field that holds several values is compared with `:` alone; `has` makes the condition that one of them is there.
    A field with `member` is a map: `labels.region` is the member `region` of `labels` (ValueError where there is none).
    """

    expression: ColumnElement[Any]
    convert: Callable[[str], Any] = str
    has: Callable[[Any], ColumnElement[bool]] | None = None
    member: "Callable[[str], Field] | None" = None


def to_condition(text: str, fields: Mapping[str, Field]) -> ColumnElement[bool] | None:
    """A filter as an SQL condition; None for an empty one. Raises MeshError INVALID_FILTER."""
    if not text.strip():
        return None
    if not is_storable(text):
        raise _invalid("it has a NUL in it, which no field has")
    if len(text) > MAX_LENGTH:
        raise _invalid(f"it is longer than {MAX_LENGTH} characters")
    parser = _Parser(text, fields)
    condition = parser.expression(0)
    parser.expect_end()
    return condition


def search(*columns: ColumnElement[str]) -> Field:
    """The field SEARCH of a list: a text that stands alone (AIP-160, literals) is a part of one of these columns."""
    return Field(columns[0], has=lambda text: or_(*(column.icontains(text, autoescape=True) for column in columns)))


def is_search(text: str) -> bool:
    """Whether a filter that `to_condition` has read looks for a part of a text: see `search`. No index serves that."""
    tokens = _tokens(text)
    return any(
        token[0] in "\"'" and after in _JOINTS and before not in _OPERATORS and not before.endswith(_HAS)
        for before, token, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False)
    )


def switch(text: str) -> bool:
    """Reads true or false."""
    if text.lower() not in {"true", "false"}:
        raise ValueError("true or false is needed")
    return text.lower() == "true"


def choice(names: Mapping[str, int], prefix: str) -> Callable[[str], int]:
    """Reads a value of an enumeration by its name, with `prefix` or without it; `names` have it."""

    def convert(text: str) -> int:
        word = prefix + text.upper().removeprefix(prefix)
        if word not in names:
            raise ValueError(f"one of {', '.join(name.removeprefix(prefix) for name in names)} is needed")
        return names[word]

    return convert


def moment(text: str) -> int:
    """Reads an RFC 3339 time with its zone as microseconds since 1970."""
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError("a time with its zone is needed, such as 2026-01-31T12:00:00Z")
    return from_datetime(read)


class _Parser:
    """Recursive descent; OR binds tighter than AND in AIP-160."""

    def __init__(self, text: str, fields: Mapping[str, Field]) -> None:
        self._tokens = list(_tokens(text))
        self._fields = fields
        self._at = 0

    def expression(self, depth: int) -> ColumnElement[bool]:
        """Terms joined with AND."""
        if depth > _MAX_DEPTH:
            raise _invalid("it is nested too deeply")
        terms = [self._alternatives(depth)]
        while self._take_word("AND"):
            terms.append(self._alternatives(depth))
        return and_(*terms)

    def expect_end(self) -> None:
        """Raises where something is left."""
        if self._at < len(self._tokens):
            raise _invalid(f"{self._tokens[self._at]!r} is not expected there; join comparisons with AND or OR")

    def _alternatives(self, depth: int) -> ColumnElement[bool]:
        terms = [self._term(depth)]
        while self._take_word("OR"):
            terms.append(self._term(depth))
        return or_(*terms)

    def _term(self, depth: int) -> ColumnElement[bool]:
        if self._take_word("NOT"):
            return not_(self._term(depth))
        if self._peek() == "(":
            self._at += 1
            inner = self.expression(depth + 1)
            if self._next() != ")":
                raise _invalid("a closing parenthesis is missing")
            return inner
        return self._comparison()

    def _comparison(self) -> ColumnElement[bool]:
        anywhere = self._fields.get(SEARCH)
        if anywhere is not None and anywhere.has is not None and self._is_literal():
            return anywhere.has(_unquote(self._next()))
        name, operator, value = self._parts()
        if value in _NO_VALUES:
            raise _invalid(f"{value!r} is not a value; one with such characters stands in quotes")
        field = self._field(name)
        if field.has is not None and operator != _HAS:
            raise _invalid(f"{name!r} holds several values: write {name}:value")
        if field.has is None and operator not in _OPERATORS:
            raise _invalid(f"{operator!r} after {name!r} is not one of {' '.join(_OPERATORS)}")
        try:
            converted = field.convert(_unquote(value))
        except ValueError as error:
            needed = "a whole number is needed" if field.convert is int else str(error)
            raise _invalid(f"{value} is not a value for {name!r}: {needed}") from error
        if isinstance(converted, int) and not -(2**63) <= converted < 2**63:
            raise _invalid(f"{value} is too large a number")
        if field.has is not None:
            return field.has(converted)
        condition: ColumnElement[bool] = _OPERATORS[operator](field.expression, converted)
        return condition

    def _is_literal(self) -> bool:
        """Whether a text comes that stands alone: one in quotes, behind which no comparison follows."""
        here, following = self._peek(), self._peek(1)
        return here[:1] in {'"', "'"} and following in _JOINTS

    def _field(self, name: str) -> Field:
        if name == SEARCH:
            raise _invalid("a comparison begins with the name of a field")
        field = self._fields.get(name)
        if field is not None and field.member is None:
            return field
        head, _dot, key = name.partition(".")
        field = self._fields.get(head)
        if field is None or field.member is None:
            raise _invalid(
                f"{name!r} is not a field to filter by; these are: {', '.join(sorted(filter(None, self._fields)))}"
            )
        try:
            return field.member(key)
        except ValueError as error:
            raise _invalid(f"{name!r}: {error}") from error

    def _parts(self) -> tuple[str, str, str]:
        """Name, operator and value; there need not be a space on either side of a colon."""
        name, colon, rest = self._next().partition(_HAS)
        operator = _HAS if colon and name else self._next()
        if operator != _HAS and operator.startswith(_HAS):
            operator, rest = _HAS, operator[len(_HAS) :]
        return name, operator, rest or self._next()

    def _peek(self, further: int = 0) -> str:
        at = self._at + further
        return self._tokens[at] if at < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise _invalid('it ends too early; a comparison looks like `field = "value"`')
        self._at += 1
        return token

    def _take_word(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._at += 1
        return True


def _tokens(text: str) -> list[str]:
    tokens, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise _invalid(f"it cannot be read from {text[at : at + 20]!r} on")
        tokens.append(match[match.lastgroup or 0])
        at = match.end()
    return tokens


def _unquote(token: str) -> str:
    if token[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token


def _invalid(message: str) -> MeshError:
    return MeshError(grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FILTER, f"filter: {message}")
