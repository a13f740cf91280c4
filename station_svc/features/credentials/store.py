"""The SQL of stations' credentials. Each function is part of a transaction.

Beside the credential in use, a station may have some that were delivered and not used yet. All are valid
until it is known which one it has: that one then replaces those before it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.audit.entries import Content, append
from mesh.contract.texts import replace_nul
from mesh.database.rowset import RowStatement
from mesh.events import outbox
from mesh.identity.acting import Actor, ActorKind
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import DAY_US
from station_svc.core import audit_store
from station_svc.core.certificate_age_store import from_us_once_proven
from station_svc.core.digests import StoredCredential, from_text, to_text
from station_svc.core.lock_store import StationKey, lock_stations
from station_svc.core.models import station
from station_svc.core.profiles import BY_CERTIFICATE
from station_svc.core.rows import ACCEPTED
from station_svc.core.socket_store import open_sockets
from station_svc.core.station_rows import HandOver, Socket
from station_svc.core.station_store import not_found
from station_svc.features.credentials import events
from station_svc.features.credentials.password_checks import Better

# Most credentials that are delivered one after the other without an answer of the station; the oldest are dropped
# first.
MOST_NEXT = 3
_MOST_REASON = 500
# A credential is required of a station that has one.
_AT_LEAST_BASIC = sa.case((station.c.security_profile == 0, 1), else_=station.c.security_profile)


@dataclass
class Failures:
    """Handshakes in a station's name that were refused, since they were last written down."""

    count: int
    last_us: int
    last_address: str
    last_reason: str


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """A station connected with a delivered credential; `left` are those that were delivered later."""

    tenant_id: str
    station_id: str
    credential: StoredCredential
    left: Sequence[StoredCredential]


def replace_credential(
    connection: Connection, *, tenant_id: str, station_id: str, credential: StoredCredential, now_us: int
) -> Sequence[Socket]:
    """Replaces a station's credentials, and requires the new one from now on. Raises MeshError STATION_NOT_FOUND.

    Returns the sockets to close, since they were opened with a credential that has ended.
    """
    return _put(connection, tenant_id, station_id, credential, now_us, pushed=False)


def offer_next(connection: Connection, *, tenant_id: str, station_id: str, credential: StoredCredential) -> None:
    """Adds a credential that is about to be delivered; it is valid from now on, beside those that the station has."""
    offered = [*_held_next(connection, tenant_id, station_id), credential][-MOST_NEXT:]
    _set_next(connection, tenant_id, station_id, offered)


def take_next(
    connection: Connection, *, tenant_id: str, station_id: str, credential: StoredCredential, now_us: int
) -> Sequence[Socket]:
    """Records that the station accepted a credential: all others end.

    Returns the sockets to close: none where the station connected with that one already, or has another by now.
    """
    if credential not in _held_next(connection, tenant_id, station_id):
        return []
    return _put(connection, tenant_id, station_id, credential, now_us, pushed=True)


def withdraw_next(connection: Connection, *, tenant_id: str, station_id: str, credential: StoredCredential) -> None:
    """Removes a credential that the station rejected."""
    held = _held_next(connection, tenant_id, station_id)
    if credential in held:
        _set_next(connection, tenant_id, station_id, [one for one in held if one != credential])


_PROMOTE = RowStatement(
    """
    UPDATE station SET credential_salt = rows.salt, credential_digest = rows.digest, next_credentials = rows.left_over,
      security_profile = CASE WHEN security_profile = 0 THEN 1 ELSE security_profile END, update_us = :now_us,
      certificates_from_us = CASE WHEN security_profile = 0 THEN :now_us ELSE certificates_from_us END,
      hand_over = 0, hand_over_reason = ''
    FROM {rows} WHERE station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    """,
    tenant_id="text",
    station_id="text",
    salt="text",
    digest="text",
    left_over="text",
)


def promote(connection: Connection, promotions: Iterable[Promotion], now_us: int) -> None:
    """Promotes delivered credentials with which stations connected; the stations are locked by this transaction."""
    latest = {(one.tenant_id, one.station_id): one for one in promotions}
    if not latest:
        return
    for key in sorted(latest):
        _audit(connection, *key, now_us, did="used a new credential", actor=audit_store.as_station(key[1]))
    rows = [
        {
            "tenant_id": tenant_id,
            "station_id": station_id,
            "salt": one.credential.salt,
            "digest": one.credential.digest,
            "left_over": to_text(one.left),
        }
        for (tenant_id, station_id), one in sorted(latest.items())
    ]
    _PROMOTE.run(connection, rows, now_us=now_us)
    outbox.append(connection, [_changed(*key, now_us, pushed=True) for key in sorted(latest)])


