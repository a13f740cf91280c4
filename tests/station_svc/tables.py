"""The tables of station_svc by name: `tables.station`."""

import sqlalchemy as sa

from station_svc.models import metadata

__all__ = ["metadata"]


def __getattr__(name: str) -> sa.Table:
    return metadata.tables[name.removeprefix("station_") if name == "station_connection" else name]
