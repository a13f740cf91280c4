"""Delivery of certificates to stations: signed where they are not yet, and sent, however long that takes."""

from functools import partial

from csms.common.v1 import certificate_pb2 as common_pb2
from csms.station.v1 import certificate_pb2
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.times import SECOND_US, Clock
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.rows import NewCommand
from station_svc.features.certificates import renewal_store
from station_svc.features.certificates import request_store as store
from station_svc.features.certificates.authority import TIMEOUT_S, CertificateAuthority
from station_svc.features.certificates.request_store import FrameKey
from station_svc.features.certificates.rows import CertificateRequestRow, NotYetSigned, RequestState, Signed
from station_svc.jobs.rows import JobRow
from station_svc.jobs.runner import Again, Done, FinalError, JobKind
from station_svc.jobs.sender import JobSender

# The authority may be unavailable for some time: the waits between attempts add up to half an hour.
MOST_ATTEMPTS = 10
# Until then the authority may be signing the request while the station waits for its answer, which it is given first.
ANSWERED_US = int((TIMEOUT_S + 1) * SECOND_US)


class CertificateDelivery:
    """The job that a request for a certificate leaves."""

    def __init__(self, *, database: Database, authority: CertificateAuthority, sender: JobSender, clock: Clock) -> None:
        self._database = database
        self._authority = authority
        self._sender = sender
        self._clock = clock

    @property
    def kind(self) -> JobKind:
        """For the job queue."""
        return JobKind(run=self.run, ended=_ended, most_attempts=MOST_ATTEMPTS)

    async def run(self, job: JobRow) -> Done | Again:
        """One attempt. Raises MeshError where another may help, FinalError where none does."""
        key = store.from_payload(job.tenant_id, job.station_id, job.payload)
        row = await self._database.read(partial(store.get, key=key))
        if row is not None and row.state is RequestState.REQUESTED:
            answered_us = row.update_us + ANSWERED_US
            if self._clock() < answered_us:
                return Again(run_us=answered_us)
            row = await self._sign(row)
        if row is None or row.state is not RequestState.SIGNED:
            return Done()
        request = certificate_pb2.CertificateSignedRequest(
            station_id=job.station_id,
            certificate_chain=row.chain,
            certificate_type=common_pb2.CertificateSigningUse.ValueType(row.certificate_type),
        )
        hooks = _HandOver(key=key, chain=row.chain)
        try:
            await self._sender.send(
                job, "certificate_signed", request, certificate_pb2.CertificateSignedResponse, hooks=hooks
            )
        except MeshError as error:
            if error.reason.was_answered:  # it will not take it the next time either
                raise FinalError(error) from error
            raise
        return Done()

    async def _sign(self, row: CertificateRequestRow) -> CertificateRequestRow | None:
        taken = await self._database.read(partial(store.taken, row=row))
        signed: Signed | NotYetSigned = Signed(reason=store.SUPERSEDED)  # where the station is another one since
        if taken is not None:
            [signed] = await self._authority.sign([taken])
        if isinstance(signed, NotYetSigned):
            raise signed.error
        record = partial(store.record_signing, key=store.key_of(row.frame), signed=signed, now_us=self._clock())
        return await self._database.write(record)


class FitsStation(CommandHooks):
    """Refuses a chain that is longer than the station's reported limit. Raises MeshError INVALID_FIELD."""

    def __init__(self, *, chain: str) -> None:
        self._chain = chain

    def on_begin(self, connection: Connection, new: NewCommand, now_us: int) -> None:
        """See CommandHooks."""
        super().on_begin(connection, new, now_us)
        most = store.most_chain(connection, new.tenant_id, new.station_id)
        if most is not None and len(self._chain) > most:
            raise invalid_field(
                "certificate_chain", f"has {len(self._chain)} characters, and the station said that it takes {most}"
            )


class _HandOver(FitsStation):
    def __init__(self, *, key: FrameKey, chain: str) -> None:
        super().__init__(chain=chain)
        self._key = key

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """See CommandHooks."""
        super().on_outcome(connection, new, outcome, now_us)
        if isinstance(outcome, MeshError):
            if outcome.reason.was_answered:
                store.end(connection, self._key, RequestState.REFUSED_BY_STATION, outcome.reason, now_us)
        elif isinstance(outcome, certificate_pb2.CertificateSignedResponse):
            taken = outcome.status == certificate_pb2.CERTIFICATE_SIGNED_STATUS_ACCEPTED
            state = RequestState.DELIVERED if taken else RequestState.REFUSED_BY_STATION
            store.end(connection, self._key, state, "" if taken else outcome.status_info.reason_code, now_us)
            if taken and (row := store.get(connection, self._key)) is not None:
                renewal_store.schedule(connection, row.frame, row.certificate_type, now_us=now_us)


def _ended(connection: Connection, job: JobRow, error: MeshError | None, now_us: int) -> None:
    """A job that comes to nothing ends its request; otherwise that has ended already."""
    reason = error.reason if error is not None else Reason.OUTCOME_UNKNOWN
    store.end(
        connection, store.from_payload(job.tenant_id, job.station_id, job.payload), RequestState.FAILED, reason, now_us
    )
