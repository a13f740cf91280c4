"""The SQL of what gateways report. Each function is the work of one transaction, with a constant number of statements.

Stations are locked in the order of their keys before anything of them is changed, so that concurrent batches cannot
deadlock, and so that of two connections of one station the later one has the higher epoch. A frame of a station that
was removed is not stored.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import grpc
from sqlalchemy import Connection, text

from mesh import outbox
from mesh.errors import MeshError, unavailable
from mesh.outbox import OutboxEvent
from mesh.quirks import QuirkName
from mesh.rowset import RowStatement
from mesh.times import SECOND_US
from station_svc import events
from station_svc.charging_profiles import rules as charging_profiles
from station_svc.credentials import digests as credentials
from station_svc.credentials import store as credential_store
from station_svc.credentials.digests import StoredCredential
from station_svc.credentials.store import Promotion
from station_svc.ingest import condition_store
from station_svc.jobs import store as job_store
from station_svc.names import is_station_id
from station_svc.rows import (
    ACCEPTED,
    AVAILABLE,
    DEFAULT_TENANT,
    TRIGGERED,
    Boot,
    Booted,
    Closed,
    Frame,
    Knock,
    Opened,
    Sighting,
    Status,
    Superseded,
    Transfer,
)

Json = dict[str, Any]
StationKey = tuple[str, str]

_RENEW_LEASE = text(
    """
    INSERT INTO node (node_id, address, lease_end_us) VALUES (:node_id, :address, :lease_end_us)
    ON CONFLICT (node_id) DO UPDATE SET address = excluded.address,
      lease_end_us = CASE WHEN excluded.lease_end_us > node.lease_end_us
                          THEN excluded.lease_end_us ELSE node.lease_end_us END
    """
)


def renew_lease(connection: Connection, *, node_id: str, address: str, lease_end_us: int) -> None:
    """Lets a node's lease run until `lease_end_us`, or longer where it already does."""
    parameters = {"node_id": node_id, "address": address, "lease_end_us": lease_end_us}
    connection.execute(_RENEW_LEASE, parameters)


# --- connections ---------------------------------------------------------------------------------------------------

_LOCK_KNOCKING = RowStatement(
    """
    SELECT station.tenant_id, station.station_id, station.registration_status, station.security_profile,
           station.credential_salt, station.credential_digest, station.next_credentials, station.latest_epoch,
           station.boot_status
    FROM {rows} JOIN station ON station.station_id = rows.station_id
    ORDER BY station.tenant_id, station.station_id FOR UPDATE OF station
    """,
    station_id="text",
)
_REGISTER = RowStatement(
    """
    INSERT INTO station (tenant_id, station_id, registration_status, create_us, update_us)
    SELECT :tenant_id, rows.station_id, :status, :now_us, :now_us FROM {rows} WHERE true ORDER BY rows.station_id
    ON CONFLICT (station_id) DO NOTHING RETURNING station_id
    """,
    station_id="text",
)
_PREVIOUS = RowStatement(
    """
    SELECT connection.epoch, connection.ocpp_version, connection.disconnect_us, node.address
    FROM {rows} JOIN connection ON connection.epoch = rows.epoch
    LEFT JOIN node ON node.node_id = connection.node_id AND node.lease_end_us > :now_us
    """,
    epoch="bigint",
)
_LIVE_NODES = RowStatement(
    """
    SELECT node.node_id, node.address
    FROM {rows} JOIN node ON node.node_id = rows.node_id AND node.lease_end_us > :now_us
    """,
    node_id="text",
)
_CONNECT = RowStatement(
    """
    INSERT INTO connection (tenant_id, station_id, node_id, ocpp_version, remote_address, connect_us)
    SELECT tenant_id, station_id, node_id, ocpp_version, remote_address, :now_us FROM {rows} ORDER BY position
    RETURNING epoch, station_id
    """,
    position="integer",
    tenant_id="text",
    station_id="text",
    node_id="text",
    ocpp_version="text",
    remote_address="text",
)
_SET_LATEST = RowStatement(
    """
    UPDATE station SET latest_epoch = rows.epoch FROM {rows}
    WHERE station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    """,
    tenant_id="text",
    station_id="text",
    epoch="bigint",
)


@dataclass(frozen=True, kw_only=True)
class OpeningRules:
    """What decides over stations that knock. `register_as` is the status of stations never seen; None refuses them."""

    now_us: int
    register_as: int | None


