"""Requests of stations for certificates, as gateways report them."""

import hashlib
from collections.abc import Sequence
from functools import partial

from csms.common.v1 import status_info_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest
from sqlalchemy import Connection

from mesh.contract.texts import replace_nul
from mesh.database.engine import Database, commit_batch
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock
from station_svc.core.frames import to_frame
from station_svc.features.certificates import request_store as store
from station_svc.features.certificates.authority import CertificateAuthority
from station_svc.features.certificates.request_store import FrameKey
from station_svc.features.certificates.rows import CertificateRequestRow, NewRequest, RequestState, Signed, Taken

log = get_logger(__name__)


class CertificateRequests:
    """Takes requests, and has them signed at once where the authority is there; else their jobs do that later."""

    def __init__(self, *, database: Database, authority: CertificateAuthority, clock: Clock) -> None:
        self._database = database
        self._authority = authority
        self._clock = clock

    async def take(self, items: Sequence[ingest.RequestCertificateItem]) -> list[ingest.RequestCertificateResult]:
        """The result of each, in their order."""
        now_us = self._clock()
        work = partial(_take, now_us=now_us)
        taken = await commit_batch(self._database, [_to_request(item) for item in items], work)
        signed = await self._sign([one for one in taken if isinstance(one, Taken)])
        return [_to_result(one, signed) for one in taken]

    async def _sign(self, taken: Sequence[Taken]) -> dict[FrameKey, CertificateRequestRow]:
        """Has the unsigned ones signed; the rows afterwards, of those that were signed."""
        open_ = {store.key_of(one.row.frame): one for one in taken if one.row.state is RequestState.REQUESTED}
        if not open_:
            return {}
        try:
            outcomes = await self._authority.sign(list(open_.values()))
        except MeshError as error:
            log.warning("certificate authority away: signed later", requests=len(open_), error=error.reason)
            return {}
        outcome_of = zip(open_, outcomes, strict=True)
        signed = {key: one for key, one in outcome_of if isinstance(one, Signed)}  # the rest: by their jobs
        return await self._database.write(partial(_record_signings, signed=signed, now_us=self._clock()))


def _take(connection: Connection, requests: Sequence[NewRequest], *, now_us: int) -> Sequence[Taken | MeshError]:
    return store.take(connection, requests, now_us)


def _record_signings(
    connection: Connection, *, signed: dict[FrameKey, Signed], now_us: int
) -> dict[FrameKey, CertificateRequestRow]:
    recorded = {key: store.record_signing(connection, key, signed[key], now_us) for key in sorted(signed)}
    return {key: row for key, row in recorded.items() if row is not None}


def _to_request(item: ingest.RequestCertificateItem) -> NewRequest:
    return NewRequest(
        frame=to_frame(item.origin),
        csr=replace_nul(item.csr),
        csr_sha256=hashlib.sha256(item.csr.encode()).hexdigest(),
        certificate_type=item.certificate_type,
    )


def _to_result(
    taken: Taken | MeshError, signed: dict[FrameKey, CertificateRequestRow]
) -> ingest.RequestCertificateResult:
    if isinstance(taken, MeshError):
        return ingest.RequestCertificateResult(error=taken.to_status())
    row = signed.get(store.key_of(taken.row.frame), taken.row)
    if row.state is RequestState.REJECTED:
        return ingest.RequestCertificateResult(status=status_info_pb2.GENERIC_STATUS_REJECTED, reason=row.reason)
    return ingest.RequestCertificateResult(status=status_info_pb2.GENERIC_STATUS_ACCEPTED)
