"""The tables of station_svc by name: `tables.station`."""

import sqlalchemy as sa

from station_svc.models import metadata

__all__ = ["metadata"]


def __getattr__(name: str) -> sa.Table:
    # `connection` is the name for a connection to the database.
    return metadata.tables["connection" if name == "station_connection" else name]