def open_connections(connection: Connection, knocks: Sequence[Knock], rules: OpeningRules) -> list[Opened | MeshError]:
    """Lets in who may come in; one result per knock, in their order. The newest connection of a station wins."""
    named = {knock.station_id for knock in knocks if is_station_id(knock.station_id)}
    stations = _find_stations(connection, named, rules)
    nodes = [{"node_id": node_id} for node_id in {knock.node_id for knock in knocks}]
    live = {row.node_id: row.address for row in _LIVE_NODES.run(connection, nodes, now_us=rules.now_us)}
    refusals = [_refusal(knock, stations.get(knock.station_id), live.keys()) for knock in knocks]
    welcome = [knock for knock, refusal in zip(knocks, refusals, strict=True) if refusal is None]
    opened = iter(_let_in(connection, welcome, stations, live, rules.now_us))
    credential_store.promote(connection, _promotions(welcome, stations), rules.now_us)
    return [refusal or next(opened) for refusal in refusals]


def _find_stations(connection: Connection, station_ids: set[str], rules: OpeningRules) -> dict[str, Any]:
    """The rows of the stations, locked; unknown ones are registered where the rules say so."""
    found = _lock_knocking(connection, station_ids)
    unknown = station_ids - found.keys()
    if not unknown or rules.register_as is None:
        return found
    new = _REGISTER.run(
        connection,
        [{"station_id": station_id} for station_id in sorted(unknown)],
        tenant_id=DEFAULT_TENANT,
        status=rules.register_as,
        now_us=rules.now_us,
    ).scalars()
    outbox.append(connection, [_onboarded(station_id, rules) for station_id in new])
    return found | _lock_knocking(connection, unknown)


def _onboarded(station_id: str, rules: OpeningRules) -> OutboxEvent:
    return events.created(
        tenant_id=DEFAULT_TENANT,
        station_id=station_id,
        registration_status=rules.register_as or 0,
        onboarded=True,
        now_us=rules.now_us,
    )


def _lock_knocking(connection: Connection, station_ids: set[str]) -> dict[str, Any]:
    rows = _LOCK_KNOCKING.run(connection, [{"station_id": station_id} for station_id in station_ids])
    return {row.station_id: row for row in rows}


def _refusal(knock: Knock, station: Any, live_nodes: Container[str]) -> MeshError | None:
    if knock.node_id not in live_nodes:
        return unavailable("NODE_LEASE_EXPIRED", "this gateway's lease has run out: renew it first")
    if station is None:
        return MeshError(
            grpc.StatusCode.NOT_FOUND, "STATION_UNKNOWN", f"no station {knock.station_id} is registered here"
        )
    if station.security_profile == 0:
        return None
    current = StoredCredential(salt=station.credential_salt, digest=station.credential_digest)
    if any(_brings(knock, one) for one in (current, *credentials.from_text(station.next_credentials))):
        return None
    return MeshError(
        grpc.StatusCode.UNAUTHENTICATED, "WRONG_CREDENTIALS", f"station {knock.station_id} did not prove who it is"
    )


def _brings(knock: Knock, stored: StoredCredential) -> bool:
    return knock.username in {"", knock.station_id} and credentials.matches(stored, knock.credential)


def _promotions(knocks: Sequence[Knock], stations: Mapping[str, Any]) -> Iterator[Promotion]:
    """The stations that came with a credential that they had been handed."""
    for knock in knocks:
        station = stations[knock.station_id]
        handed = credentials.from_text(station.next_credentials)
        for number, one in enumerate(handed, 1):
            if _brings(knock, one):
                yield Promotion(
                    tenant_id=station.tenant_id,
                    station_id=knock.station_id,
                    credential=one,
                    left=handed[number:],
                )


