"""A rollout of a command at one station: gives it once, and keeps the station's own answer.

The command is prepared as its RPC does, so that what follows it (log uploads, charging profiles) is followed alike. One
that may have reached the station is not given again: without an answer the target has failed, and an operator decides.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import grpc
import msgspec
from csms.options.v1.options_pb2 import Permission
from csms.station.v1 import certificate_pb2, log_pb2
from csms.station.v1 import charging_profile_pb2 as profile_pb2
from csms.station.v1 import command_service_pb2 as command_pb2
from csms.station.v1 import rollout_service_pb2 as pb
from google.protobuf.message import Message
from sqlalchemy import Connection

from mesh.contract.options import access_of
from mesh.contract.published import contract_files
from mesh.database.engine import Database
from mesh.grpc.types import Context
from mesh.runtime.error_reasons import Reason, Sent
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.masking import mask_text
from mesh.runtime.times import DAY_US
from station_svc.commands.outcomes import reason_code_of
from station_svc.feature import Preparations
from station_svc.jobs.runner import Again, Done, FinalError
from station_svc.jobs.sender import JobSender
from station_svc.rollouts.local_list_syncs import LocalListSyncs
from station_svc.rollouts.rows import TargetRow
from station_svc.rollouts.runner import Assignment, save_progress

KIND = "command"
PATIENCE_US = DAY_US
_COMMANDS, _LOCAL_LISTS = "csms.station.v1.CommandService", "csms.station.v1.LocalListService"
_SYNC = "sync_local_list"


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of rollouts. `accepted`: the statuses with which a station does it; empty: any answer will do."""

    rpc: str
    service: str = _COMMANDS
    accepted: frozenset[int] = frozenset()


def _command(rpc: str, *accepted: int) -> Command:
    return Command(rpc=rpc, accepted=frozenset(accepted))


# By field of CommandRollout. A station that has nothing to clear or to delete has done what was wanted.
COMMANDS: Mapping[str, Command] = {
    "reset": _command("Reset", command_pb2.RESET_STATUS_ACCEPTED, command_pb2.RESET_STATUS_SCHEDULED),
    "change_availability": _command(
        "ChangeAvailability",
        command_pb2.CHANGE_AVAILABILITY_STATUS_ACCEPTED,
        command_pb2.CHANGE_AVAILABILITY_STATUS_SCHEDULED,
    ),
    "trigger_message": _command("TriggerMessage", command_pb2.TRIGGER_MESSAGE_STATUS_ACCEPTED),
    "clear_cache": _command("ClearCache", command_pb2.CLEAR_CACHE_STATUS_ACCEPTED),
    "get_variables": _command("GetVariables"),
    "get_log": _command("GetLog", log_pb2.LOG_STATUS_ACCEPTED, log_pb2.LOG_STATUS_ACCEPTED_CANCELED),
    _SYNC: Command(rpc="SyncLocalList", service=_LOCAL_LISTS),
    "set_charging_profile": _command("SetChargingProfile", profile_pb2.CHARGING_PROFILE_STATUS_ACCEPTED),
    "clear_charging_profile": _command(
        "ClearChargingProfile",
        profile_pb2.CLEAR_CHARGING_PROFILE_STATUS_ACCEPTED,
        profile_pb2.CLEAR_CHARGING_PROFILE_STATUS_UNKNOWN,
    ),
    "install_certificate": _command("InstallCertificate", certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED),
    "delete_certificate": _command(
        "DeleteCertificate",
        certificate_pb2.DELETE_CERTIFICATE_STATUS_ACCEPTED,
        certificate_pb2.DELETE_CERTIFICATE_STATUS_NOT_FOUND,
    ),
    "get_installed_certificate_ids": _command(
        "GetInstalledCertificateIds",
        certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED,
        certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_NOT_FOUND,
    ),
}


class _Progress(msgspec.Struct, frozen=True):
    """The request that was prepared for an attempt, in base64: the next owner of the attempt has to send the same."""

    attempt: int = -1
    sent: str = ""


