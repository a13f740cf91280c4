"""Registers uploads of logs with the service."""

from functools import partial

from csms.station.v1 import log_pb2
from csms.station.v1.log_service_pb2_grpc import add_LogServiceServicer_to_server

from mesh.grpc.types import Context
from mesh.runtime.errors import invalid_field
from station_svc.commands.hooks import CommandHooks
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.diagnostics import uploads
from station_svc.features.diagnostics.servicer import LogServicer


def _build(resources: Resources) -> FeatureParts:
    servicer = LogServicer(database=resources.database, clock=resources.clock)
    return FeatureParts(operator=[partial(add_LogServiceServicer_to_server, servicer)], commands={"GetLog": _get_log})


async def _get_log(sent: log_pb2.GetLogRequest, _context: Context | None) -> CommandHooks:
    if sent.log_upload_id < 0:
        raise invalid_field("log_upload_id", "must not be below 0")
    uploads.complete(sent)
    return uploads.hooks_of(sent)


FEATURE = Feature(reports={"log_status": uploads.record}, build=_build)
