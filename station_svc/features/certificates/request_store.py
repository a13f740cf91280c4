"""The SQL of requests for certificates. Each function is part of a transaction."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import grpc
import sqlalchemy as sa
from sqlalchemy import ColumnElement, Connection

from mesh.database.filters import Field
from mesh.database.pages import Page
from mesh.database.rowset import RowStatement, columns_of
from mesh.events import outbox
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import DAY_US, SECOND_US
from station_svc.core import certificate_age_store, retention_store, serial_number_store
from station_svc.core.history_store import of_station, of_stations
from station_svc.core.list_store import paged
from station_svc.core.lock_store import lock_stations
from station_svc.core.models import variable
from station_svc.core.rows import Frame, to_row
from station_svc.core.station_store import expect_station
from station_svc.features.certificates import events
from station_svc.features.certificates.models import certificate_request
from station_svc.features.certificates.rows import CertificateRequestRow, NewRequest, RequestState, Signed, Taken
from station_svc.jobs import store as job_store
from station_svc.jobs.rows import NewJob

KIND = "certificate"
"""The kind of job that has a request signed, where it is not yet, and hands the certificate to its station."""

# A station is answered first; the replica that has the request has this long to have it signed before the job does.
HEAD_START_US = SECOND_US
# A station no longer waits for a certificate that could not be delivered for so long.
GIVEN_UP_US = 7 * DAY_US
SUPERSEDED = Reason.SUPERSEDED

FrameKey = tuple[str, str, int, int]
"""Tenant, station, epoch, ordinal."""


def remove_old(connection: Connection, *, before_us: int, limit: int) -> int:
    """Removes up to `limit` older requests; returns how many. One whose certificate is valid stays."""
    ended = certificate_request.c.expire_us.is_(None) | (certificate_request.c.expire_us < before_us)
    age = certificate_request.c.receive_us
    return retention_store.remove_old(connection, age=age, before_us=before_us, limit=limit, condition=ended)


_ADD = RowStatement(
    """
    INSERT INTO certificate_request (tenant_id, station_id, epoch, ordinal, receive_us, certificate_type, csr_sha256,
                                     csr, state, update_us)
    SELECT tenant_id, station_id, epoch, ordinal, receive_us, certificate_type, csr_sha256, csr, :state, :now_us
    FROM {rows} WHERE true ON CONFLICT (tenant_id, station_id, epoch, ordinal) DO NOTHING
    """,
    **columns_of(
        certificate_request,
        "tenant_id",
        "station_id",
        "epoch",
        "ordinal",
        "receive_us",
        "certificate_type",
        "csr_sha256",
        "csr",
    ),
)


def take(connection: Connection, requests: Sequence[NewRequest], now_us: int) -> list[Taken | MeshError]:
    """Records requests, with a job for each; the state of each, in their order. The work of one transaction.

    The same frame finds the request that it made before, and the same request one that is under way.
    """
    known = lock_stations(connection, {request.frame.station for request in requests})
    serial_number_store.confirm(connection, known)
    names = serial_number_store.certificate_names(connection, known)
    issue_from = certificate_age_store.issue_from(connection, known)
    results: list[Taken | MeshError] = []
    for request in requests:
        if request.frame.station not in known:
            results.append(_unknown(request.frame))
            continue
        row = _find(connection, request) or _add(connection, request, now_us)
        key = request.frame.station
        results.append(Taken(row=row, common_names=names[key], issue_from_us=issue_from[key]))
    return results


def record_signing(connection: Connection, key: FrameKey, signed: Signed, now_us: int) -> CertificateRequestRow | None:
    """Records the authority's answer to a request that waits for it; returns the state of the request now.

    A signed one replaces the earlier ones of its station: the station no longer has their keys.
    """
    state = RequestState.REJECTED if signed.reason else RequestState.SIGNED
    values = {
        "state": state,
        "reason": signed.reason,
        "chain": signed.chain,
        "serial_number": signed.serial_number,
        "expire_us": signed.expire_us,
        "csr": "",
        "update_us": now_us,
    }
    _change(connection, key, values, now_us, expected=(RequestState.REQUESTED,))
    row = get(connection, key)
    if row is not None and row.state is RequestState.SIGNED:
        for other in _under_way(connection, row.frame, row.certificate_type):
            if other.frame.version < row.frame.version:
                end(connection, key_of(other.frame), RequestState.FAILED, SUPERSEDED, now_us)
    return row


def end(connection: Connection, key: FrameKey, state: RequestState, reason: str, now_us: int) -> None:
    """Ends a request that is under way."""
    values = {"state": state, "reason": reason, "csr": "", "chain": "", "update_us": now_us}
    _change(connection, key, values, now_us, expected=(RequestState.REQUESTED, RequestState.SIGNED))


def get(connection: Connection, key: FrameKey) -> CertificateRequestRow | None:
    """One request."""
    row = connection.execute(sa.select(certificate_request).where(_is(key))).first()
    return None if row is None else _to_request(row)


def taken(connection: Connection, row: CertificateRequestRow) -> Taken | None:
    """A request that is to be signed later; None where its certificate would not prove the station as it is now."""
    key = row.frame.station
    issue_from_us = certificate_age_store.issue_from(connection, {key}).get(key)
    if issue_from_us is None or row.frame.receive_us < issue_from_us:
        return None
    names = serial_number_store.certificate_names(connection, {key})
    return Taken(row=row, common_names=names[key], issue_from_us=issue_from_us)


def most_chain(connection: Connection, tenant_id: str, station_id: str) -> int | None:
    """Most characters of a chain by the station's report; None where it did not report a limit."""
    query = sa.select(variable.c.value).where(
        variable.c.tenant_id == tenant_id,
        variable.c.station_id == station_id,
        variable.c.variable.in_(["CertificateSignedMaxChainSize", "MaxCertificateChainSize"]),
    )
    stated = [int(value) for value in connection.execute(query).scalars() if value.isascii() and value.isdigit()]
    return min(stated, default=None)