class CommandWork:
    """Gives a station a command."""

    def __init__(
        self, *, database: Database, sender: JobSender, preparations: Preparations, syncs: LocalListSyncs
    ) -> None:
        self._database = database
        self._sender = sender
        self._preparations = preparations
        self._syncs = syncs

    def patience_us(self, _work: bytes) -> int:
        """A day: a station may be lost in the middle, and a local list has many parts."""
        return PATIENCE_US

    def left_at(self, connection: Connection, target: TargetRow) -> str:
        """Nothing: a command has one step."""
        del connection, target
        return ""

    async def __call__(self, assignment: Assignment) -> Done | Again:
        """One run of the job. Raises MeshError, FinalError."""
        work = pb.CommandRollout.FromString(assignment.rollout.work)
        name = name_of(work)
        if name == _SYNC:
            return await self._syncs(assignment, full=work.sync_local_list.full)
        answer = await self._give(assignment, name, getattr(work, name))
        status = status_of(answer)
        await self._save(assignment, name, answer, status)
        accepted = COMMANDS[name].accepted
        if accepted and answer.status not in accepted:
            raise FinalError(
                MeshError(grpc.StatusCode.ABORTED, Reason.COMMAND_REFUSED, f"the station's answer is {status}")
            )
        return Done()

    async def _give(self, assignment: Assignment, name: str, wanted: Message) -> Any:
        command, answer_type = COMMANDS[name], type(getattr(pb.CommandAnswer(), name))
        sent = await self._prepared(assignment, wanted)
        hooks = await self._preparations.prepare(command.rpc, sent, None)
        await self._remember(assignment, wanted, sent)
        try:
            return await self._sender.send(assignment.job, name, sent, answer_type, part="command", hooks=hooks)
        except MeshError as error:
            if code := reason_code_of(error):
                save = partial(save_progress, assignment=assignment, answer_reason=code)
                await self._database.write(save)
            if error.reason.sent is not Sent.NO:
                raise FinalError(error) from error
            raise

    async def _prepared(self, assignment: Assignment, wanted: Message) -> Any:
        """The request to this station: as an owner of the same attempt that was lost has prepared it."""
        sent = type(wanted)()
        text = assignment.target.progress
        progress = msgspec.json.decode(text, type=_Progress) if text else _Progress()
        if progress.attempt == assignment.job.attempt:
            sent.ParseFromString(base64.b64decode(progress.sent))
        else:
            sent.CopyFrom(wanted)
            sent.station_id = assignment.job.station_id  # type: ignore[attr-defined]
        return sent

    async def _remember(self, assignment: Assignment, wanted: Message, sent: Any) -> None:
        """Writes the request down where it could not be prepared in the same way again."""
        plain = type(sent)()
        plain.CopyFrom(wanted)
        plain.station_id = assignment.job.station_id
        if plain == sent:
            return
        encoded = base64.b64encode(sent.SerializeToString(deterministic=True)).decode()
        text = msgspec.json.encode(_Progress(attempt=assignment.job.attempt, sent=encoded)).decode()
        await self._database.write(partial(save_progress, assignment=assignment, progress=text))

    async def _save(self, assignment: Assignment, name: str, answer: Message, status: str) -> None:
        kept = pb.CommandAnswer()
        getattr(kept, name).CopyFrom(answer)
        save = partial(
            save_progress,
            assignment=assignment,
            answer=kept.SerializeToString(deterministic=True),
            answer_status=status,
            answer_reason=reason_code_of(answer),
        )
        await self._database.write(save)


def name_of(work: pb.CommandRollout) -> str:
    """The command of a rollout. Raises MeshError INVALID_FIELD where there is none."""
    name = work.WhichOneof("command")
    if name is None:
        raise invalid_field("command.command", "is required")
    return name


async def check(work: pb.CommandRollout, preparations: Preparations, context: Context) -> None:
    """Raises MeshError INVALID_FIELD, and the others of its RPC, for a command that could be given to no station."""
    name = name_of(work)
    if work.get_log.log_upload_id:
        raise invalid_field("command.get_log.log_upload_id", "must be empty: each station has its own")
    if getattr(getattr(work, name), "timeout_s", 0):
        raise invalid_field(f"command.{name}.timeout_s", "must be empty: each station has the usual time")
    if name == _SYNC:
        return
    sent = type(getattr(work, name))()
    sent.CopyFrom(getattr(work, name))
    await preparations.prepare(COMMANDS[name].rpc, sent, context)


@cache
def permission_of(name: str) -> Permission.ValueType:
    """The permission that the command itself needs."""
    command = COMMANDS[name]
    return access_of(contract_files(), [command.service])[f"/{command.service}/{command.rpc}"].permission


def status_of(answer: Message) -> str:
    """The status of an answer as a word, without the prefix of its enumeration; empty where it has none."""
    field = answer.DESCRIPTOR.fields_by_name.get("status")
    if field is None or field.enum_type is None:
        return ""
    values = field.enum_type.values_by_number
    found = values.get(getattr(answer, field.name))
    return "" if found is None else found.name.removeprefix(values[0].name.removesuffix("UNSPECIFIED"))


def mask(work: pb.CommandRollout) -> None:
    """Masks secrets, in place."""
    if work.WhichOneof("command") == "get_log":
        work.get_log.log.remote_location = mask_text(work.get_log.log.remote_location)
