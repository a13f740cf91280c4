"""A rollout of a security profile at one station: sent as SetVariables sends it, and done once the station uses it.

The station changes over by itself or with a restart, and its first connection by the profile makes it the required one
(docs/adr/0046). A station that took it and does not come so may need a person: no other takes its place meanwhile.
"""

from functools import partial

import grpc
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US, Clock
from station_svc.jobs.rows import JobRow
from station_svc.jobs.runner import UNTIL_STATION, Again, Done, FinalError
from station_svc.rollouts import store

# Most time for the first connection by the profile, once the station took it.
PATIENCE_US = 3600 * SECOND_US

REFUSED = frozenset(
    {Reason.SECURITY_PROFILE_LOWERED, Reason.CREDENTIAL_MISSING, Reason.CLIENT_CERTIFICATE_MISSING},
)
"""Reasons for which a station is not sent the profile; a person has to change something first."""


class ProfileConfirmation:
    """Reads stations' profiles in our records, and waits for their first connections by others."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def is_required(self, job: JobRow, profile: int) -> bool:
        """Whether the station has the profile by our records: it connected by it, or an operator set it."""
        required, _sent = await self._profiles(job)
        return required == profile

    async def was_sent(self, job: JobRow, profile: int) -> bool:
        """Whether the station was sent the profile, and was not found to have refused it."""
        _required, sent = await self._profiles(job)
        return sent == profile

    async def wait(self, job: JobRow, profile: int, *, until_us: int) -> Done | Again:
        """Ends with the connection that confirms the profile. Raises FinalError after `until_us`."""
        if await self.is_required(job, profile):
            return Done()
        if self._clock() >= until_us:
            raise FinalError(
                MeshError(
                    grpc.StatusCode.ABORTED,
                    Reason.SECURITY_PROFILE_NOT_CONFIRMED,
                    f"the station took security profile {profile}, and did not connect by it in time; both its former "
                    "and this one are admitted: it may need a restart, or its URL or certificates changed",
                )
            )
        return Again(decide=partial(_until_confirmed, profile=profile))

    async def _profiles(self, job: JobRow) -> tuple[int | None, int]:
        return await self._database.read(
            lambda connection: store.profiles_of(connection, job.tenant_id, job.station_id)
        )


def _until_confirmed(connection: Connection, job: JobRow, now_us: int, *, profile: int) -> int:
    """The job's next time: the station's next connection, or now, where it has connected by the profile."""
    required, _sent = store.profiles_of(connection, job.tenant_id, job.station_id, locked=True)
    return now_us if required == profile else UNTIL_STATION
