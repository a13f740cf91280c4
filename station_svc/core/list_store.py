"""The SQL that lists have in common: pages of them."""

from typing import Any, TypeVar

import sqlalchemy as sa

from mesh.database.pages import Page

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
