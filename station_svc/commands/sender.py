"""The path from operators' requests to commands, for every servicer that sends some."""

from typing import Any, TypeVar

from google.protobuf.message import Message

from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.errors import invalid_field
from station_svc.commands.commands import CommandRequest, Commands, make_budget
from station_svc.commands.hooks import NO_HOOKS, CommandHooks
from station_svc.core.lists import storable

Answer = TypeVar("Answer", bound=Message)

_MOST_TIMEOUT_S = 300


class CommandSender:
    """Sends commands for operators. `station_budget_s` is how long a station has for its answer, in seconds."""

    def __init__(self, *, commands: Commands, station_budget_s: float = 30.0) -> None:
        self._commands = commands
        self._station_budget_s = station_budget_s

    async def send(
        self,
        name: str,
        request: Any,
        answer_type: type[Answer],
        context: Context,
        *,
        sent: Message | None = None,
        hooks: CommandHooks = NO_HOOKS,
    ) -> Answer:
        """Sends the command `name`, a field of csms.gateway.v1.CallRequest, and returns the station's answer.

        `request` has station_id, request_id and timeout_s. It is sent as it is, or else `sent` is; two requests are the
        same if what the caller gave is the same. Raises MeshError with the reasons of csms.station.v1.CommandService.
        """
        if not 0 <= request.timeout_s <= _MOST_TIMEOUT_S:
            raise invalid_field("timeout_s", f"1 to {_MOST_TIMEOUT_S} seconds, or 0 for the usual budget, is needed")
        caller = current_caller()
        command = CommandRequest(
            tenant_id=caller.tenant_id,
            username=caller.username,
            name=name,
            station_id=storable(request.station_id),
            request_id=request.request_id,
            request=request if sent is None else sent,
            content=request.SerializeToString(deterministic=True),
            budget=make_budget(
                station_s=request.timeout_s or self._station_budget_s,
                caller_s=context.time_remaining(),  # type: ignore[no-untyped-call,unused-ignore]
            ),
            hooks=hooks,
        )
        return await self._commands.run(command, answer_type)
