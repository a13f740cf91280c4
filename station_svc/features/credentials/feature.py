"""Registers stations' credentials with the service."""

from csms.station.v1.command_service_pb2 import SetVariablesRequest

from mesh.grpc.types import Context
from station_svc.commands.hooks import CommandHooks
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.credentials.first_delivery import KIND, FirstCredential
from station_svc.features.credentials.security import hooks_of


def _build(resources: Resources) -> FeatureParts:
    first = FirstCredential(database=resources.database, sender=resources.job_sender, closer=resources.closer)
    return FeatureParts(jobs={KIND: first.kind}, commands={"SetVariables": _set_variables})


async def _set_variables(sent: SetVariablesRequest, _context: Context | None) -> CommandHooks:
    return hooks_of(sent.variables)


FEATURE = Feature(build=_build)
