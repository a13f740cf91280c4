"""Commands of jobs: with a request id of their own, so that a replica that takes a job over finds the first outcome."""

from typing import TypeVar

from google.protobuf.message import Message

from station_svc.commands.commands import CommandRequest, Commands, make_budget
from station_svc.commands.hooks import NO_HOOKS, CommandHooks
from station_svc.jobs.rows import JobRow

Answer = TypeVar("Answer", bound=Message)


class JobSender:
    """Sends commands for jobs. `station_budget_s` is how long a station has for its answer, in seconds."""

    def __init__(self, *, commands: Commands, station_budget_s: float = 30.0) -> None:
        self._commands = commands
        self._station_budget_s = station_budget_s

    async def send(
        self,
        job: JobRow,
        name: str,
        request: Message,
        answer_type: type[Answer],
        *,
        part: str = "",
        hooks: CommandHooks = NO_HOOKS,
    ) -> Answer:
        """Sends the command `name`, a field of csms.gateway.v1.CallRequest, to the job's station.

        `part` distinguishes the commands of one attempt. Returns the station's answer, or that of the first time.
        Raises MeshError with the reasons of csms.station.v1.CommandService: as a rule the handler does not catch it.
        """
        command = CommandRequest(
            tenant_id=job.tenant_id,
            username=job.username,
            name=name,
            station_id=job.station_id,
            request_id=job.request_id(part),
            request=request,
            content=request.SerializeToString(deterministic=True),
            budget=make_budget(station_s=self._station_budget_s, caller_s=None),
            hooks=hooks,
        )
        return await self._commands.run(command, answer_type)
