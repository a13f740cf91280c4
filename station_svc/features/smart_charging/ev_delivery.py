"""The job that sends the charging profile for a vehicle's needs."""

from functools import partial

from csms.station.v1 import charging_profile_pb2 as pb
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.runtime.errors import MeshError
from mesh.runtime.times import Clock
from station_svc.commands.rows import NewCommand
from station_svc.features.smart_charging import ev_charging, ev_store, rules
from station_svc.features.smart_charging.ev_rows import ACTIVE, FAILED, PENDING, REJECTED, EvRow
from station_svc.jobs.rows import JobRow
from station_svc.jobs.runner import Again, Done, FinalError, JobKind
from station_svc.jobs.sender import JobSender


class EvProfileDelivery:
    """Sends the profile that was promised to a station."""

    def __init__(self, *, database: Database, sender: JobSender, clock: Clock) -> None:
        self._database = database
        self._sender = sender
        self._clock = clock

    @property
    def kind(self) -> JobKind:
        """For the job queue."""
        return JobKind(run=self.run, ended=_ended, most_attempts=3)

    async def run(self, job: JobRow) -> Done | Again:
        """One attempt. Raises MeshError where another may help, FinalError where none does."""
        found = await self._database.write(partial(_prepare, job=job, now_us=self._clock()))
        if found is None:
            return Done()
        row, profile = found
        request = pb.SetChargingProfileRequest(station_id=job.station_id, evse_id=row.evse_id, charging_profile=profile)
        hooks = _Send(row=row, profile=request.charging_profile)
        try:
            await self._sender.send(job, "set_charging_profile", request, pb.SetChargingProfileResponse, hooks=hooks)
        except MeshError as error:
            if error.reason.was_answered:  # it will not take it the next time either
                raise FinalError(error) from error
            raise
        return Done()


def _prepare(connection: Connection, *, job: JobRow, now_us: int) -> tuple[EvRow, pb.ChargingProfile] | None:
    """The needs of a job and their profile; None where newer needs have come, or they have their profile."""
    row = _row_of(connection, job)
    if row is None or row.state != PENDING:
        return None
    return row, ev_charging.profile_for(connection, row, now_us)


def _row_of(connection: Connection, job: JobRow) -> EvRow | None:
    evse_id, epoch, ordinal = map(int, job.payload.split())
    row = ev_store.find(connection, job.tenant_id, job.station_id, evse_id)
    return row if row is not None and (row.epoch, row.ordinal) == (epoch, ordinal) else None


class _Send(rules.SetProfile):
    def __init__(self, *, row: EvRow, profile: pb.ChargingProfile) -> None:
        super().__init__(evse_id=row.evse_id, profile=profile)
        self._row = row

    def on_outcome(self, connection: Connection, new: NewCommand, outcome: Message | MeshError, now_us: int) -> None:
        """See CommandHooks."""
        super().on_outcome(connection, new, outcome, now_us)
        if not isinstance(outcome, pb.SetChargingProfileResponse):
            return
        row = ev_store.find(connection, new.tenant_id, new.station_id, self._row.evse_id)
        if row is None or (row.epoch, row.ordinal) != (self._row.epoch, self._row.ordinal):
            return
        taken = outcome.status == pb.CHARGING_PROFILE_STATUS_ACCEPTED
        row = row.sent(ACTIVE if taken else REJECTED, outcome.charging_profile_id, now_us)
        if taken and not row.exceeds:  # a schedule that came meanwhile
            row = ev_charging.judge(connection, row, now_us)
        ev_store.save(connection, row)


def _ended(connection: Connection, job: JobRow, _error: MeshError | None, now_us: int) -> None:
    """A job that comes to nothing leaves needs without a profile."""
    row = _row_of(connection, job)
    if row is not None and row.state == PENDING:
        ev_store.save(connection, row.sent(FAILED, 0, now_us))
