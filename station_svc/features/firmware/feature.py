"""Registers updates and publications of firmware with the service."""

from functools import partial

from csms.station.v1 import firmware_pb2, firmware_publication_pb2
from csms.station.v1.firmware_publication_service_pb2_grpc import add_FirmwarePublicationServiceServicer_to_server
from csms.station.v1.firmware_service_pb2_grpc import add_FirmwareServiceServicer_to_server

from mesh.grpc.types import Context
from mesh.runtime.errors import invalid_field
from station_svc.commands.hooks import CommandHooks
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.firmware import publications, updates
from station_svc.features.firmware.publication_servicer import FirmwarePublicationServicer
from station_svc.features.firmware.servicer import FirmwareServicer


def _build(resources: Resources) -> FeatureParts:
    servicer = FirmwareServicer(database=resources.database, clock=resources.clock)
    publication_servicer = FirmwarePublicationServicer(database=resources.database, clock=resources.clock)

    async def update(sent: firmware_pb2.UpdateFirmwareRequest, _context: Context | None) -> CommandHooks:
        if sent.firmware_update_id < 0:
            raise invalid_field("firmware_update_id", "must not be below 0")
        updates.complete(sent, resources.clock)
        return updates.hooks_of(sent)

    return FeatureParts(
        operator=[
            partial(add_FirmwareServiceServicer_to_server, servicer),
            partial(add_FirmwarePublicationServiceServicer_to_server, publication_servicer),
        ],
        commands={"UpdateFirmware": update, "PublishFirmware": _publish, "UnpublishFirmware": _unpublish},
    )


async def _publish(sent: firmware_publication_pb2.PublishFirmwareRequest, _context: Context | None) -> CommandHooks:
    if sent.firmware_publication_id < 0:
        raise invalid_field("firmware_publication_id", "must not be below 0")
    return publications.hooks_of(sent)


async def _unpublish(sent: firmware_publication_pb2.UnpublishFirmwareRequest, _context: Context | None) -> CommandHooks:
    return publications.Unpublish(sent.checksum)


FEATURE = Feature(
    reports={"firmware_status": updates.record, "firmware_publication_status": publications.record},
    on_boots=updates.booted,
    build=_build,
)