_KEEP_BETTER = RowStatement(
    """
    UPDATE station SET credential_salt = rows.salt, credential_digest = rows.digest FROM {rows}
    WHERE station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
      AND station.credential_salt = rows.old_salt AND station.credential_digest = rows.old_digest
    """,
    tenant_id="text",
    station_id="text",
    salt="text",
    digest="text",
    old_salt="text",
    old_digest="text",
)


def keep_better(connection: Connection, *, better: Iterable[Better]) -> None:
    """Keeps other hashes of the same credentials; one that was replaced meanwhile stays replaced."""
    rows = [
        {
            "tenant_id": one.station[0],
            "station_id": one.station[1],
            "salt": one.new.salt,
            "digest": one.new.digest,
            "old_salt": one.old.salt,
            "old_digest": one.old.digest,
        }
        for one in sorted(better, key=lambda one: one.station)
    ]
    _KEEP_BETTER.run(connection, rows)


@dataclass(frozen=True, kw_only=True)
class CredentialStatus:
    """The state of a station, as far as its first credential is concerned."""

    is_accepted: bool
    is_booted: bool  # since it was accepted
    has_credential: bool


def find_credential_status(connection: Connection, *, tenant_id: str, station_id: str) -> CredentialStatus | None:
    """The status of a station's credential; None where it was removed."""
    columns = (station.c.registration_status, station.c.boot_status, station.c.credential_digest)
    row = connection.execute(sa.select(*columns).where(_is(tenant_id, station_id))).first()
    if row is None:
        return None
    return CredentialStatus(
        is_accepted=row.registration_status == ACCEPTED,
        is_booted=row.boot_status == ACCEPTED,
        has_credential=bool(row.credential_digest),
    )


def begin_first(connection: Connection, *, tenant_id: str, station_id: str) -> bool:
    """Begins the delivery of a station's first credential; False where it has one, or proves itself otherwise."""
    query = (
        sa.update(station)
        .where(
            _is(tenant_id, station_id),
            station.c.credential_digest == "",
            station.c.security_profile != BY_CERTIFICATE,
        )
        .values(hand_over=HandOver.UNDER_WAY, hand_over_reason="")
    )
    return connection.execute(query).rowcount == 1


def fail_first(connection: Connection, *, tenant_id: str, station_id: str, error: MeshError, now_us: int) -> bool:
    """Records that a station did not accept its first credential; False where it has one by now, or was removed."""
    reason = replace_nul(f"{error.reason}: {error.message}")[:_MOST_REASON]  # a part of it is the station's own text
    query = (
        sa.update(station)
        .where(_is(tenant_id, station_id), station.c.credential_digest == "")
        .values(hand_over=HandOver.NOT_TAKEN, hand_over_reason=reason, update_us=now_us)
    )
    if connection.execute(query).rowcount == 0:
        return False
    event = events.credential_not_taken(tenant_id=tenant_id, station_id=station_id, error=error, now_us=now_us)
    outbox.append(connection, [event])
    return True


RUN_US = DAY_US
"""Refused handshakes of a station belong together unless there were none for this long."""

_NOTE_FAILURES = RowStatement(
    """
    UPDATE station SET failed_credentials = station.failed_credentials + rows.count,
      failed_credential_us = rows.last_us, failed_credential_address = rows.last_address,
      failed_credential_reason = rows.last_reason,
      failed_credential_begin_us = CASE WHEN station.failed_credential_us > rows.run_since_us
        THEN COALESCE(station.failed_credential_begin_us, station.failed_credential_us) ELSE rows.last_us END,
      failed_credentials_before = CASE WHEN station.failed_credential_us > rows.run_since_us
        THEN station.failed_credentials_before ELSE station.failed_credentials END
    FROM {rows} WHERE station.tenant_id = rows.tenant_id AND station.station_id = rows.station_id
    RETURNING station.tenant_id, station.station_id, station.failed_credentials
    """,
    tenant_id="text",
    station_id="text",
    count="bigint",
    last_us="bigint",
    last_address="text",
    last_reason="text",
    run_since_us="bigint",
)


