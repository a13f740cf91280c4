"""The SQL behind StationService: stations as operators see them. Each function is the work of one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import sqlalchemy as sa
from csms.station.v1 import station_pb2
from sqlalchemy import ColumnElement, Connection, Row, Select

from mesh.database.filters import SEARCH, Field, choice, search, switch
from mesh.database.orders import Order, SortField, Term, read_order
from mesh.database.pages import Page
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from station_svc.core import placement_store, present_store, variable_store
from station_svc.core.digests import HASH, WEAK
from station_svc.core.models import node, sighting, station, station_connection, station_placement
from station_svc.core.profiles import BY_CERTIFICATE
from station_svc.core.rows import BOOT_REFUSED, CLOCK_SKEW, UNRESPONSIVE, to_row
from station_svc.core.station_rows import ConditionRow, ConnectionRow, ConnectorRow, FailureRow, HandOver, StationRow

_STRENGTH = "CREDENTIAL_STRENGTH_"

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


def not_found(station_id: str) -> MeshError:
    """NOT_FOUND, reason STATION_NOT_FOUND: also for a station of another tenant."""
    return MeshError(grpc.StatusCode.NOT_FOUND, Reason.STATION_NOT_FOUND, f"there is no station {station_id!r}")


def is_connected(now_us: int) -> ColumnElement[bool]:
    """Whether a gateway holds the station's socket: its latest connection is open, on a node whose lease holds."""
    open_ = station_connection.c.disconnect_us.is_(None) & (node.c.lease_end_us > now_us)
    return sa.case((open_, sa.true()), else_=sa.false())


def station_filters(tenant_id: str, now_us: int) -> Mapping[str, Field]:
    """The fields that stations of a tenant may be filtered by."""
    return {
        **placement_store.conditions(tenant_id).fields(),
        SEARCH: search(
            station.c.station_id,
            station.c.display_name,
            sa.func.coalesce(station_placement.c.site_id, ""),
            station.c.vendor_name,
            station.c.model,
            station.c.serial_number,
            station.c.firmware_version,
        ),
        "station_id": Field(station.c.station_id),
        "connected": Field(is_connected(now_us), switch),
        "registration_status": Field(station.c.registration_status, _registration_status),
        "ocpp_version": Field(sa.func.coalesce(station_connection.c.ocpp_version, "")),
        "vendor_name": Field(station.c.vendor_name),
        "model": Field(station.c.model),
        "unresponsive": Field(present_store.has_condition(UNRESPONSIVE), switch),
        "credential_state": Field(_CREDENTIAL_STATE, _credential_state),
        "failed_credentials": Field(station.c.failed_credentials, int),
        "clock_skewed": Field(present_store.has_condition(CLOCK_SKEW), switch),
        "drifted": Field(variable_store.has_drifted(), switch),
        "boot_refused": Field(present_store.has_condition(BOOT_REFUSED), switch),
        "credential_strength": Field(_strength(), choice(dict(station_pb2.CredentialStrength.items()), _STRENGTH)),
    }


# Numbers of csms.station.v1.CredentialState.
_NONE, _HANDING_OVER, _NOT_TAKEN, _HELD = 1, 2, 3, 4
_CREDENTIAL_STATES = {"NONE": _NONE, "HANDING_OVER": _HANDING_OVER, "NOT_TAKEN": _NOT_TAKEN, "HELD": _HELD}
_CREDENTIAL_STATE = sa.case(
    (station.c.security_profile == BY_CERTIFICATE, _HELD),
    ((station.c.credential_digest != "") & (station.c.security_profile > 0), _HELD),
    (station.c.hand_over == HandOver.UNDER_WAY, _HANDING_OVER),
    (station.c.hand_over == HandOver.NOT_TAKEN, _NOT_TAKEN),
    else_=_NONE,
)


def _credential_state(text: str) -> int:
    word = text.upper().removeprefix("CREDENTIAL_STATE_")
    if word not in _CREDENTIAL_STATES:
        raise ValueError(f"one of {', '.join(_CREDENTIAL_STATES)} is needed")
    return _CREDENTIAL_STATES[word]


def _strength() -> ColumnElement[int]:
    """As station_svc.api.resource.to_strength has it."""
    return sa.case(
        (station.c.credential_digest == "", station_pb2.CREDENTIAL_STRENGTH_UNSPECIFIED),
        (station.c.credential_salt == WEAK, station_pb2.CREDENTIAL_STRENGTH_WEAK),
        (station.c.credential_salt == HASH, station_pb2.CREDENTIAL_STRENGTH_UNKNOWN),
        else_=station_pb2.CREDENTIAL_STRENGTH_STRONG,
    )


def _registration_status(text: str) -> int:
    words = {"ACCEPTED": 1, "PENDING": 2, "REJECTED": 3}
    word = text.upper().removeprefix("REGISTRATION_STATUS_")
    if word not in words:
        raise ValueError(f"one of {', '.join(words)} is needed")
    return words[word]


def get_station(connection: Connection, *, tenant_id: str, station_id: str, now_us: int) -> StationRow:
    """One station. Raises MeshError STATION_NOT_FOUND."""
    query = _station_query(tenant_id, now_us).where(station.c.station_id == station_id)
    found = _stations(connection, connection.execute(query).all())
    if not found:
        raise not_found(station_id)
    return found[0]


