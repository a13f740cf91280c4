"""The SQL that lists have in common: pages of them, and lists of what belongs to one station or to all."""

from collections.abc import Mapping
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from mesh.database.filters import Field, to_condition
from mesh.database.pages import Page
from mesh.identity.callers import Scope
from mesh.placements.conditions import both
from station_svc.core import placement_store

Query = TypeVar("Query", bound=sa.Select[Any])


def paged(query: Query, page: Page, *key: sa.Column[Any], newest_first: bool = False) -> Query:
    """A page of a list in the order of `key`, whose values in the last row of the page before are `page.after`."""
    query = query.order_by(*(column.desc() if newest_first else column for column in key)).limit(page.limit)
    if page.condition is not None:
        query = query.where(page.condition)
    if page.after is not None:
        here, last = sa.tuple_(*key), sa.tuple_(*page.after)
        query = query.where(here < last if newest_first else here > last)
    return query


def condition_of(
    text: str, fields: Mapping[str, Field], *, tenant_id: str, station_id: sa.Column[str], scope: Scope
) -> ColumnElement[bool] | None:
    """The condition of a list of what belongs to stations: its filter, within the scope of the caller.

    `fields` are those of the list's own; each such list may be filtered by the station and where that stands, too.
    `station_id` is the column of the station. Raises MeshError INVALID_FILTER.
    """
    places = placement_store.conditions(tenant_id, station_id)
    wanted = to_condition(text, {"station_id": Field(station_id), **places.fields(), **fields})
    return both(wanted, places.in_scope(scope))
