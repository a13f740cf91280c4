"""A rollout of variables at one station.

Quirk 24: some stations restart after each change. So variables that the station holds already are not sent, and after a
restart only the missing ones are sent again, and only where the last attempt changed something: a station that
restarts without accepting anything is not made to restart for ever.

A security profile (profiles.py) is sent with the checks of its RPC, and ends with the first connection by it.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeVar

import grpc
import msgspec
from csms.station.v1 import command_service_pb2, rollout_service_pb2, station_pb2
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import DAY_US, SECOND_US, Clock
from station_svc.commands.profiles import profile_among
from station_svc.commands.variables import RememberVariables
from station_svc.feature import Preparations
from station_svc.jobs.rows import JobRow
from station_svc.jobs.runner import UNTIL_STATION, Again, Done, FinalError
from station_svc.jobs.sender import JobSender
from station_svc.rollouts import profiles, store
from station_svc.rollouts.profiles import ProfileConfirmation
from station_svc.rollouts.rows import TargetRow
from station_svc.rollouts.runner import Assignment, save_progress

KIND = "variables"
PATIENCE_US = DAY_US
# Most time for the restart of a station when it is idle.
RESTART_PATIENCE_US = 3600 * SECOND_US

Answer = TypeVar("Answer", bound=Message)
Key = tuple[str, str, int, int, str, str, str]


class _Progress(msgspec.Struct, frozen=True):
    """Progress of the job: `step` is push, reset, boot or connect. The other fields are of the last push."""

    step: str = "push"
    attempt: int = -1
    pushed: list[int] = []  # indexes of variables; msgspec copies it
    boot: tuple[int, int] = (0, 0)  # the station's latest boot at that time
    until_us: int = 0  # of the wait for its next one, or for its connection by a security profile


class VariablesWork:
    """Sets variables, and restarts the station for them where that is requested."""

    def __init__(self, *, database: Database, sender: JobSender, clock: Clock, preparations: Preparations) -> None:
        self._database = database
        self._sender = sender
        self._clock = clock
        self._preparations = preparations
        self._profiles = ProfileConfirmation(database=database, clock=clock)

    def patience_us(self, _work: bytes) -> int:
        """A day: a restart may wait for a transaction to end, and a station may be offline for a while."""
        return PATIENCE_US

    def left_at(self, connection: Connection, target: TargetRow) -> str:
        """Whether the station has accepted the variables."""
        del connection
        return _LEFT.get(_read(target).step, "")

    async def __call__(self, assignment: Assignment) -> Done | Again:
        """One run of the job. Raises MeshError, FinalError."""
        work = rollout_service_pb2.VariablesRollout.FromString(assignment.rollout.work)
        progress = _read(assignment.target)
        if progress.step == "push":
            return await self._push(assignment, work, progress)
        if progress.step == "connect":
            return await self._connected(assignment, work, progress)
        if await self._boot(assignment) != progress.boot:
            return await self._taken(assignment, work, progress)
        if progress.step == "reset":
            return await self._reset(assignment, progress)
        if self._clock() >= progress.until_us:
            raise FinalError(
                _failed(Reason.RESET_NOT_SEEN, "the station was told to restart, and did not boot in time")
            )
        return Again(decide=partial(_wait_for_boot, boot=progress.boot))

    async def _push(
        self, assignment: Assignment, work: rollout_service_pb2.VariablesRollout, progress: _Progress
    ) -> Done | Again:
        if progress.attempt != assignment.job.attempt:  # else this one was begun, and its outcome can be found
            wrong = await self._unsent(assignment, work.variables)
            if not wrong:
                return await self._taken(assignment, work, progress)
            boot = await self._boot(assignment)
            if progress.pushed and boot != progress.boot and len(wrong) >= len(progress.pushed):
                why = "the station restarted when it was sent the variables, and does not hold them; not sent again"
                raise FinalError(_failed(Reason.VARIABLES_NOT_KEPT, why))
            progress = _Progress(attempt=assignment.job.attempt, pushed=wrong, boot=boot)
            await self._save(assignment, progress)
        results = await self._set(assignment, [work.variables[index] for index in progress.pushed])
        if command_service_pb2.SET_VARIABLE_STATUS_REBOOT_REQUIRED not in results:
            return await self._taken(assignment, work, progress)
        if not work.reset_where_required:
            await self._save(assignment, progress, reboot_required=True)
            return Done()
        progress = msgspec.structs.replace(progress, step="reset")
        await self._save(assignment, progress)
        return await self._reset(assignment, progress)

    async def _taken(
        self, assignment: Assignment, work: rollout_service_pb2.VariablesRollout, progress: _Progress
    ) -> Done | Again:
        """The station holds the variables. It is to use a security profile, too."""
        if profile_among(work.variables) is None:
            return Done()
        until_us = self._clock() + profiles.PATIENCE_US
        progress = msgspec.structs.replace(progress, step="connect", until_us=until_us)
        await self._save(assignment, progress)
        return await self._connected(assignment, work, progress)

    async def _connected(
        self, assignment: Assignment, work: rollout_service_pb2.VariablesRollout, progress: _Progress
    ) -> Done | Again:
        profile = profile_among(work.variables)
        assert profile is not None  # noqa: S101 - the step of a security profile
        return await self._profiles.wait(assignment.job, profile, until_us=progress.until_us)

    async def _reset(self, assignment: Assignment, progress: _Progress) -> Again:
        request = command_service_pb2.ResetRequest(
            station_id=assignment.job.station_id, type=command_service_pb2.RESET_TYPE_ON_IDLE
        )
        answer = await self._send(assignment, "reset", request, command_service_pb2.ResetResponse, part="reset")
        if answer.status not in _WILL_RESET:
            raise FinalError(_failed(Reason.RESET_REFUSED, "the station took the variables, and refused to restart"))
        until_us = self._clock() + RESTART_PATIENCE_US
        await self._save(assignment, msgspec.structs.replace(progress, step="boot", until_us=until_us))
        return Again(decide=partial(_wait_for_boot, boot=progress.boot))

    async def _unsent(self, assignment: Assignment, variables: Sequence[station_pb2.Variable]) -> list[int]:
        """Variables that the station is to be sent: those that it does not hold.

        A security profile that it holds is one that it took only where our records say that it was sent it.
        """
        profile = profile_among(variables)
        if profile is None:
            return await self._wrong(assignment, variables)
        if await self._profiles.is_required(assignment.job, profile):
            return []
        if not await self._profiles.was_sent(assignment.job, profile):
            return [0]
        return await self._wrong(assignment, variables)

    async def _wrong(self, assignment: Assignment, variables: Sequence[station_pb2.Variable]) -> list[int]:
        """Variables of which the station holds other values, or returns none."""
        asked = [_named(variable) for variable in variables]
        request = command_service_pb2.GetVariablesRequest(station_id=assignment.job.station_id, variables=asked)
        part = f"read-{assignment.job.turn}"  # read again in each run: reading changes nothing
        try:
            answer = await self._send(
                assignment, "get_variables", request, command_service_pb2.GetVariablesResponse, part=part
            )
        except MeshError as error:
            # A station that does not tell what it holds can be sent it all the same. A variable that its OCPP version
            # cannot name (INVALID_FIELD) can be sent no more than asked for.
            if not error.reason.was_answered:
                raise
            return list(range(len(variables)))
        held = {
            _key(result.variable): result.variable.value
            for result in answer.results
            if result.status == command_service_pb2.GET_VARIABLE_STATUS_ACCEPTED
        }
        return [index for index, one in enumerate(variables) if not _same(held.get(_key(one)), one.value)]

    async def _set(self, assignment: Assignment, variables: Sequence[station_pb2.Variable]) -> set[int]:
        """Sends variables; returns the statuses, all of which are acceptances."""
        request = command_service_pb2.SetVariablesRequest(station_id=assignment.job.station_id, variables=variables)
        hooks = await self._preparations.prepare("SetVariables", request, None)
        try:
            answer = await self._sender.send(
                assignment.job,
                "set_variables",
                request,
                command_service_pb2.SetVariablesResponse,
                part="set",
                hooks=hooks,
            )
        except MeshError as error:
            if error.reason in profiles.REFUSED:
                raise FinalError(error) from error
            raise
        refused = {
            result.variable.variable: command_service_pb2.SetVariableStatus.Name(result.status)
            for result in answer.results
            if result.status not in _TAKEN
        }
        if refused:
            named = ", ".join(
                f"{name}: {word.removeprefix('SET_VARIABLE_STATUS_')}" for name, word in sorted(refused.items())
            )
            raise FinalError(_failed(Reason.VARIABLE_REFUSED, f"the station did not take {named}"))
        return {result.status for result in answer.results}

    async def _send(
        self, assignment: Assignment, name: str, request: Message, answer_type: type[Answer], *, part: str
    ) -> Answer:
        hooks = RememberVariables(request if isinstance(request, command_service_pb2.GetVariablesRequest) else None)
        return await self._sender.send(assignment.job, name, request, answer_type, part=part, hooks=hooks)

    async def _boot(self, assignment: Assignment) -> tuple[int, int]:
        job = assignment.job
        return await self._database.read(lambda connection: store.boot_of(connection, job.tenant_id, job.station_id))

    async def _save(self, assignment: Assignment, progress: _Progress, *, reboot_required: bool = False) -> None:
        text = msgspec.json.encode(progress).decode()
        save = partial(save_progress, assignment=assignment, progress=text, reboot_required=reboot_required)
        await self._database.write(save)


_TAKEN = frozenset(
    {command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED, command_service_pb2.SET_VARIABLE_STATUS_REBOOT_REQUIRED}
)
_LEFT = {
    "reset": "the station took the variables, and is still to restart for them",
    "boot": "the station took the variables, and is still to restart for them",
    "connect": "the station took the security profile, and is still to connect by it",
}
_WILL_RESET = frozenset({command_service_pb2.RESET_STATUS_ACCEPTED, command_service_pb2.RESET_STATUS_SCHEDULED})
# Components with the same meaning: an empty one is the station's own (1.6 has no other).
_USUAL: Mapping[str, str] = {"": "chargingstation"}


def _read(target: TargetRow) -> _Progress:
    return msgspec.json.decode(target.progress, type=_Progress) if target.progress else _Progress()


def _wait_for_boot(connection: Connection, job: JobRow, now_us: int, *, boot: tuple[int, int]) -> int:
    """The job's next time: the station's next boot, or now, where it has booted since `boot`."""
    latest = store.boot_of(connection, job.tenant_id, job.station_id, locked=True)
    return UNTIL_STATION if latest == boot else now_us


def _named(variable: station_pb2.Variable) -> station_pb2.Variable:
    named = station_pb2.Variable()
    named.CopyFrom(variable)
    named.value = ""
    return named


def _key(variable: station_pb2.Variable) -> Key:
    component = variable.component.lower()
    return (
        _USUAL.get(component, component),
        variable.component_instance.lower(),
        variable.evse.evse_id,
        variable.evse.connector_id,
        variable.variable.lower(),
        variable.variable_instance.lower(),
        (variable.attribute_type or "Actual").lower(),
    )


def _same(held: str | None, wanted: str) -> bool:
    """Whether two values are one: without regard to case and blanks around, numbers as numbers."""
    if held is None:
        return False
    if held.strip().casefold() == wanted.strip().casefold():
        return True
    try:
        return float(held) == float(wanted)
    except ValueError:
        return False


def _failed(reason: Reason, message: str) -> MeshError:
    return MeshError(grpc.StatusCode.ABORTED, reason, message)
