"""SecurityEventService: security events as operators read them, between protobuf and rows."""

from functools import partial

from csms.station.v1 import security_event_pb2, security_event_service_pb2
from csms.station.v1.security_event_service_pb2_grpc import SecurityEventServiceServicer

from mesh.database.engine import Database
from mesh.database.filters import choice, to_condition
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.times import to_timestamp
from station_svc.core.lists import FRAME_KEY, page_of, storable
from station_svc.features.security_events import store
from station_svc.features.security_events.rows import SecurityEventRow

_CRITICALITY = choice(dict(security_event_pb2.SecurityEventCriticality.items()), "SECURITY_EVENT_CRITICALITY_")


class SecurityEventServicer(SecurityEventServiceServicer):
    """Serves operators."""

    def __init__(self, *, database: Database) -> None:
        self._database = database

    async def ListSecurityEvents(
        self, request: security_event_service_pb2.ListSecurityEventsRequest, context: Context
    ) -> security_event_service_pb2.ListSecurityEventsResponse:
        """Lists the security events of a station, newest first."""
        del context
        condition = to_condition(request.filter, store.filters(_CRITICALITY))
        page = page_of(request, FRAME_KEY, condition=condition)
        read = partial(
            store.list_security_events,
            tenant_id=current_caller().tenant_id,
            station_id=storable(request.station_id),
            page=page,
        )
        rows, token = page.cut(await self._database.read(read), lambda row: row.frame.version)
        return security_event_service_pb2.ListSecurityEventsResponse(
            security_events=map(_to_security_event, rows), next_page_token=token
        )


def _to_security_event(row: SecurityEventRow) -> security_event_pb2.SecurityEvent:
    return security_event_pb2.SecurityEvent(
        station_id=row.frame.station_id,
        type=row.type,
        event_time=None if row.event_us is None else to_timestamp(row.event_us),
        tech_info=row.tech_info,
        criticality=security_event_pb2.SecurityEventCriticality.ValueType(row.criticality),
        receive_time=to_timestamp(row.frame.receive_us),
    )