def note_failures(connection: Connection, failures: Mapping[StationKey, Failures], now_us: int) -> None:
    """Handshakes in the names of these stations failed, since the last note."""
    # Locked in the order in which all that changes stations locks them.
    lock_stations(connection, failures.keys())
    noted = [
        {
            "tenant_id": tenant_id,
            "station_id": station_id,
            **asdict(failures[tenant_id, station_id]),
            "run_since_us": failures[tenant_id, station_id].last_us - RUN_US,
        }
        for tenant_id, station_id in sorted(failures)
    ]
    rows = _NOTE_FAILURES.run(connection, noted).all()
    published = [
        events.credential_failed(
            tenant_id=row.tenant_id,
            station_id=row.station_id,
            count=failures[row.tenant_id, row.station_id].count,
            total=row.failed_credentials,
            address=failures[row.tenant_id, row.station_id].last_address,
            reason=failures[row.tenant_id, row.station_id].last_reason,
            now_us=now_us,
        )
        for row in rows
    ]
    outbox.append(connection, published)
    _audit_failures(
        connection, {(row.tenant_id, row.station_id): failures[row.tenant_id, row.station_id] for row in rows}, now_us
    )


# Stations with an entry of their own in one note; of the others there is one for each tenant, which counts them.
_MOST_AUDITED = 50
_HANDSHAKE = "handshake"


def _audit_failures(connection: Connection, failures: Mapping[StationKey, Failures], now_us: int) -> None:
    """Records the failed handshakes. A client that makes them up cannot fill the table."""
    by_count = sorted(failures, key=lambda one: (-failures[one].count, one))
    for tenant_id, station_id in by_count[:_MOST_AUDITED]:
        failed = failures[tenant_id, station_id]
        content = Content(
            action=_HANDSHAKE,
            actor_kind=ActorKind.ANONYMOUS,
            address=failed.last_address,
            resource_type="station",
            resource=station_id,
            station_id=station_id,
            outcome=failed.last_reason,
            count=failed.count,
        )
        append(connection, tenant_id, [content], time_us=now_us)
    others: Counter[str] = Counter()
    for tenant_id, station_id in by_count[_MOST_AUDITED:]:
        others[tenant_id] += failures[tenant_id, station_id].count
    for tenant_id, count in sorted(others.items()):
        content = Content(
            action=_HANDSHAKE, actor_kind=ActorKind.ANONYMOUS, outcome=Reason.WRONG_CREDENTIALS, count=count
        )
        append(connection, tenant_id, [content], time_us=now_us)


def _audit(
    connection: Connection, tenant_id: str, station_id: str, now_us: int, *, did: str, actor: Actor | None = None
) -> None:
    """Records a new credential of a station, never the credential; with it a station has profile 1 at least."""
    before = audit_store.hold(connection, tenant_id, station_id)
    if before is None:
        return
    after = before | {"security_profile": before["security_profile"] or 1}
    details = {"did": did}
    audit_store.changed(
        connection, tenant_id, station_id, before=before, after=after, details=details, actor=actor, now_us=now_us
    )


def _put(
    connection: Connection, tenant_id: str, station_id: str, credential: StoredCredential, now_us: int, *, pushed: bool
) -> Sequence[Socket]:
    _audit(connection, tenant_id, station_id, now_us, did="has a new credential")
    query = (
        sa.update(station)
        .where(_is(tenant_id, station_id))
        .values(
            credential_salt=credential.salt,
            credential_digest=credential.digest,
            next_credentials="",
            security_profile=_AT_LEAST_BASIC,
            certificates_from_us=from_us_once_proven(now_us),
            hand_over=HandOver.NONE,
            hand_over_reason="",
            update_us=now_us,
        )
        .returning(station.c.latest_epoch)
    )
    row = connection.execute(query).first()
    if row is None:
        raise not_found(station_id)
    outbox.append(connection, [_changed(tenant_id, station_id, now_us, pushed=pushed)])
    return open_sockets(connection, row.latest_epoch, now_us)


def _held_next(connection: Connection, tenant_id: str, station_id: str) -> Sequence[StoredCredential]:
    """The credentials that were delivered to the station, oldest first; it is locked. Empty where it was removed."""
    query = sa.select(station.c.next_credentials).where(_is(tenant_id, station_id)).with_for_update()
    return from_text(connection.execute(query).scalar() or "")


def _set_next(connection: Connection, tenant_id: str, station_id: str, credentials: Sequence[StoredCredential]) -> None:
    query = sa.update(station).where(_is(tenant_id, station_id)).values(next_credentials=to_text(credentials))
    connection.execute(query)


def _is(tenant_id: str, station_id: str) -> ColumnElement[bool]:
    return (station.c.tenant_id == tenant_id) & (station.c.station_id == station_id)


def _changed(tenant_id: str, station_id: str, now_us: int, *, pushed: bool) -> outbox.OutboxEvent:
    return events.credential_changed(tenant_id=tenant_id, station_id=station_id, pushed=pushed, now_us=now_us)
