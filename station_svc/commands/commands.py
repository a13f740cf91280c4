"""One way for every command: recorded, sent at most once, its outcome recorded.

See docs/DESIGN.md, "Commands are sent at most once".
"""

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import grpc
from csms.gateway.v1 import gateway_service_pb2
from google.protobuf.message import Message
from google.rpc import status_pb2
from sqlalchemy import Connection

from mesh.audit.entries import unchanged
from mesh.database.engine import Database
from mesh.runtime.backoff import NO_JITTER, Backoff
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_status
from mesh.runtime.logs import get_logger
from mesh.runtime.times import SECOND_US, Clock
from station_svc.commands import audited, store
from station_svc.commands.answers import mask_answer
from station_svc.commands.gateways import Gateways, call_timeout, station_offline
from station_svc.commands.guard import check_command
from station_svc.commands.hooks import NO_HOOKS, CommandHooks
from station_svc.commands.preconditions import check_may_be_sent
from station_svc.commands.rows import BegunCommand, CommandRow, FinishedCommand, NewCommand
from station_svc.core.digests import digest_of

log = get_logger(__name__)

Answer = TypeVar("Answer", bound=Message)

# What is kept of the caller's time for the way back.
SHAVE_S = 0.5
# A command may wait in the gateway for those before it, beside the time for the station's answer.
QUEUE_ALLOWANCE_S = 30.0
# How long after the last moment of a command its outcome may still be on its way into the database.
RECORDING_ALLOWANCE_S = 10.0
POLLS = Backoff(first_s=0.05, most_s=1.0, factor=1.5, jitter=NO_JITTER)


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Time limits of a command, in seconds: for the station's answer, and for the call to the gateway as a whole."""

    answer_s: float
    call_s: float


def make_budget(*, station_s: float, caller_s: float | None) -> Budget:
    """The time limits within the station's usual ones and the caller's remaining time, None where it set no deadline.

    A caller gets CALL_TIMEOUT just before its own deadline, rather than nothing but the deadline.
    """
    if caller_s is None:
        return Budget(answer_s=station_s, call_s=station_s + QUEUE_ALLOWANCE_S)
    left_s = max(caller_s - min(SHAVE_S, caller_s / 4), 0.001)
    return Budget(answer_s=min(station_s, left_s), call_s=min(station_s + QUEUE_ALLOWANCE_S, left_s))


@dataclass(frozen=True, kw_only=True)
class CommandRequest:
    """A command as an operator gave it. `request` is sent to the station; `content` identifies repeats."""

    tenant_id: str
    username: str  # the user who gave it, for the record
    name: str  # field of csms.gateway.v1.CallRequest.command
    station_id: str
    request_id: str
    request: Message
    content: bytes
    budget: Budget
    hooks: CommandHooks = NO_HOOKS

    @property
    def record_asynchronously(self) -> bool:
        """Whether its record cannot be read back, and it changes nothing else: then the caller need not wait for it."""
        return not self.request_id and self.hooks is NO_HOOKS


