"""Registers firmware updates with the service."""

from functools import partial

from csms.station.v1 import firmware_pb2
from csms.station.v1.firmware_service_pb2_grpc import add_FirmwareServiceServicer_to_server

from mesh.grpc.types import Context
from mesh.runtime.errors import invalid_field
from station_svc.commands.hooks import CommandHooks
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.firmware import updates
from station_svc.features.firmware.servicer import FirmwareServicer


def _build(resources: Resources) -> FeatureParts:
    servicer = FirmwareServicer(database=resources.database, clock=resources.clock)

    async def update(sent: firmware_pb2.UpdateFirmwareRequest, _context: Context | None) -> CommandHooks:
        if sent.firmware_update_id < 0:
            raise invalid_field("firmware_update_id", "must not be below 0")
        updates.complete(sent, resources.clock)
        return updates.hooks_of(sent)

    return FeatureParts(
        operator=[partial(add_FirmwareServiceServicer_to_server, servicer)],
        commands={"UpdateFirmware": update},
    )


FEATURE = Feature(reports={"firmware_status": updates.record}, on_boots=updates.booted, build=_build)