def _let_in(
    connection: Connection,
    knocks: Sequence[Knock],
    stations: Mapping[str, Any],
    addresses: Mapping[str, str],
    now_us: int,
) -> list[Opened]:
    if not knocks:
        return []
    previous = _previous(connection, [stations[knock.station_id].latest_epoch for knock in knocks], now_us)
    epochs = _connect(connection, knocks, stations, now_us)
    opened: list[Opened] = []
    latest = {station_id: station.latest_epoch for station_id, station in stations.items()}
    for knock, epoch in zip(knocks, epochs, strict=True):
        station = stations[knock.station_id]
        before = previous.get(latest[knock.station_id])
        opened.append(
            Opened(
                tenant_id=station.tenant_id,
                epoch=epoch,
                booted=station.registration_status == ACCEPTED and station.boot_status == ACCEPTED,
                registration_status=station.registration_status,
                superseded=before.superseded if before else None,
                quirks=_oddities(knock, station, before),
            )
        )
        # The same station may knock twice in one batch, at one node or at two.
        latest[knock.station_id] = epoch
        superseded = Superseded(epoch=epoch, node_address=addresses[knock.node_id])
        previous[epoch] = _Previous(ocpp_version=knock.ocpp_version, superseded=superseded)
    _SET_LATEST.run(connection, _latest_rows(knocks, opened))
    outbox.append(connection, [events.connected(knock, one, now_us) for knock, one in zip(knocks, opened, strict=True)])
    back = {(one.tenant_id, knock.station_id) for knock, one in zip(knocks, opened, strict=True) if one.booted}
    job_store.wake(connection, back, run_us=now_us + job_store.SETTLE_US)
    return opened


@dataclass(frozen=True, kw_only=True)
class _Previous:
    """A station's connection before this one; `superseded` where it still counted as open."""

    ocpp_version: str
    superseded: Superseded | None


def _previous(connection: Connection, epochs: Sequence[int], now_us: int) -> dict[int, _Previous]:
    rows = _PREVIOUS.run(connection, [{"epoch": epoch} for epoch in set(epochs) if epoch], now_us=now_us)
    return {
        row.epoch: _Previous(
            ocpp_version=row.ocpp_version,
            superseded=Superseded(epoch=row.epoch, node_address=row.address) if row.disconnect_us is None else None,
        )
        for row in rows
    }


def _oddities(knock: Knock, station: Any, before: _Previous | None) -> Sequence[str]:
    """What is odd about a station's connection (docs/QUIRKS.md)."""
    odd = []
    if before is not None and before.ocpp_version != knock.ocpp_version:
        odd.append(QuirkName.VERSION_CHANGED)
    if station.security_profile and credentials.was_decoded(knock.credential):
        odd.append(QuirkName.CREDENTIAL_DECODED)
    return odd


def _connect(
    connection: Connection, knocks: Sequence[Knock], stations: Mapping[str, Any], now_us: int
) -> Sequence[int]:
    """Adds the connections; their epochs, in the order of the knocks: the database gives them in that order."""
    rows = [
        {
            "position": position,
            "tenant_id": stations[knock.station_id].tenant_id,
            "station_id": knock.station_id,
            "node_id": knock.node_id,
            "ocpp_version": knock.ocpp_version,
            "remote_address": knock.remote_address,
        }
        for position, knock in enumerate(knocks)
    ]
    return sorted(row.epoch for row in _CONNECT.run(connection, rows, now_us=now_us))


def _latest_rows(knocks: Sequence[Knock], opened: Sequence[Opened]) -> list[Json]:
    latest = {
        knock.station_id: {"tenant_id": one.tenant_id, "station_id": knock.station_id, "epoch": one.epoch}
        for knock, one in zip(knocks, opened, strict=True)
    }
    return list(latest.values())


_LOCK_STATIONS = RowStatement(
    """
    SELECT station.tenant_id, station.station_id, station.latest_epoch, station.registration_status,
           station.boot_status, station.boot_epoch, station.boot_us
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    ORDER BY station.tenant_id, station.station_id FOR UPDATE OF station
    """,
    tenant_id="text",
    station_id="text",
)
_DISCONNECT = RowStatement(
    """
    UPDATE connection SET disconnect_us = rows.disconnect_us, close_code = rows.close_code FROM {rows}
    WHERE connection.epoch = rows.epoch AND connection.tenant_id = rows.tenant_id
      AND connection.station_id = rows.station_id AND connection.disconnect_us IS NULL
    RETURNING connection.epoch
    """,
    tenant_id="text",
    station_id="text",
    epoch="bigint",
    disconnect_us="bigint",
    close_code="integer",
)


