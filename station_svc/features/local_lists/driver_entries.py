"""The entry of a driver on a station's local list, as it is known here. Pure.

A list that has lost one is sent whole with the next sync: until then the station has what it had.
"""

from typing import Any

import msgspec

from mesh.contract.drivers import Driver
from mesh.database.row_walk import Row
from mesh.driver_tables import Decision
from station_svc.features.local_lists.parts import Entry, pack, unpack


def without(row: Row, driver: Driver) -> Decision:
    """The columns of a list without the driver."""
    changed: dict[str, Any] = {}
    entries = _entries(row)
    if any(_is_of(entry, driver) for entry in entries):
        kept = [entry for entry in entries if not _is_of(entry, driver)]
        changed |= {"entries": pack(kept), "entry_count": len(kept), "full": True}
    left_out: list[list[Any]] = msgspec.json.decode(row["left_out"])
    others = [one for one in left_out if not driver.is_token(one[0])]
    if len(others) < len(left_out):
        changed["left_out"] = msgspec.json.encode(others).decode()
    if row["error"] is not None and driver.mentions_data(bytes(row["error"])):
        changed["error"] = None
    return changed or None


def about(row: Row, driver: Driver) -> Row:
    """The part of a list that is about the driver."""
    mine = [entry for entry in _entries(row) if _is_of(entry, driver)]
    return {
        "tenant_id": row["tenant_id"],
        "station_id": row["station_id"],
        "version": row["entries_version"],
        "entry": msgspec.to_builtins(mine[0]) if mine else None,
    }


def _entries(row: Row) -> list[Entry]:
    # SQLite returns the default of the column, for a list that was never synced, as an empty text.
    return unpack(bytes(row["entries"])) if row["entries"] else []


def _is_of(entry: Entry, driver: Driver) -> bool:
    return driver.is_token(entry.id_token) or driver.is_token(entry.group)
