"""What uploads of logs add to the service."""

from functools import partial

from csms.station.v1.log_service_pb2_grpc import add_LogServiceServicer_to_server

from station_svc.feature import Feature, Parts, Resources
from station_svc.features.diagnostics import uploads
from station_svc.features.diagnostics.servicer import LogServicer


def _build(resources: Resources) -> Parts:
    servicer = LogServicer(database=resources.database, clock=resources.clock)
    return Parts(operator=[partial(add_LogServiceServicer_to_server, servicer)])


FEATURE = Feature(reports={"log_status": uploads.record}, build=_build)