class Commands:
    """Sends commands. `close` waits for those under way."""

    def __init__(
        self, *, database: Database, gateways: Gateways, clock: Clock, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._gateways = gateways
        self._clock = clock
        self._clock_s = clock_s
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self, command: CommandRequest, answer_type: type[Answer]) -> Answer:
        """Sends a command and returns the station's answer, or the first outcome of the same request id.

        Raises MeshError with the reasons that csms.station.v1.CommandService names.
        """
        if not command.hooks.hands_over_credential:
            check_command(command.name, command.request)
        new = self._to_new(command)
        begin = partial(_begin, command=command, new=new, now_us=self._clock())
        begun = await self._database.write(begin)
        if isinstance(begun, CommandRow):
            return await self._first_outcome(command, begun, answer_type)
        # A command that was sent stays sent when its caller cancels: the outcome is waited for, and recorded, all the
        # same.
        answer_future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._carry_out(command, new, begun, answer_future))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        answer = await asyncio.shield(answer_future)
        if not isinstance(answer, answer_type):
            raise MeshError(grpc.StatusCode.INTERNAL, Reason.WRONG_ANSWER, "the gateway answered something else")
        return answer

    async def close(self, grace_s: float = 5.0) -> None:
        """Gives the commands under way `grace_s` seconds to end; the outcome of the others stays unknown."""
        if self._under_way:
            _ended, left = await asyncio.wait(self._under_way, timeout=grace_s)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _to_new(self, command: CommandRequest) -> NewCommand:
        lifetime_s = command.budget.call_s + RECORDING_ALLOWANCE_S
        return NewCommand(
            tenant_id=command.tenant_id,
            command_id=secrets.token_hex(16),
            request_id=command.request_id or None,
            station_id=command.station_id,
            name=command.name,
            username=command.username,
            content=command.content,
            deadline_us=self._clock() + int(lifetime_s * SECOND_US),
        )

    async def _carry_out(
        self, command: CommandRequest, new: NewCommand, begun: BegunCommand, answer_future: asyncio.Future[Message]
    ) -> None:
        """Sends the command, records its outcome and resolves `answer_future`.

        The record comes before the answer where a caller may read it back, or where the command changes other rows.
        """
        try:
            outcome = await self._outcome(command, begun)
            if command.record_asynchronously:
                _resolve(answer_future, outcome)
            await self._finish(command, new, outcome if isinstance(outcome, Message | MeshError) else _unforeseen())
            if not command.record_asynchronously:
                _resolve(answer_future, outcome)
        finally:
            answer_future.cancel()

    async def _outcome(self, command: CommandRequest, begun: BegunCommand) -> Message | Exception:
        try:
            answer = await self._send(command, begun)
            mask_answer(answer)
        except Exception as error:
            return error
        return answer

    async def _send(self, command: CommandRequest, begun: BegunCommand) -> Message:
        socket = begun.socket
        if socket is None:
            raise station_offline(
                command.station_id,
                "no gateway holds its socket; nothing was sent: try again once it is back, under a new request_id",
            )
        check_may_be_sent(command.name, command.request, begun)
        request = gateway_service_pb2.CallRequest(
            station_id=socket.station_id, epoch=socket.epoch, tenant_id=command.tenant_id
        )
        request.timeout.FromNanoseconds(int(command.budget.answer_s * 1e9))
        getattr(request, command.name).CopyFrom(command.request)
        response = await self._gateways.call(socket.address, request, timeout_s=command.budget.call_s)
        if response.WhichOneof("answer") != command.name:
            raise MeshError(grpc.StatusCode.INTERNAL, Reason.WRONG_ANSWER, "the gateway answered another command")
        answer: Message = getattr(response, command.name)
        return answer

    async def _finish(self, command: CommandRequest, new: NewCommand, outcome: Message | MeshError) -> None:
        """Records the outcome, and the changes that follow from it. One that cannot be recorded is still returned."""
        now_us = self._clock()

        def finish(connection: Connection) -> bool:
            is_first = store.finish(connection, _finished(new, outcome, now_us))
            if is_first:
                audited.finished(connection, new, outcome, now_us)
            return is_first

        def finish_with_hooks(connection: Connection) -> None:
            if not isinstance(outcome, MeshError):
                command.hooks.amend_answer(connection, new, outcome)
            if finish(connection):
                command.hooks.on_outcome(connection, new, outcome, now_us)

        async def record_with_hooks() -> None:
            await self._database.write(finish_with_hooks)
            command.hooks.on_committed()

        # Should a hook fail, the outcome alone is worth recording.
        if command.hooks is NO_HOOKS or not await _try(new, record_with_hooks()):
            await _try(new, self._database.write(finish))

    async def _first_outcome(self, command: CommandRequest, earlier: CommandRow, answer_type: type[Answer]) -> Answer:
        same = earlier.name == command.name and hmac.compare_digest(
            earlier.digest, digest_of(earlier.salt, command.content)
        )
        if not same:
            raise MeshError(
                grpc.StatusCode.ABORTED,
                Reason.REQUEST_ID_REUSED,
                "this request_id belongs to a different command: give this one its own",
            )
        finished = await self._wait_for(command, earlier)
        if finished.error is not None:
            raise from_status(status_pb2.Status.FromString(finished.error))
        return answer_type.FromString(finished.answer or b"")

    async def _wait_for(self, command: CommandRequest, earlier: CommandRow) -> CommandRow:
        """Waits until an earlier command has its outcome. Whoever sent it may be another process."""
        give_up_s = self._clock_s() + command.budget.call_s
        polls = 0
        row: CommandRow | None = earlier
        while row is not None and row.answer is None and row.error is None:
            if self._clock() >= row.deadline_us or self._clock_s() >= give_up_s:
                raise call_timeout(command.station_id)
            polls += 1
            await asyncio.sleep(POLLS.after(polls))
            row = await self._database.read(
                lambda connection: store.find_request(connection, command.tenant_id, command.request_id)
            )
        if row is None:  # its time to be kept has passed meanwhile
            raise call_timeout(command.station_id)
        return row


def _begin(
    connection: Connection, *, command: CommandRequest, new: NewCommand, now_us: int
) -> CommandRow | BegunCommand:
    """Records the command and what changes with it; or returns an earlier one of the same request id."""
    begun = store.begin(connection, new, now_us)
    if isinstance(begun, BegunCommand) and begun.is_new:
        command.hooks.on_begin(connection, new, now_us)
        audited.begun(connection, new, command.request, now_us)
    else:
        unchanged()
    return begun


async def _try(new: NewCommand, recording: Awaitable[object]) -> bool:
    try:
        await recording
    except Exception:
        log.exception("outcome of a command not recorded", command=new.name, station_id=new.station_id)
        return False
    return True


def _resolve(answer_future: asyncio.Future[Message], outcome: Message | Exception) -> None:
    if isinstance(outcome, Message):
        answer_future.set_result(outcome)
    else:
        answer_future.set_exception(outcome)
        answer_future.exception()  # retrieved: it is recorded, and returned to a caller that still waits


def _finished(new: NewCommand, outcome: Message | MeshError, now_us: int) -> FinishedCommand:
    return FinishedCommand(
        tenant_id=new.tenant_id,
        command_id=new.command_id,
        finish_us=now_us,
        answer=None if isinstance(outcome, MeshError) else outcome.SerializeToString(),
        error=outcome.to_status().SerializeToString() if isinstance(outcome, MeshError) else None,
    )


def _unforeseen() -> MeshError:
    return MeshError(grpc.StatusCode.INTERNAL, Reason.INTERNAL, "this should not have happened; see the service's log")
