"""What firmware updates add to the service."""

from functools import partial

from csms.station.v1.firmware_service_pb2_grpc import add_FirmwareServiceServicer_to_server

from station_svc.feature import Feature, Parts, Resources
from station_svc.features.firmware import updates
from station_svc.features.firmware.servicer import FirmwareServicer


def _build(resources: Resources) -> Parts:
    servicer = FirmwareServicer(database=resources.database, clock=resources.clock)
    return Parts(operator=[partial(add_FirmwareServiceServicer_to_server, servicer)])


FEATURE = Feature(reports={"firmware_status": updates.record}, on_boots=updates.booted, build=_build)
