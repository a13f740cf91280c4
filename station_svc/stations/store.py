"""The SQL behind StationService: stations as operators see them. Each function is the work of one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import grpc
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection, Row, Select
from sqlalchemy.dialects import postgresql, sqlite

from mesh import outbox
from mesh.errors import MeshError
from mesh.filters import Field, switch
from station_svc import events
from station_svc.credentials.digests import StoredCredential
from station_svc.jobs import store as job_store
from station_svc.models import (
    allocation,
    charging_profile,
    condition,
    connection,
    connector,
    data_transfer,
    installed_certificate,
    local_list,
    message,
    node,
    quirk,
    removal,
    reservation,
    sighting,
    station,
    status_report,
    task,
    variable,
)
from station_svc.rows import (
    ACCEPTED,
    CLOCK_SKEW,
    UNRESPONSIVE,
    ConditionRow,
    ConnectionRow,
    ConnectorRow,
    Frame,
    MessageRow,
    Page,
    Socket,
    StationRow,
    Status,
    Transfer,
    VariableRow,
)
from station_svc.stations import present_store

T = TypeVar("T")

IDENTITY = (
    station.c.model,
    station.c.vendor_name,
    station.c.serial_number,
    station.c.firmware_version,
    station.c.iccid,
    station.c.imsi,
    station.c.meter_serial_number,
    station.c.meter_type,
    station.c.charge_box_serial_number,
)
_VARIABLE_KEY = (
    variable.c.component,
    variable.c.variable,
    variable.c.component_instance,
    variable.c.evse_id,
    variable.c.connector_id,
    variable.c.variable_instance,
    variable.c.attribute_type,
)
# Rows of a station's present that go with it at once; its history goes in the background.
_PRESENT = (
    connector,
    sighting,
    quirk,
    condition,
    variable,
    local_list,
    charging_profile,
    reservation,
    allocation,
    task,
    installed_certificate,
)


def not_found(station_id: str) -> MeshError:
    """NOT_FOUND, reason STATION_NOT_FOUND: also for a station of another tenant."""
    return MeshError(grpc.StatusCode.NOT_FOUND, "STATION_NOT_FOUND", f"there is no station {station_id!r}")


def is_connected(now_us: int) -> ColumnElement[bool]:
    """Whether a gateway holds the station's socket: its latest connection is open, on a node whose lease holds."""
    open_ = connection.c.disconnect_us.is_(None) & (node.c.lease_end_us > now_us)
    return sa.case((open_, sa.true()), else_=sa.false())


def station_filters(now_us: int) -> Mapping[str, Field]:
    """What stations may be filtered by."""
    return {
        "station_id": Field(station.c.station_id),
        "connected": Field(is_connected(now_us), switch),
        "registration_status": Field(station.c.registration_status, _registration_status),
        "ocpp_version": Field(sa.func.coalesce(connection.c.ocpp_version, "")),
        "vendor_name": Field(station.c.vendor_name),
        "model": Field(station.c.model),
        "unresponsive": Field(present_store.has_condition(UNRESPONSIVE), switch),
        "clock_skewed": Field(present_store.has_condition(CLOCK_SKEW), switch),
    }


def message_filters(directions: Mapping[str, int]) -> Mapping[str, Field]:
    """What messages may be filtered by; `directions` are the words for a direction."""

    def direction(text: str) -> int:
        if text.upper() not in directions:
            raise ValueError(f"one of {', '.join(directions)} is needed")
        return directions[text.upper()]

    return {
        "action": Field(message.c.action),
        "direction": Field(message.c.direction, direction),
        "message_id": Field(message.c.message_id),
        "message_type": Field(message.c.message_type, _message_type),
    }


def _message_type(text: str) -> int:
    if text not in set("023456"):
        raise ValueError("an OCPP-J message type, 2 to 6, or 0 for unreadable frames, is needed")
    return int(text)