def close_connections(connection: Connection, closed: Sequence[Closed]) -> list[None]:
    """Notes that sockets are closed. Only the close of a station's latest connection tells that it is gone."""
    stations = _lock_stations(connection, {(one.tenant_id, one.station_id) for one in closed})
    changed = set(_DISCONNECT.run(connection, [asdict(one) for one in closed]).scalars())
    gone = {
        one.epoch: one
        for one in closed
        if one.epoch in changed
        and (station := stations.get((one.tenant_id, one.station_id))) is not None
        and station.latest_epoch == one.epoch
    }
    outbox.append(connection, map(events.disconnected, gone.values()))
    return [None] * len(closed)


def _lock_stations(connection: Connection, keys: set[StationKey]) -> dict[StationKey, Any]:
    rows = _LOCK_STATIONS.run(connection, [{"tenant_id": key[0], "station_id": key[1]} for key in keys])
    return {(row.tenant_id, row.station_id): row for row in rows}


# --- boots ---------------------------------------------------------------------------------------------------------

IDENTITY = (
    "model",
    "vendor_name",
    "serial_number",
    "firmware_version",
    "iccid",
    "imsi",
    "meter_serial_number",
    "meter_type",
    "charge_box_serial_number",
)
_BOOT = RowStatement(
    f"""
    UPDATE station SET {", ".join(f"{name} = rows.{name}" for name in IDENTITY)},
      boot_epoch = rows.epoch, boot_ordinal = rows.ordinal, boot_reason = rows.reason, boot_us = rows.receive_us,
      boot_status = rows.status, update_us = :now_us
    FROM {{rows}}
    WHERE station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
      AND (station.boot_epoch, station.boot_ordinal) < (rows.epoch, rows.ordinal)
    """,  # noqa: S608 - our own column names
    tenant_id="text",
    station_id="text",
    epoch="bigint",
    ordinal="bigint",
    receive_us="bigint",
    reason="integer",
    status="integer",
    **dict.fromkeys(IDENTITY, "text"),
)


# A station that has work to do and boots again within this time after it booted (quirk 24).
_SOON_US = 600 * SECOND_US


def record_boots(connection: Connection, boots: Sequence[Boot], now_us: int) -> list[Booted | MeshError]:
    """Records boots; for each, what the station is answered, or that there is no such station."""
    stations = _lock_stations(connection, {boot.frame.station for boot in boots})
    known = sorted((boot for boot in boots if boot.frame.station in stations), key=lambda boot: boot.frame.version)
    latest = {boot.frame.station: boot for boot in known}
    statuses = {key: station.registration_status for key, station in stations.items()}
    _BOOT.run(connection, (_boot_row(boot, statuses[boot.frame.station]) for boot in latest.values()), now_us=now_us)
    outbox.append(connection, [events.booted(boot, statuses[boot.frame.station]) for boot in known])
    accepted = {key for key in latest if statuses[key] == ACCEPTED}
    job_store.wake(connection, accepted, run_us=now_us + job_store.SETTLE_US)
    return [_to_booted(boot, stations.get(boot.frame.station)) or _removed(boot.frame) for boot in boots]


def _to_booted(boot: Boot, station: Any) -> Booted | None:
    if station is None:
        return None
    # One that was not accepted is to boot again, and one that was asked to boot did not restart.
    soon = (
        station.boot_status == ACCEPTED
        and boot.reason != TRIGGERED
        and 0 <= boot.frame.receive_us - station.boot_us < _SOON_US
        and boot.frame.epoch >= station.boot_epoch
    )
    return Booted(registration_status=station.registration_status, quirks=(QuirkName.REBOOTED_SOON,) if soon else ())


def _boot_row(boot: Boot, status: int) -> Json:
    return {**_frame_row(boot.frame), **boot.identity, "reason": boot.reason, "status": status}


# --- statuses ------------------------------------------------------------------------------------------------------

