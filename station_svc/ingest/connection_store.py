"""The SQL of gateways and their sockets: leases, connections that open and close.

Of two connections of one station the later one has the higher epoch: its row is locked before one is given.
"""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import grpc
from sqlalchemy import Connection, text

from mesh.contract.quirk_names import QuirkName
from mesh.database.rowset import RowStatement, columns_of
from mesh.events import outbox
from mesh.events.outbox import OutboxEvent
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, unavailable
from station_svc.core import audit_store, models, quota_store, serial_number_store
from station_svc.core import digests as credentials
from station_svc.core.events import created
from station_svc.core.lock_store import Json, StationKey, lock_stations
from station_svc.core.names import ID_RULE, is_new_station_id, is_station_id
from station_svc.core.rows import ACCEPTED
from station_svc.core.station_rows import TlsEnd
from station_svc.features.credentials import profile_store
from station_svc.features.credentials import store as credential_store
from station_svc.features.credentials.password_checks import Proofs
from station_svc.ingest import events
from station_svc.ingest.authentication import confirmed_profile, promotions, refusal_of
from station_svc.ingest.rows import Closed, ConnectionAttempt, Opened, Superseded, Tls, Unproven
from station_svc.ingest.tenant_rules import TenantRule
from station_svc.jobs import store as job_store

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