def _registration_status(text: str) -> int:
    words = {"ACCEPTED": 1, "PENDING": 2, "REJECTED": 3}
    word = text.upper().removeprefix("REGISTRATION_STATUS_")
    if word not in words:
        raise ValueError(f"one of {', '.join(words)} is needed")
    return words[word]


# --- reading -------------------------------------------------------------------------------------------------------


def get_station(db: Connection, *, tenant_id: str, station_id: str, now_us: int) -> StationRow:
    """One station. Raises MeshError STATION_NOT_FOUND."""
    found = _stations(db, _station_query(tenant_id, now_us).where(station.c.station_id == station_id))
    if not found:
        raise not_found(station_id)
    return found[0]


def list_stations(db: Connection, *, tenant_id: str, now_us: int, page: Page) -> Sequence[StationRow]:
    """Stations by id; `page.after` is the id of the last one."""
    query = _station_query(tenant_id, now_us).order_by(station.c.station_id).limit(page.limit)
    if page.condition is not None:
        query = query.where(page.condition)
    if page.after is not None:
        query = query.where(station.c.station_id > page.after[0])
    return _stations(db, query)


def _station_query(tenant_id: str, now_us: int) -> Select[Any]:
    joined = (
        station.outerjoin(connection, connection.c.epoch == station.c.latest_epoch)
        .outerjoin(node, node.c.node_id == connection.c.node_id)
        .outerjoin(
            sighting,
            (sighting.c.tenant_id == station.c.tenant_id) & (sighting.c.station_id == station.c.station_id),
        )
    )
    return (
        sa.select(
            station,
            connection.c.epoch,
            connection.c.ocpp_version,
            connection.c.node_id,
            connection.c.remote_address,
            connection.c.connect_us,
            connection.c.disconnect_us,
            sighting.c.seen_us,
            is_connected(now_us).label("connected"),
        )
        .select_from(joined)
        .where(station.c.tenant_id == tenant_id)
    )


def _stations(db: Connection, query: Select[Any]) -> Sequence[StationRow]:
    rows = db.execute(query).all()
    if not rows:
        return []
    tenant_id, ids = rows[0].tenant_id, [row.station_id for row in rows]
    connectors = present_store.connectors(db, tenant_id, ids)
    quirks = present_store.quirks(db, tenant_id, ids)
    conditions = present_store.conditions(db, tenant_id, ids)
    return [
        _to_station(
            row,
            connectors=connectors.get(row.station_id, []),
            quirks=quirks.get(row.station_id, {}),
            conditions=conditions.get(row.station_id, []),
        )
        for row in rows
    ]


def _to_station(
    row: Row[Any],
    *,
    connectors: Sequence[ConnectorRow],
    quirks: Mapping[str, int],
    conditions: Sequence[ConditionRow],
) -> StationRow:
    # Each of these is a sign of life, and may be newer than the last sighting.
    signs = [row.seen_us, row.boot_us, row.connect_us, *(one.receive_us for one in connectors)]
    return StationRow(
        station_id=row.station_id,
        registration_status=row.registration_status,
        display_name=row.display_name,
        security_profile=row.security_profile,
        identity={column.name: getattr(row, column.name) for column in IDENTITY},
        boot_reason=row.boot_reason,
        boot_us=row.boot_us,
        create_us=row.create_us,
        update_us=row.update_us,
        connected=bool(row.connected),
        connection=None if row.epoch is None else to_row(ConnectionRow, row),
        seen_us=max((sign for sign in signs if sign is not None), default=None),
        connectors=connectors,
        quirks=quirks,
        conditions=conditions,
    )


