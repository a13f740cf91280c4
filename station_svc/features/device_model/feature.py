"""Registers variables with the service."""

from csms.station.v1 import command_service_pb2 as pb

from mesh.grpc.types import Context
from mesh.runtime.errors import invalid_field
from station_svc.commands.hooks import CommandHooks
from station_svc.commands.variables import RememberVariables
from station_svc.feature import Feature, FeatureParts, Resources


def _build(_resources: Resources) -> FeatureParts:
    return FeatureParts(commands={"GetVariables": _get_variables, "SetVariables": _set_variables})


async def _get_variables(sent: pb.GetVariablesRequest, _context: Context | None) -> CommandHooks:
    if sent.items_per_message < 0:
        raise invalid_field("items_per_message", "must not be below 0")
    return RememberVariables(sent)


async def _set_variables(_sent: pb.SetVariablesRequest, _context: Context | None) -> CommandHooks:
    return RememberVariables()


FEATURE = Feature(build=_build)