_LOCK_CONNECTING = RowStatement(
    """
    SELECT station.tenant_id, station.station_id, station.registration_status, station.security_profile,
           station.credential_salt, station.credential_digest, station.next_credentials, station.latest_epoch,
           station.boot_status, station.pinned_ocpp_version, station.next_security_profile,
           station.expected_serial_number, station.confirmed_serial_number,
           station.create_us, station.certificates_from_us
    FROM {rows} JOIN station ON station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    ORDER BY station.tenant_id, station.station_id FOR UPDATE OF station
    """,
    tenant_id="text",
    station_id="text",
)
_REGISTER = RowStatement(
    """
    INSERT INTO station (tenant_id, station_id, registration_status, create_us, update_us)
    SELECT rows.tenant_id, rows.station_id, rows.status, :now_us, :now_us
    FROM {rows} WHERE true ORDER BY rows.tenant_id, rows.station_id
    ON CONFLICT (tenant_id, station_id) DO NOTHING RETURNING tenant_id, station_id, registration_status
    """,
    tenant_id="text",
    station_id="text",
    status="integer",
)
_PREVIOUS = RowStatement(
    """
    SELECT connection.epoch, connection.ocpp_version, connection.disconnect_us, connection.opening_id, node.address
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
_CONNECTED = (
    *("tenant_id", "station_id", "node_id", "ocpp_version", "remote_address", "opening_id"),
    *("tls", "tls_version", "cipher_suite", "certificate_common_name", "certificate_serial_number"),
    *("certificate_fingerprint", "certificate_issuer", "certificate_expire_us", "certificate_issue_us"),
)
_CONNECT = RowStatement(
    f"""
    INSERT INTO connection ({", ".join(_CONNECTED)}, connect_us) SELECT {", ".join(_CONNECTED)}, :now_us
    FROM {{rows}} ORDER BY position
    RETURNING epoch
    """,  # noqa: S608 - the project's own column names
    position="integer",
    **columns_of(models.station_connection, *_CONNECTED),
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
    """The rules for stations that connect. `tenants` has the rule of each tenant, or why its stations are refused."""

    now_us: int
    tenants: Mapping[str, TenantRule | MeshError]
    proofs: Proofs


def open_connections(
    connection: Connection, attempts: Sequence[ConnectionAttempt], rules: OpeningRules
) -> list[Opened | Unproven | MeshError]:
    """Admits stations; one result per attempt, in their order. A station's newest connection supersedes the others."""
    served = {tenant_id for tenant_id, rule in rules.tenants.items() if isinstance(rule, TenantRule)}
    named = {
        attempt.station for attempt in attempts if attempt.tenant_id in served and is_station_id(attempt.station_id)
    }
    faultless = {attempt.station for attempt in attempts if attempt.certificate_error is None}
    stations, full = _find_stations(connection, named, faultless, rules)
    nodes = [{"node_id": node_id} for node_id in {attempt.node_id for attempt in attempts}]
    live = {row.node_id: row.address for row in _LIVE_NODES.run(connection, nodes, now_us=rules.now_us)}
    attempts = [_with_version(attempt, stations.get(attempt.station)) for attempt in attempts]
    refusals = [
        _tenant_refusal(attempt, rules.tenants.get(attempt.tenant_id), full)
        or _refusal(attempt, stations.get(attempt.station), live.keys(), rules.proofs)
        for attempt in attempts
    ]
    welcome = [attempt for attempt, refusal in zip(attempts, refusals, strict=True) if refusal is None]
    opened = iter(_admit(connection, welcome, stations, live, rules.now_us))
    credential_store.promote(connection, promotions(welcome, stations), rules.now_us)
    confirmed = {one.station: confirmed_profile(one, stations[one.station], rules.proofs) for one in welcome}
    profile_store.confirm(connection, {key: profile for key, profile in confirmed.items() if profile}, rules.now_us)
    return [refusal or next(opened) for refusal in refusals]


def _find_stations(
    connection: Connection, keys: set[StationKey], faultless: set[StationKey], rules: OpeningRules
) -> tuple[dict[StationKey, Any], set[StationKey]]:
    """The rows of the stations, locked; unknown ones are registered where the onboarding rule allows it.

    That is for `faultless` ones: a certificate that proves nothing registers nobody.
    Also the keys of those that would be too many for their tenants.
    """
    found = _lock_connecting(connection, keys)
    unknown = sorted(key for key in (keys & faultless) - found.keys() if is_new_station_id(key[1]))
    wanted, full = _within_quotas(connection, _nameable(connection, unknown, rules), rules)
    if not wanted:
        return found, full
    new = _REGISTER.run(connection, wanted, now_us=rules.now_us).all()
    outbox.append(connection, [_onboarded(row, rules.now_us) for row in new])
    for row in new:
        _audit_onboarded(connection, row, rules.now_us)
    return found | _lock_connecting(connection, {(row["tenant_id"], row["station_id"]) for row in wanted}), full


def _nameable(connection: Connection, unknown: Sequence[StationKey], rules: OpeningRules) -> list[StationKey]:
    """The stations that may be registered, of unknown ones: none whose name is another one's known serial number."""
    allowed: dict[str, list[str]] = {}
    for tenant_id, station_id in unknown:
        rule = rules.tenants[tenant_id]
        if isinstance(rule, TenantRule) and rule.register_as is not None:
            allowed.setdefault(tenant_id, []).append(station_id)
    found: list[StationKey] = []
    for tenant_id, station_ids in sorted(allowed.items()):
        quota_store.lock(connection, tenant_id)
        in_use = serial_number_store.names_in_use(connection, tenant_id, station_ids)
        found += [(tenant_id, station_id) for station_id in station_ids if station_id not in in_use]
    return found


def _within_quotas(
    connection: Connection, unknown: Sequence[StationKey], rules: OpeningRules
) -> tuple[list[Json], set[StationKey]]:
    """The stations to register, as rows in the order of their keys, and those that are too many for their tenants."""
    wanted: list[Json] = []
    full: set[StationKey] = set()
    rooms: dict[str, int] = {}
    for tenant_id, station_id in unknown:
        rule = rules.tenants[tenant_id]
        if isinstance(rule, MeshError) or rule.register_as is None:
            continue
        if rule.max_stations:
            if tenant_id not in rooms:
                rooms[tenant_id] = quota_store.room(connection, tenant_id=tenant_id, most=rule.max_stations)
            if not rooms[tenant_id]:
                full.add((tenant_id, station_id))
                continue
            rooms[tenant_id] -= 1
        wanted.append({"tenant_id": tenant_id, "station_id": station_id, "status": rule.register_as})
    return wanted, full


def _audit_onboarded(connection: Connection, row: Any, now_us: int) -> None:
    after = {
        "registration_status": row.registration_status,
        "display_name": "",
        "security_profile": 0,
        "pinned_ocpp_version": "",
        "expected_serial_number": "",
    }
    audit_store.changed(
        connection,
        row.tenant_id,
        row.station_id,
        before=None,
        after=after,
        actor=audit_store.as_station(row.station_id),
        now_us=now_us,
    )


def _onboarded(row: Any, now_us: int) -> OutboxEvent:
    return created(
        tenant_id=row.tenant_id,
        station_id=row.station_id,
        registration_status=row.registration_status,
        onboarded=True,
        now_us=now_us,
    )


def _lock_connecting(connection: Connection, keys: Collection[StationKey]) -> dict[StationKey, Any]:
    rows = [{"tenant_id": tenant_id, "station_id": station_id} for tenant_id, station_id in keys]
    return {(row.tenant_id, row.station_id): row for row in _LOCK_CONNECTING.run(connection, rows)}


def _tenant_refusal(
    attempt: ConnectionAttempt, rule: TenantRule | MeshError | None, full: Container[StationKey]
) -> MeshError | None:
    if isinstance(rule, MeshError):
        return rule
    if rule is None:
        return _unknown(attempt)
    return quota_store.quota_reached(rule.max_stations) if attempt.station in full else None


def _unknown(attempt: ConnectionAttempt) -> MeshError:
    """The same for a tenant that does not exist and for a station that its tenant does not have."""
    return MeshError(
        grpc.StatusCode.NOT_FOUND, Reason.STATION_UNKNOWN, f"no station {attempt.station_id} is registered here"
    )


def _refusal(
    attempt: ConnectionAttempt, station: Any, live_nodes: Container[str], proofs: Proofs
) -> MeshError | Unproven | None:
    if attempt.node_id not in live_nodes:
        return unavailable(Reason.NODE_LEASE_EXPIRED, "this gateway's lease has run out: renew it first")
    if station is None and is_station_id(attempt.station_id) and not is_new_station_id(attempt.station_id):
        return MeshError(
            grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_STATION_ID, f"this is no station's identity: {ID_RULE}"
        )
    if station is None:
        return _unknown(attempt)
    if attempt.certificate_error is not None:
        return attempt.certificate_error
    refusal = refusal_of(attempt, station, proofs)
    return _version_refusal(attempt, station) if refusal is None else refusal


def _with_version(attempt: ConnectionAttempt, station: Any) -> ConnectionAttempt:
    """The attempt with the version that its station is pinned to, where it offers that."""
    pinned = "" if station is None else station.pinned_ocpp_version
    return replace(attempt, ocpp_version=pinned) if pinned in attempt.offered_ocpp_versions else attempt


def _version_refusal(attempt: ConnectionAttempt, station: Any) -> MeshError | None:
    pinned = station.pinned_ocpp_version
    if pinned in {"", attempt.ocpp_version}:
        return None
    return MeshError(
        grpc.StatusCode.FAILED_PRECONDITION,
        Reason.VERSION_NOT_OFFERED,
        f"station {attempt.station_id} is pinned to OCPP {pinned}, which it does not offer",
    )


def _admit(
    connection: Connection,
    attempts: Sequence[ConnectionAttempt],
    stations: Mapping[StationKey, Any],
    addresses: Mapping[str, str],
    now_us: int,
) -> list[Opened]:
    if not attempts:
        return []
    previous = _previous(connection, [stations[attempt.station].latest_epoch for attempt in attempts], now_us)
    latest = {key: station.latest_epoch for key, station in stations.items()}
    repeated = [_is_repeated(attempt, previous.get(latest[attempt.station])) for attempt in attempts]
    fresh = [attempt for attempt, known in zip(attempts, repeated, strict=True) if not known]
    epochs = iter(_connect(connection, fresh, now_us))
    opened: list[Opened] = []
    for attempt, known in zip(attempts, repeated, strict=True):
        station = stations[attempt.station]
        before = None if known else previous.get(latest[attempt.station])
        one = Opened(
            tenant_id=station.tenant_id,
            epoch=station.latest_epoch if known else next(epochs),
            booted=station.registration_status == ACCEPTED and station.boot_status == ACCEPTED,
            registration_status=station.registration_status,
            superseded=before.superseded if before else None,
            quirks=_connection_quirks(attempt, station, before),
            ocpp_version=attempt.ocpp_version,
        )
        opened.append(one)
        if not known:
            # The same station may connect twice in one batch, at one node or at two.
            latest[attempt.station] = one.epoch
            superseded = Superseded(epoch=one.epoch, node_address=addresses[attempt.node_id])
            previous[one.epoch] = _Previous(ocpp_version=attempt.ocpp_version, superseded=superseded)
    new = [(attempt, one) for attempt, one, known in zip(attempts, opened, repeated, strict=True) if not known]
    _SET_LATEST.run(connection, _latest_rows(new))
    outbox.append(connection, [events.connected(attempt, one, now_us) for attempt, one in new])
    back = {attempt.station for attempt, one in new if one.booted}
    job_store.wake(connection, back, run_us=now_us + job_store.BOOT_ALLOWANCE_US)
    return opened


@dataclass(frozen=True, kw_only=True)
class _Previous:
    """A station's connection before this one; `superseded` where it still counted as open."""

    ocpp_version: str
    superseded: Superseded | None
    opening_id: str = ""


def _is_repeated(attempt: ConnectionAttempt, latest: _Previous | None) -> bool:
    """Whether an earlier attempt of this handshake, whose answer was lost, opened its station's latest connection."""
    return latest is not None and bool(attempt.opening_id) and attempt.opening_id == latest.opening_id


def _previous(connection: Connection, epochs: Sequence[int], now_us: int) -> dict[int, _Previous]:
    rows = _PREVIOUS.run(connection, [{"epoch": epoch} for epoch in set(epochs) if epoch], now_us=now_us)
    return {
        row.epoch: _Previous(
            ocpp_version=row.ocpp_version,
            superseded=Superseded(epoch=row.epoch, node_address=row.address) if row.disconnect_us is None else None,
            opening_id=row.opening_id,
        )
        for row in rows
    }


def _connection_quirks(attempt: ConnectionAttempt, station: Any, before: _Previous | None) -> Sequence[str]:
    """The quirks of a station's connection (docs/QUIRKS.md)."""
    odd = []
    if before is not None and before.ocpp_version != attempt.ocpp_version:
        odd.append(QuirkName.VERSION_CHANGED)
    if station.security_profile and _is_ours(station) and credentials.was_decoded(attempt.credential):
        odd.append(QuirkName.CREDENTIAL_DECODED)
    return odd


def _is_ours(station: Any) -> bool:
    """Whether its credential was generated here; those are hexadecimal."""
    return station.credential_salt not in credentials.SLOW


def _connect(connection: Connection, attempts: Sequence[ConnectionAttempt], now_us: int) -> Sequence[int]:
    """Adds the connections; their epochs, in the order of the attempts: the database gives them in that order."""
    rows = [
        {
            "position": position,
            "tenant_id": attempt.tenant_id,
            "station_id": attempt.station_id,
            "node_id": attempt.node_id,
            "ocpp_version": attempt.ocpp_version,
            "remote_address": attempt.remote_address,
            "opening_id": attempt.opening_id,
            **_tls_row(attempt.tls),
        }
        for position, attempt in enumerate(attempts)
    ]
    return sorted(row.epoch for row in _CONNECT.run(connection, rows, now_us=now_us))


def _tls_row(tls: Tls | None) -> Json:
    tls = tls or Tls(end=TlsEnd.NONE)
    shown = tls.certificate
    return {
        "tls": tls.end.value,
        "tls_version": tls.version,
        "cipher_suite": tls.cipher_suite,
        "certificate_common_name": shown.common_name if shown else "",
        "certificate_serial_number": shown.serial_number if shown else "",
        "certificate_fingerprint": shown.fingerprint if shown else "",
        "certificate_issuer": shown.issuer if shown else "",
        "certificate_expire_us": shown.expire_us if shown else None,
        "certificate_issue_us": shown.issue_us if shown else None,
    }


def _latest_rows(opened: Sequence[tuple[ConnectionAttempt, Opened]]) -> list[Json]:
    latest = {
        attempt.station: {"tenant_id": one.tenant_id, "station_id": attempt.station_id, "epoch": one.epoch}
        for attempt, one in opened
    }
    return list(latest.values())


_DISCONNECT = RowStatement(
    """
    UPDATE connection SET disconnect_us = rows.disconnect_us, close_code = rows.close_code FROM {rows}
    WHERE connection.epoch = rows.epoch AND connection.tenant_id = rows.tenant_id
      AND connection.station_id = rows.station_id AND connection.disconnect_us IS NULL
    RETURNING connection.epoch
    """,
    **columns_of(models.station_connection, "tenant_id", "station_id", "epoch", "disconnect_us", "close_code"),
)


# An opening names its own station only, so that no gateway closes a connection of another.
_FIND_OPENINGS = RowStatement(
    """
    SELECT connection.epoch, rows.opening_id
    FROM {rows} JOIN connection ON connection.opening_id = rows.opening_id AND connection.opening_id <> ''
      AND connection.tenant_id = rows.tenant_id AND connection.station_id = rows.station_id
      AND connection.disconnect_us IS NULL
    """,
    **columns_of(models.station_connection, "tenant_id", "station_id", "opening_id"),
)


def close_connections(connection: Connection, closed: Sequence[Closed]) -> list[None]:
    """Records that sockets are closed. Only the close of a station's latest connection makes it disconnected."""
    named = _with_epochs(connection, closed) if any(one.opening_id for one in closed) else closed
    stations = lock_stations(connection, {(one.tenant_id, one.station_id) for one in named})
    rows = [
        {
            "tenant_id": one.tenant_id,
            "station_id": one.station_id,
            "epoch": one.epoch,
            "disconnect_us": one.disconnect_us,
            "close_code": one.close_code,
        }
        for one in named
    ]
    changed = set(_DISCONNECT.run(connection, rows).scalars())
    gone = {
        one.epoch: one
        for one in named
        if one.epoch in changed
        and (station := stations.get((one.tenant_id, one.station_id))) is not None
        and station.latest_epoch == one.epoch
    }
    outbox.append(connection, map(events.disconnected, gone.values()))
    return [None] * len(closed)


def _with_epochs(connection: Connection, closed: Sequence[Closed]) -> list[Closed]:
    """Finds the connections of handshakes whose opening had no answer; one that was not opened is left out.

    The stations are locked first: an opening that is just being committed is waited for.
    """
    _lock_connecting(connection, {(one.tenant_id, one.station_id) for one in closed})
    asked = {one.opening_id: one for one in closed if one.opening_id}
    rows = [
        {"tenant_id": one.tenant_id, "station_id": one.station_id, "opening_id": one.opening_id}
        for one in asked.values()
    ]
    found = [replace(asked[row.opening_id], epoch=row.epoch) for row in _FIND_OPENINGS.run(connection, rows)]
    return [*(one for one in closed if not one.opening_id), *found]