STATION_ID = certificate_request.c.station_id
"""The column of the station of a request."""


def filters(states: Callable[[str], int], kinds: Callable[[str], int]) -> Mapping[str, Field]:
    """The fields that requests may be filtered by; `states` and `kinds` read the words for them."""
    return {
        "state": Field(certificate_request.c.state, states),
        "certificate_type": Field(certificate_request.c.certificate_type, kinds),
        "serial_number": Field(certificate_request.c.serial_number),
    }


def list_requests(
    connection: Connection, *, tenant_id: str, station_id: str | None, page: Page
) -> Sequence[CertificateRequestRow]:
    """Requests of a station, or of all (None), newest first; `page.after` is CertificateRequestRow.key.

    Raises MeshError STATION_NOT_FOUND.
    """
    table = certificate_request.c
    if station_id is None:
        query = of_stations(certificate_request, tenant_id)
    else:
        expect_station(connection, tenant_id, station_id)
        query = of_station(certificate_request, tenant_id, station_id)
    key = (table.receive_us, table.station_id, table.epoch, table.ordinal)
    return [_to_request(row) for row in connection.execute(paged(query, page, *key, newest_first=True))]


def key_of(frame: Frame) -> FrameKey:
    """The key of a frame's request."""
    return frame.tenant_id, frame.station_id, frame.epoch, frame.ordinal


def to_payload(key: FrameKey) -> bytes:
    """The payload of the job of a request."""
    return json.dumps(key[2:]).encode()


def from_payload(tenant_id: str, station_id: str, payload: bytes) -> FrameKey:
    """The key that `to_payload` wrote."""
    epoch, ordinal = json.loads(payload)
    return tenant_id, station_id, epoch, ordinal


def _find(connection: Connection, request: NewRequest) -> CertificateRequestRow | None:
    found = get(connection, key_of(request.frame))
    if found is not None:
        return found
    under_way = _under_way(connection, request.frame, request.certificate_type)
    return next((row for row in under_way if row.csr_sha256 == request.csr_sha256), None)


def _under_way(connection: Connection, frame: Frame, certificate_type: int) -> list[CertificateRequestRow]:
    """The requests of a kind that the frame's station made, and that are neither granted nor refused."""
    table = certificate_request.c
    query = sa.select(certificate_request).where(
        table.tenant_id == frame.tenant_id,
        table.station_id == frame.station_id,
        table.certificate_type == certificate_type,
        table.state.in_([RequestState.REQUESTED, RequestState.SIGNED]),
    )
    return [_to_request(row) for row in connection.execute(query)]


def _add(connection: Connection, request: NewRequest, now_us: int) -> CertificateRequestRow:
    frame = request.frame
    row = {
        **frame.columns,
        "certificate_type": request.certificate_type,
        "csr_sha256": request.csr_sha256,
        "csr": request.csr,
    }
    _ADD.run(connection, [row], state=RequestState.REQUESTED, now_us=now_us)
    key = key_of(frame)
    job = NewJob(
        tenant_id=frame.tenant_id,
        kind=KIND,
        station_id=frame.station_id,
        payload=to_payload(key),
        slot=f"{KIND}:{frame.station_id}:{frame.epoch}:{frame.ordinal}",
        run_us=now_us + HEAD_START_US,
        expire_us=now_us + GIVEN_UP_US,
    )
    job_store.add(connection, job, now_us)
    added = get(connection, key)
    assert added is not None  # noqa: S101 - this transaction wrote it
    outbox.append(connection, [events.certificate_request(added, now_us)])
    return added


def _change(
    connection: Connection, key: FrameKey, values: Mapping[str, Any], now_us: int, *, expected: Collection[RequestState]
) -> None:
    query = (
        sa.update(certificate_request)
        .where(_is(key), certificate_request.c.state.in_(expected))
        .values(**values)
        .returning(certificate_request)
    )
    row = connection.execute(query).first()
    if row is not None:
        outbox.append(connection, [events.certificate_request(_to_request(row), now_us)])


def _is(key: FrameKey) -> ColumnElement[bool]:
    table = certificate_request.c
    return sa.and_(
        table.tenant_id == key[0], table.station_id == key[1], table.epoch == key[2], table.ordinal == key[3]
    )


def _to_request(row: Any) -> CertificateRequestRow:
    return to_row(CertificateRequestRow, row, frame=to_row(Frame, row), state=RequestState(row.state))


def _unknown(frame: Frame) -> MeshError:
    return MeshError(
        grpc.StatusCode.NOT_FOUND, Reason.STATION_UNKNOWN, f"no station {frame.station_id} is registered here"
    )
