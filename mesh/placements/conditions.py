"""Conditions on the stations of a query: in a caller's scope, in the subtree of a site, with a label."""

import re
from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy import ColumnElement

from mesh.database.filters import Field
from mesh.identity.callers import Scope
from mesh.placements.tables import PlacementTables

SITE = ""
"""The label of the groups that are sites."""

MOST_LABELS = 50
MOST_LABEL_VALUE = 255
_SITE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
_LABEL = re.compile(r"[a-z][a-z0-9_.-]{0,62}")


def is_site_id(text: str) -> bool:
    """Whether a site may have this id."""
    return _SITE_ID.fullmatch(text) is not None


def is_label(text: str) -> bool:
    """Whether a label may have this key."""
    return _LABEL.fullmatch(text) is not None


class StationConditions:
    """Conditions on a query over rows of one tenant's stations; `station_id` is their column."""

    def __init__(self, tables: PlacementTables, *, tenant_id: str, station_id: ColumnElement[str]) -> None:
        self._group = tables.group
        self._tenant_id = tenant_id
        self._station_id = station_id

    def in_scope(self, scope: Scope) -> ColumnElement[bool] | None:
        """Of stations that a scope covers; None where it covers all, so that a query for such a caller stays as it is.

        A station whose placement is not known is in no scope but that of the whole tenant.
        """
        return None if scope.is_whole else self._within(SITE, scope.site_ids)

    def fields(self) -> Mapping[str, Field]:
        """The fields `site` and `labels` of a filter: `site:berlin`, `labels.region:north`."""
        return {
            "site": Field(self._station_id, has=lambda site_id: self._within(SITE, [site_id])),
            "labels": Field(self._station_id, member=self._label),
        }

    def _label(self, key: str) -> Field:
        if not is_label(key):
            raise ValueError("a label is written labels.key:value")
        return Field(self._station_id, has=lambda value: self._within(key, [value]))

    def _within(self, label: str, values: Collection[str]) -> ColumnElement[bool]:
        # A list of stations that the outer row has no part in, so that the database may begin with either of the two.
        columns = self._group.c
        stations = sa.select(columns.station_id).where(
            columns.tenant_id == self._tenant_id, columns.label == label, columns.value.in_(sorted(values))
        )
        return self._station_id.in_(stations)


def both(*conditions: ColumnElement[bool] | None) -> ColumnElement[bool] | None:
    """All of several conditions; None stands for one that always holds."""
    given = [condition for condition in conditions if condition is not None]
    return sa.and_(*given) if given else None
