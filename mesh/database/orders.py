"""The `order_by` field of lists (AIP-132), as the order of a query and the keys of its pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.pages import Page
from mesh.runtime.errors import invalid_field

MAX_LENGTH = 500
_WAYS = {"asc": False, "desc": True}


@dataclass(frozen=True)
class SortField:
    """A field that a list may be ordered by: its SQL expression, which is never NULL, and its type in page tokens."""

    expression: ColumnElement[Any]
    type: type = str


@dataclass(frozen=True, kw_only=True)
class Term:
    """A part of an order."""

    name: str
    field: SortField
    descending: bool = False


@dataclass(frozen=True, kw_only=True)
class Window:
    """The next rows of a list, of a bounded number: their condition, and the place behind them."""

    condition: ColumnElement[bool]
    end: tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Order:
    """The order of a list. The last of its terms are the key of a row, so that no two rows have the same place."""

    terms: Sequence[Term]

    @property
    def types(self) -> tuple[type, ...]:
        """The types of a row's place, for its page token."""
        return tuple(term.field.type for term in self.terms)

    def paged(self, query: sa.Select[Any], page: Page) -> sa.Select[Any]:
        """A page of a list in this order, with the place of each row behind the columns of the query."""
        if page.condition is not None:
            query = query.where(page.condition)
        if page.after is not None:
            query = query.where(self._is_after(page.after))
        placed = query.add_columns(*(term.field.expression.label(_label(at)) for at, term in enumerate(self.terms)))
        return placed.order_by(*(_directed(term.field.expression, term) for term in self.terms)).limit(page.limit)

    def place(self, row: Any) -> tuple[Any, ...]:
        """The place of a row of such a query."""
        return tuple(row[-len(self.terms) :])

    def window(
        self, connection: Connection, whole: ColumnElement[bool], *, after: Sequence[Any] | None, rows: int
    ) -> Window | None:
        """The next `rows` rows of a list, and those of the same time; None where fewer are left.

        `whole` is the condition of the list. The first term is a number, and an index has it behind the columns of
        `whole`: then no more is read for it than a part of the index. None also where the terms have two directions.
        """
        first, *rest = self.terms
        if any(term.descending != first.descending for term in rest):
            return None
        number = first.field.expression
        query = sa.select(number).where(whole).order_by(_directed(number, first)).offset(rows - 1).limit(1)
        if after is not None:
            query = query.where(_follows(number, after[0], first))  # rows of that time come in addition
        last = connection.execute(query).scalar()
        if last is None:
            return None
        least = (-(2**63) if term.field.type is int else "" for term in rest)
        if first.descending:
            return Window(condition=number >= last, end=(last, *least))
        return Window(condition=number <= last, end=(last + 1, *least))

    def _is_after(self, place: Sequence[Any]) -> ColumnElement[bool]:
        expressions = [term.field.expression for term in self.terms]
        ways = {term.descending for term in self.terms}
        if len(ways) == 1:  # compared as a whole, which an index serves
            return _follows(sa.tuple_(*expressions), sa.tuple_(*place), self.terms[0])
        later = []
        for at, (term, value) in enumerate(zip(self.terms, place, strict=True)):
            same = [one == other for one, other in zip(expressions[:at], place, strict=False)]
            later.append(sa.and_(*same, _follows(expressions[at], value, term)))
        return sa.or_(*later)


def read_order(text: str, fields: Mapping[str, SortField], key: Sequence[Term]) -> Order:
    """The order that a request asks for; that of `key` for an empty text. Raises MeshError INVALID_FIELD."""
    if len(text) > MAX_LENGTH:
        raise invalid_field("order_by", f"it is longer than {MAX_LENGTH} characters")
    terms = [_term(part, fields) for part in text.split(",")] if text.strip() else []
    names = [term.name for term in terms]
    if len(set(names)) < len(names):
        raise invalid_field("order_by", "it names a field twice")
    # The key goes the way of the last term, so that an index on both serves them.
    way = terms[-1].descending if terms else None
    rest = [
        term if way is None else Term(name=term.name, field=term.field, descending=way)
        for term in key
        if term.name not in names
    ]
    return Order(terms=[*terms, *rest])


def _term(text: str, fields: Mapping[str, SortField]) -> Term:
    name, *way = text.split()[:3] or [""]
    if name not in fields:
        raise invalid_field("order_by", f"{name!r} is not a field to order by; these are: {', '.join(sorted(fields))}")
    if len(way) > 1 or (way and way[0] not in _WAYS):
        raise invalid_field("order_by", f"after {name} there may be `desc` or `asc`, and then a comma")
    return Term(name=name, field=fields[name], descending=bool(way) and _WAYS[way[0]])


def _label(at: int) -> str:
    return f"place_{at}"


def _directed(expression: ColumnElement[Any], term: Term) -> ColumnElement[Any]:
    return expression.desc() if term.descending else expression.asc()


def _follows(expression: Any, value: Any, term: Term) -> ColumnElement[bool]:
    follows: ColumnElement[bool] = expression < value if term.descending else expression > value
    return follows
