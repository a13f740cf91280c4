"""The SQL of local lists. Each function is part of a transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection
from sqlalchemy.dialects import postgresql, sqlite

from mesh.database.filters import Field
from mesh.database.pages import Page
from station_svc.core.list_store import paged
from station_svc.core.models import station, variable
from station_svc.core.station_store import not_found
from station_svc.features.local_lists.models import local_list
from station_svc.features.local_lists.parts import Entry, pack, unpack
from station_svc.jobs.models import job
from station_svc.jobs.rows import JobState

# csms.station.v1.LocalListSyncState
SYNCING = 1
SYNCED = 2
FAILED = 3
_KEY_PREFIX = "local_list:"
# csms.station.v1.LeftOutReason
UNFIT = 1
NO_ROOM = 2


class DroppedToken(msgspec.Struct, frozen=True, array_like=True):
    """A token that is not on a list. `reason`: csms.station.v1.LeftOutReason."""

    id_token: str
    reason: int


@dataclass(frozen=True, kw_only=True)
class LocalListRow:
    """A station's list as it is known. `entries` is what it holds in version `entries_version`, and in no other."""

    tenant_id: str
    station_id: str
    version: int | None = None  # as last reported or accepted; None where that is not known
    entries_version: int | None = None
    entries: bytes = b""
    entry_count: int = 0
    sync_state: int = 0
    request_id: str = ""
    request_us: int | None = None  # time of the last request
    plan_us: int | None = None  # the request that the present plan is for
    sync_us: int | None = None
    full: bool = False  # all entries are to be sent again
    left_out: str = "[]"
    error: bytes | None = None

    @property
    def is_known(self) -> bool:
        """Whether it is known which entries the station holds."""
        return self.version is not None and self.version >= 1 and self.version == self.entries_version

    @property
    def held(self) -> Mapping[str, Entry] | None:
        """The entries that the station holds, by key; None where that is not known."""
        return {entry.key: entry for entry in unpack(self.entries)} if self.is_known else None

    @property
    def known_count(self) -> int:
        """Number of entries that the station is believed to hold, for a row without its entries too."""
        return self.entry_count if self.is_known else 0

    @property
    def dropped_tokens(self) -> list[DroppedToken]:
        """Tokens that should be on the list and are not."""
        return msgspec.json.decode(self.left_out, type=list[DroppedToken])


_COLUMNS = [local_list.c[one.name] for one in fields(LocalListRow)]


STATION_ID = local_list.c.station_id
"""The column of the station of a list."""


def filters(states: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that lists may be filtered by; `states` reads the words for the state of a sync."""
    return {"sync_state": Field(local_list.c.sync_state, states)}


def list_lists(connection: Connection, *, tenant_id: str, page: Page) -> Sequence[LocalListRow]:
    """Lists of stations as they are known, without their entries; `page.after` is the station's id."""
    query = (
        sa.select(*(column for column in _COLUMNS if column.name != "entries"), _JOB_ERROR)
        .select_from(local_list.outerjoin(job, _syncs(local_list)))
        .where(local_list.c.tenant_id == tenant_id)
    )
    return [_to_row(row) for row in connection.execute(paged(query, page, STATION_ID)).mappings()]


_JOB_ERROR = job.c.error.label("job_error")


def _syncs(table: sa.Table) -> ColumnElement[bool]:
    """Whether a job syncs the list of the station of a row."""
    return (
        (job.c.tenant_id == table.c.tenant_id)
        & (job.c.slot == sa.literal(_KEY_PREFIX) + table.c.station_id)
        & job.c.state.in_((JobState.WAITING, JobState.PARKED, JobState.RUNNING))
    )


def read(connection: Connection, tenant_id: str, station_id: str) -> LocalListRow:
    """A station's list as it is known, with the last attempt's error. Raises MeshError STATION_NOT_FOUND."""
    query = (
        sa.select(*_COLUMNS, _JOB_ERROR)
        .select_from(station)
        .outerjoin(
            local_list,
            (local_list.c.tenant_id == station.c.tenant_id) & (local_list.c.station_id == station.c.station_id),
        )
        .outerjoin(job, _syncs(station))
        .where(station.c.tenant_id == tenant_id, station.c.station_id == station_id)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise not_found(station_id)
    if row["station_id"] is None:
        return LocalListRow(tenant_id=tenant_id, station_id=station_id)
    return _to_row(row)


def _to_row(row: sa.RowMapping) -> LocalListRow:
    values: dict[str, Any] = {**row}
    last = values.pop("job_error")
    return LocalListRow(**{**values, "error": values["error"] or last})


def lock(connection: Connection, tenant_id: str, station_id: str) -> LocalListRow | None:
    """The list of a station, held for this transaction, made where there is none; None where there is no station."""
    key = {"tenant_id": tenant_id, "station_id": station_id}
    source = sa.select(station.c.tenant_id, station.c.station_id).where(
        station.c.tenant_id == tenant_id, station.c.station_id == station_id
    )
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(local_list).from_select(list(key), source).on_conflict_do_nothing())
    row = connection.execute(sa.select(*_COLUMNS).where(_is(**key)).with_for_update()).mappings().first()
    return None if row is None else LocalListRow(**row)


def update(connection: Connection, row: LocalListRow, **values: Any) -> None:
    """Changes a list, which this transaction holds."""
    connection.execute(sa.update(local_list).where(_is(row.tenant_id, row.station_id)).values(values))


def set_entries(connection: Connection, row: LocalListRow, *, version: int, entries: Mapping[str, Entry]) -> None:
    """Writes down what a station holds."""
    packed = pack(entries.values())
    update(connection, row, version=version, entries_version=version, entries=packed, entry_count=len(entries))


def forget(connection: Connection, tenant_id: str, station_id: str) -> bool:
    """Notes that the entries of a station are not known any more; returns whether its list is to be synced again."""
    of_station = _is(tenant_id, station_id)
    values: dict[str, Any] = {"version": None, "entries_version": None, "full": True}
    connection.execute(sa.update(local_list).where(of_station).values(values))
    wanted = sa.update(local_list).where(of_station, local_list.c.sync_state != 0).values(sync_state=SYNCING)
    return connection.execute(wanted).rowcount > 0


def encode_dropped(tokens: Sequence[DroppedToken]) -> str:
    """Dropped tokens as they are stored."""
    return msgspec.json.encode(tokens).decode()


def unique_key(station_id: str) -> str:
    """The unique key of the job that syncs a station's list."""
    return f"{_KEY_PREFIX}{station_id}"


def find_numbers(connection: Connection, tenant_id: str, station_id: str, names: Sequence[str]) -> dict[str, int]:
    """The values of a station's variables that are whole numbers, by name. One of an instance limits something else."""
    query = sa.select(variable.c.variable, variable.c.value).where(
        variable.c.tenant_id == tenant_id,
        variable.c.station_id == station_id,
        variable.c.variable.in_(names),
        variable.c.variable_instance == "",
    )
    return {
        row.variable: int(row.value) for row in connection.execute(query) if row.value.isascii() and row.value.isdigit()
    }


def _is(tenant_id: str, station_id: str) -> sa.ColumnElement[bool]:
    return (local_list.c.tenant_id == tenant_id) & (local_list.c.station_id == station_id)