def station_order(text: str, now_us: int) -> Order:
    """The order that `order_by` asks for; by id where it is empty. Raises MeshError INVALID_FIELD."""
    station_id = SortField(station.c.station_id)
    seen = [sa.func.coalesce(moment, 0) for moment in (sighting.c.seen_us, station_connection.c.connect_us)]
    fields = {
        "station_id": station_id,
        "display_name": SortField(
            sa.func.lower(sa.case((station.c.display_name == "", station.c.station_id), else_=station.c.display_name))
        ),
        "site_id": SortField(sa.func.coalesce(station_placement.c.site_id, "")),
        "connected": SortField(sa.cast(is_connected(now_us), sa.Integer), int),
        "last_seen_time": SortField(sa.case((seen[0] > seen[1], seen[0]), else_=seen[1]), int),
        "create_time": SortField(station.c.create_us, int),
        "ocpp_version": SortField(sa.func.coalesce(station_connection.c.ocpp_version, "")),
        "vendor_name": SortField(sa.func.lower(station.c.vendor_name)),
        "model": SortField(sa.func.lower(station.c.model)),
        "firmware_version": SortField(sa.func.lower(station.c.firmware_version)),
    }
    return read_order(text, fields, [Term(name="station_id", field=station_id)])


def list_stations(
    connection: Connection, *, tenant_id: str, now_us: int, order: Order, page: Page
) -> Sequence[tuple[StationRow, tuple[Any, ...]]]:
    """Stations, each with its place in the order; `page.after` is the place of the last one."""
    rows = connection.execute(order.paged(_station_query(tenant_id, now_us), page)).all()
    return list(zip(_stations(connection, rows), map(order.place, rows), strict=True))


def _station_query(tenant_id: str, now_us: int) -> Select[Any]:
    joined = (
        station.outerjoin(station_connection, station_connection.c.epoch == station.c.latest_epoch)
        .outerjoin(node, node.c.node_id == station_connection.c.node_id)
        .outerjoin(
            sighting,
            (sighting.c.tenant_id == station.c.tenant_id) & (sighting.c.station_id == station.c.station_id),
        )
        .outerjoin(
            station_placement,
            (station_placement.c.tenant_id == station.c.tenant_id)
            & (station_placement.c.station_id == station.c.station_id),
        )
    )
    return (
        sa.select(
            station,
            station_connection.c.epoch,
            station_connection.c.ocpp_version,
            station_connection.c.node_id,
            station_connection.c.remote_address,
            station_connection.c.connect_us,
            station_connection.c.disconnect_us,
            station_connection.c.tls,
            station_connection.c.tls_version,
            station_connection.c.cipher_suite,
            station_connection.c.certificate_common_name,
            station_connection.c.certificate_serial_number,
            station_connection.c.certificate_fingerprint,
            station_connection.c.certificate_issuer,
            station_connection.c.certificate_expire_us,
            sighting.c.seen_us,
            station_placement.c.site_id,
            station_placement.c.labels,
            is_connected(now_us).label("connected"),
            _CREDENTIAL_STATE.label("credential_state"),
        )
        .select_from(joined)
        .where(station.c.tenant_id == tenant_id)
    )


def _stations(connection: Connection, rows: Sequence[Row[Any]]) -> Sequence[StationRow]:
    if not rows:
        return []
    tenant_id, ids = rows[0].tenant_id, [row.station_id for row in rows]
    connectors = present_store.connectors(connection, tenant_id, ids)
    quirks = present_store.quirks(connection, tenant_id, ids)
    conditions = present_store.conditions(connection, tenant_id, ids)
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
        next_security_profile=row.next_security_profile,
        pinned_ocpp_version=row.pinned_ocpp_version,
        expected_serial_number=row.expected_serial_number,
        confirmed_serial_number=row.confirmed_serial_number,
        credential_state=row.credential_state,
        credential_reason=row.hand_over_reason if row.credential_state == _NOT_TAKEN else "",
        failures=_to_failures(row),
        credential_salt=row.credential_salt,
        has_credential=bool(row.credential_digest),
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
        site_id=row.site_id or "",
        labels=placement_store.labels_of(row.labels),
    )


def _to_failures(row: Row[Any]) -> FailureRow | None:
    if row.failed_credential_us is None:
        return None
    return FailureRow(
        count=row.failed_credentials,
        last_us=row.failed_credential_us,
        last_address=row.failed_credential_address,
        last_reason=row.failed_credential_reason,
    )


def expect_station(connection: Connection, tenant_id: str, station_id: str) -> None:
    """Raises MeshError STATION_NOT_FOUND where the tenant has no such station."""
    query = sa.select(station.c.station_id).where(is_station(tenant_id, station_id))
    if connection.execute(query).first() is None:
        raise not_found(station_id)


def is_station(tenant_id: str, station_id: str) -> ColumnElement[bool]:
    """Whether a row of `station` is this one."""
    return (station.c.tenant_id == tenant_id) & (station.c.station_id == station_id)
