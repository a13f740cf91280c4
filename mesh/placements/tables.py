"""The tables of where stations stand: station_svc has the original, other services a copy (docs/SITES.md).

A station that stands in no site and has no label has no row, and costs nothing.
"""

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import MetaData

# Compared by code point on both databases, as every key.
_Key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


@dataclass(frozen=True, kw_only=True)
class PlacementTables:
    """`placement` has the site of a station, `group` all that a list can be limited by: sites above it, labels."""

    placement: sa.Table
    group: sa.Table


def placement_tables(
    metadata: MetaData, *more: sa.Column[str], key: sa.types.TypeEngine[str] = _Key
) -> PlacementTables:
    """The tables, for a service's `models.py`. `more` are further columns of the placement.

    `key` is the type of names: that of the station ids that the lists of the service are joined by.
    """
    placement = sa.Table(
        "station_placement",
        metadata,
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("station_id", key, primary_key=True),
        # Empty: none. A row with neither site nor labels is of a station that was removed, or taken out of its site.
        sa.Column("site_id", key, nullable=False),
        # Ids of the sites from the outermost one down to its own, each between slashes: /berlin/garage/; or empty.
        sa.Column("path", key, nullable=False),
        sa.Column("time_zone", sa.Text, nullable=False),
        # Grows with each change of any placement: the later one of two has the larger.
        sa.Column("version", sa.BigInteger, nullable=False),
        *more,
        sa.Index("station_placement_version", "version"),
    )
    # A row for each site above a station, its own included, with an empty label; and one for each label that holds.
    group = sa.Table(
        "station_group",
        metadata,
        sa.Column("tenant_id", key, primary_key=True),
        sa.Column("label", key, primary_key=True),
        sa.Column("value", key, primary_key=True),
        sa.Column("station_id", key, primary_key=True),
        sa.Index("station_group_station", "tenant_id", "station_id"),
    )
    return PlacementTables(placement=placement, group=group)