def list_messages(db: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[MessageRow]:
    """Frames, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    return [to_row(MessageRow, row) for row in history(db, message, tenant_id, station_id, page)]


def list_status_reports(db: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[Status]:
    """Statuses, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    rows = history(db, status_report, tenant_id, station_id, page)
    return [to_row(Status, row, frame=to_row(Frame, row)) for row in rows]


def list_data_transfers(db: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[Transfer]:
    """Vendors' own messages, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND."""
    rows = history(db, data_transfer, tenant_id, station_id, page)
    return [to_row(Transfer, row, frame=to_row(Frame, row)) for row in rows]


def history(db: Connection, table: sa.Table, tenant_id: str, station_id: str, page: Page) -> Sequence[Row[Any]]:
    """Rows of a station's history, newest first; `page.after` is (epoch, ordinal). Raises MeshError STATION_NOT_FOUND.

    `table` has one row per frame, by its epoch and ordinal, which housekeeping_store removes with the station.
    """
    expect_station(db, tenant_id, station_id)
    # What an earlier station of this name left, while it is still being removed.
    removed = sa.select(removal.c.through_epoch).where(
        removal.c.tenant_id == tenant_id, removal.c.station_id == station_id
    )
    query = (
        sa.select(table)
        .where(
            table.c.tenant_id == tenant_id,
            table.c.station_id == station_id,
            table.c.epoch > sa.func.coalesce(removed.scalar_subquery(), -1),
        )
        .order_by(table.c.epoch.desc(), table.c.ordinal.desc())
        .limit(page.limit)
    )
    if page.condition is not None:
        query = query.where(page.condition)
    if page.after is not None:
        query = query.where(sa.tuple_(table.c.epoch, table.c.ordinal) < sa.tuple_(*page.after))
    return db.execute(query).all()


def list_variables(db: Connection, *, tenant_id: str, station_id: str, page: Page) -> Sequence[VariableRow]:
    """Variables by name; `page.after` is VariableRow.key. Raises MeshError STATION_NOT_FOUND."""
    expect_station(db, tenant_id, station_id)
    query = (
        sa.select(variable)
        .where(variable.c.tenant_id == tenant_id, variable.c.station_id == station_id)
        .order_by(*_VARIABLE_KEY)
        .limit(page.limit)
    )
    if page.after is not None:
        query = query.where(sa.tuple_(*_VARIABLE_KEY) > sa.tuple_(*page.after))
    return [to_row(VariableRow, row) for row in db.execute(query)]


def expect_station(db: Connection, tenant_id: str, station_id: str) -> None:
    """Raises MeshError STATION_NOT_FOUND where the tenant has no such station."""
    query = sa.select(station.c.station_id).where(_is(tenant_id, station_id))
    if db.execute(query).first() is None:
        raise not_found(station_id)


# --- changing ------------------------------------------------------------------------------------------------------


def create_station(
    db: Connection,
    *,
    tenant_id: str,
    station_id: str,
    registration_status: int,
    display_name: str,
    security_profile: int,
    credential: StoredCredential,
    now_us: int,
) -> None:
    """Adds a station. Raises MeshError STATION_EXISTS, whichever tenant has one of that name."""
    values = {
        "tenant_id": tenant_id,
        "station_id": station_id,
        "registration_status": registration_status,
        "display_name": display_name,
        "security_profile": security_profile,
        "credential_salt": credential.salt,
        "credential_digest": credential.digest,
        "create_us": now_us,
        "update_us": now_us,
    }
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    added = db.execute(insert(station).values(values).on_conflict_do_nothing().returning(station.c.station_id))
    if added.first() is None:
        raise MeshError(grpc.StatusCode.ALREADY_EXISTS, "STATION_EXISTS", f"there is a station {station_id!r} already")
    event = events.created(
        tenant_id=tenant_id,
        station_id=station_id,
        registration_status=registration_status,
        onboarded=False,
        now_us=now_us,
    )
    outbox.append(db, [event])


def update_station(
    db: Connection, *, tenant_id: str, station_id: str, values: Mapping[str, str | int], now_us: int
) -> Sequence[Socket]:
    """Changes columns of a station. Raises MeshError STATION_NOT_FOUND.

    Returns the sockets that are to be closed, since they were opened by a station that was still accepted.
    """
    held = sa.select(station.c.registration_status).where(_is(tenant_id, station_id)).with_for_update()
    status_before = db.execute(held).scalar()
    query = (
        sa.update(station)
        .where(_is(tenant_id, station_id))
        .values(**values, update_us=now_us)
        .returning(station.c.registration_status, station.c.latest_epoch)
    )
    row = db.execute(query).first()
    if row is None:
        raise not_found(station_id)
    status = row.registration_status
    event = events.updated(tenant_id=tenant_id, station_id=station_id, registration_status=status, now_us=now_us)
    outbox.append(db, [event])
    return open_sockets(db, row.latest_epoch, now_us) if status_before == ACCEPTED != status else []


def find_socket(db: Connection, *, tenant_id: str, station_id: str, now_us: int) -> Socket | None:
    """Where a station's socket is; None where no gateway holds it. Raises MeshError STATION_NOT_FOUND."""
    latest = db.execute(sa.select(station.c.latest_epoch).where(_is(tenant_id, station_id))).scalar()
    if latest is None:
        raise not_found(station_id)
    return next(iter(open_sockets(db, latest, now_us)), None)


def delete_station(db: Connection, *, tenant_id: str, station_id: str, now_us: int) -> Sequence[Socket]:
    """Removes a station; its history is removed in the background, but not to be seen from now on.

    Returns the sockets that are to be closed. Raises MeshError STATION_NOT_FOUND.
    """
    query = sa.delete(station).where(_is(tenant_id, station_id)).returning(station.c.latest_epoch)
    latest_epoch = db.execute(query).scalar()
    if latest_epoch is None:
        raise not_found(station_id)
    for table in _PRESENT:
        db.execute(sa.delete(table).where(table.c.tenant_id == tenant_id, table.c.station_id == station_id))
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    tombstone = insert(removal).values(tenant_id=tenant_id, station_id=station_id, through_epoch=latest_epoch)
    db.execute(
        tombstone.on_conflict_do_update(
            index_elements=[removal.c.tenant_id, removal.c.station_id],
            set_={"through_epoch": tombstone.excluded.through_epoch},
        )
    )
    outbox.append(db, [events.deleted(tenant_id=tenant_id, station_id=station_id, now_us=now_us)])
    job_store.wake(db, [(tenant_id, station_id)], run_us=now_us)  # they end: there is no such station
    return _close_latest(db, latest_epoch, now_us)


def _close_latest(db: Connection, epoch: int, now_us: int) -> Sequence[Socket]:
    closed = (
        sa.update(connection)
        .where(connection.c.epoch == epoch, connection.c.disconnect_us.is_(None))
        .values(disconnect_us=now_us)
        .returning(connection.c.station_id, connection.c.node_id)
    )
    row = db.execute(closed).first()
    if row is None:
        return []
    address = db.execute(sa.select(node.c.address).where(node.c.node_id == row.node_id, node.c.lease_end_us > now_us))
    return [Socket(station_id=row.station_id, epoch=epoch, address=found) for found in address.scalars()]


def open_sockets(db: Connection, epoch: int, now_us: int) -> Sequence[Socket]:
    """Where a connection's socket is: one, or none where it is closed or its gateway is gone."""
    query = (
        sa.select(connection.c.station_id, node.c.address)
        .join(node, node.c.node_id == connection.c.node_id)
        .where(connection.c.epoch == epoch, connection.c.disconnect_us.is_(None), node.c.lease_end_us > now_us)
    )
    return [Socket(station_id=row.station_id, epoch=epoch, address=row.address) for row in db.execute(query)]


def _is(tenant_id: str, station_id: str) -> ColumnElement[bool]:
    return (station.c.tenant_id == tenant_id) & (station.c.station_id == station_id)


def to_row(kind: type[T], row: Any, **given: Any) -> T:
    """A frozen dataclass from the columns of the same names."""
    names = [one.name for one in fields(kind) if one.name not in given]  # type: ignore[arg-type]
    return kind(**{name: getattr(row, name) for name in names}, **given)