_STATUS_COLUMNS = {
    "tenant_id": "text",
    "station_id": "text",
    "epoch": "bigint",
    "ordinal": "bigint",
    "receive_us": "bigint",
    "evse_id": "integer",
    "connector_id": "integer",
    "status": "integer",
    "reported_status": "text",
    "error_code": "text",
    "info": "text",
    "vendor_id": "text",
    "vendor_error_code": "text",
    "status_us": "bigint",
}
_KNOWN_STATIONS = RowStatement(
    """
    SELECT station.tenant_id, station.station_id
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    """,
    tenant_id="text",
    station_id="text",
)
_REPORT = RowStatement(
    """
    INSERT INTO status_report (tenant_id, station_id, epoch, ordinal, evse_id, connector_id, status, reported_status,
                               error_code, info, vendor_id, vendor_error_code, status_us, receive_us)
    SELECT tenant_id, station_id, epoch, ordinal, evse_id, connector_id, status, reported_status,
           error_code, info, vendor_id, vendor_error_code, status_us, receive_us
    FROM {rows} WHERE true ON CONFLICT (tenant_id, station_id, epoch, ordinal) DO NOTHING
    """,
    **_STATUS_COLUMNS,
)
# One row per connector. `changed_*` become the frame's own where the status became another one, which RETURNING tells.
_CURRENT = RowStatement(
    """
    INSERT INTO connector (tenant_id, station_id, evse_id, connector_id, status, reported_status, error_code,
                           status_us, receive_us, epoch, ordinal, changed_epoch, changed_ordinal)
    SELECT tenant_id, station_id, evse_id, connector_id, status, reported_status, error_code,
           COALESCE(status_us, receive_us), receive_us, epoch, ordinal, epoch, ordinal
    FROM {rows} WHERE true
    ON CONFLICT (tenant_id, station_id, evse_id, connector_id) DO UPDATE SET
      status = excluded.status, reported_status = excluded.reported_status, error_code = excluded.error_code,
      status_us = excluded.status_us, receive_us = excluded.receive_us,
      epoch = excluded.epoch, ordinal = excluded.ordinal,
      changed_epoch = CASE WHEN (connector.status, connector.reported_status, connector.error_code)
                              = (excluded.status, excluded.reported_status, excluded.error_code)
                           THEN connector.changed_epoch ELSE excluded.epoch END,
      changed_ordinal = CASE WHEN (connector.status, connector.reported_status, connector.error_code)
                                = (excluded.status, excluded.reported_status, excluded.error_code)
                             THEN connector.changed_ordinal ELSE excluded.ordinal END
    WHERE (connector.epoch, connector.ordinal) < (excluded.epoch, excluded.ordinal)
    RETURNING epoch, ordinal, changed_epoch, changed_ordinal
    """,
    **_STATUS_COLUMNS,
)


def record_statuses(connection: Connection, statuses: Sequence[Status]) -> list[MeshError | None]:
    """Adds statuses to the history, and to the connectors where they are newer than what is known.

    Where several statuses of one connector stand in one batch, there is one event, for the last.
    """
    keys = _known_stations(connection, {status.frame.station for status in statuses})
    known = sorted((status for status in statuses if status.frame.station in keys), key=_connector_order)
    rows = [_status_row(status) for status in known]
    if rows:
        _REPORT.run(connection, rows)
        latest = {_connector_key(status): (status, row) for status, row in zip(known, rows, strict=True)}
        current = _CURRENT.run(connection, (row for _status, row in latest.values()))
        changed = {
            (row.epoch, row.ordinal)
            for row in current
            if (row.epoch, row.ordinal) == (row.changed_epoch, row.changed_ordinal)
        }
        news = [status for status, _row in latest.values() if status.frame.version in changed]
        outbox.append(connection, map(events.status_changed, news))
        charging_profiles.end_at(connection, _freed(news))
    return [None if status.frame.station in keys else _removed(status.frame) for status in statuses]


def _freed(statuses: Iterable[Status]) -> dict[tuple[str, str, int], int]:
    """The EVSEs at which no transaction can go on any more, and since when."""
    return {
        (*status.frame.station, status.evse_id): status.frame.receive_us
        for status in statuses
        if status.status == AVAILABLE and status.evse_id
    }


def _known_stations(connection: Connection, keys: set[StationKey]) -> set[StationKey]:
    rows = _KNOWN_STATIONS.run(connection, [{"tenant_id": key[0], "station_id": key[1]} for key in keys])
    return {(row.tenant_id, row.station_id) for row in rows}


def _connector_key(status: Status) -> tuple[str, str, int, int]:
    return status.frame.tenant_id, status.frame.station_id, status.evse_id, status.connector_id


def _connector_order(status: Status) -> tuple[Any, ...]:
    return _connector_key(status), status.frame.version


