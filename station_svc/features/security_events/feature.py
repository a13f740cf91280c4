"""Registers security events with the service."""

from functools import partial

from csms.station.v1.security_event_service_pb2_grpc import add_SecurityEventServiceServicer_to_server

from mesh.driver_tables import DriverTable, reworded
from station_svc.core.storage import Retention, Storage, aged
from station_svc.feature import Feature, FeatureParts, Resources
from station_svc.features.security_events import recording
from station_svc.features.security_events.models import security_event
from station_svc.features.security_events.servicer import SecurityEventServicer


def _build(resources: Resources) -> FeatureParts:
    servicer = SecurityEventServicer(database=resources.database)
    return FeatureParts(operator=[partial(add_SecurityEventServiceServicer_to_server, servicer)])


FEATURE = Feature(
    storage=Storage(
        history=[security_event],
        retention=[Retention(name="SECURITY_EVENT", days=365, removals=[aged(security_event.c.receive_us)])],
        drivers=[DriverTable(table=security_event, decide=reworded("tech_info"))],
    ),
    reports={"security_event": recording.record},
    build=_build,
)
