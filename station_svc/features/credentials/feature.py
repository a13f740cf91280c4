"""Registers stations' credentials with the service."""

from csms.station.v1.command_service_pb2 import SetVariablesRequest
from csms.station.v1.network_profile_pb2 import SetNetworkProfileRequest

from mesh.grpc.types import Context
from station_svc.commands.hooks import CommandHooks
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.credentials.first_delivery import KIND, FirstCredential
from station_svc.features.credentials.security import SendProfile, hooks_of


def _build(resources: Resources) -> FeatureParts:
    first = FirstCredential(database=resources.database, sender=resources.job_sender, closer=resources.closer)
    return FeatureParts(
        jobs={KIND: first.kind},
        commands={"SetVariables": _set_variables, "SetNetworkProfile": _set_network_profile},
    )


async def _set_variables(sent: SetVariablesRequest, _context: Context | None) -> CommandHooks:
    return hooks_of(sent.variables)


async def _set_network_profile(sent: SetNetworkProfileRequest, _context: Context | None) -> CommandHooks:
    return SendProfile(sent.connection_data.security_profile, is_in_use=False)


FEATURE = Feature(build=_build)