def _status_row(status: Status) -> Json:
    return {
        **_frame_row(status.frame),
        "evse_id": status.evse_id,
        "connector_id": status.connector_id,
        "status": status.status,
        "reported_status": status.reported_status,
        "error_code": status.error_code,
        "info": status.info,
        "vendor_id": status.vendor_id,
        "vendor_error_code": status.vendor_error_code,
        "status_us": status.status_us,
    }


# --- vendors' own messages, signs of life ----------------------------------------------------------------------------

_TRANSFER = RowStatement(
    """
    INSERT INTO data_transfer (tenant_id, station_id, epoch, ordinal, vendor_id, message_id, data, status, receive_us)
    SELECT tenant_id, station_id, epoch, ordinal, vendor_id, message_id, data, status, receive_us
    FROM {rows} WHERE true ON CONFLICT (tenant_id, station_id, epoch, ordinal) DO NOTHING
    """,
    tenant_id="text",
    station_id="text",
    epoch="bigint",
    ordinal="bigint",
    vendor_id="text",
    message_id="text",
    data="text",
    status="integer",
    receive_us="bigint",
)


def record_transfers(connection: Connection, transfers: Sequence[Transfer]) -> list[int | MeshError]:
    """Stores vendors' own messages; for each, what the station is answered."""
    keys = _known_stations(connection, {transfer.frame.station for transfer in transfers})
    known = [transfer for transfer in transfers if transfer.frame.station in keys]
    known.sort(key=lambda transfer: (transfer.frame.station, transfer.frame.version))
    _TRANSFER.run(
        connection,
        (
            {
                **_frame_row(transfer.frame),
                "vendor_id": transfer.vendor_id,
                "message_id": transfer.message_id,
                "data": transfer.data,
                "status": transfer.status,
            }
            for transfer in known
        ),
    )
    outbox.append(connection, map(events.data_transferred, known))
    return [transfer.status if transfer.frame.station in keys else _removed(transfer.frame) for transfer in transfers]


_SEE = RowStatement(
    """
    INSERT INTO sighting (tenant_id, station_id, seen_us)
    SELECT rows.tenant_id, rows.station_id, rows.seen_us
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    WHERE true ORDER BY station.tenant_id, station.station_id
    ON CONFLICT (tenant_id, station_id) DO UPDATE SET seen_us = excluded.seen_us
    WHERE sighting.seen_us < excluded.seen_us
    """,
    tenant_id="text",
    station_id="text",
    seen_us="bigint",
)
_COUNT_QUIRKS = RowStatement(
    """
    INSERT INTO quirk (tenant_id, station_id, name, count)
    SELECT rows.tenant_id, rows.station_id, rows.name, rows.count
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    WHERE true ORDER BY station.tenant_id, station.station_id, rows.name
    ON CONFLICT (tenant_id, station_id, name) DO UPDATE SET count = quirk.count + excluded.count
    """,
    tenant_id="text",
    station_id="text",
    name="text",
    count="bigint",
)


def record_sightings(connection: Connection, sightings: Sequence[Sighting]) -> list[None]:
    """Notes when stations were last seen and what is wrong with them, and counts the faults that were mended."""
    condition_store.record_conditions(connection, sightings)  # first: it locks stations
    seen: dict[StationKey, int] = {}
    faults: dict[tuple[str, str, str], int] = {}
    for one in sightings:
        key = (one.tenant_id, one.station_id)
        seen[key] = max(one.seen_us, seen.get(key, 0))
        for name, count in one.quirks.items():
            faults[*key, name] = faults.get((*key, name), 0) + count
    _SEE.run(
        connection, ({"tenant_id": key[0], "station_id": key[1], "seen_us": seen_us} for key, seen_us in seen.items())
    )
    if faults:
        _COUNT_QUIRKS.run(
            connection,
            (
                {"tenant_id": tenant_id, "station_id": station_id, "name": name, "count": count}
                for (tenant_id, station_id, name), count in faults.items()
            ),
        )
    return [None] * len(sightings)


def _frame_row(frame: Frame) -> Json:
    return {
        "tenant_id": frame.tenant_id,
        "station_id": frame.station_id,
        "epoch": frame.epoch,
        "ordinal": frame.ordinal,
        "receive_us": frame.receive_us,
    }


def _removed(frame: Frame) -> MeshError:
    return MeshError(grpc.StatusCode.NOT_FOUND, "STATION_UNKNOWN", f"no station {frame.station_id} is registered here")
