"""ReservationStatusUpdate, H01 and H04: a reservation ended without a use."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.reservation_pb2 import RESERVATION_UPDATE_STATUS_UNSPECIFIED
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.checks import check_int32
from gateway.ocpp.enums import RESERVATION_UPDATE_STATUSES
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results


def to_items(payload: Payload, origin: Origin) -> Items:
    """The reservation's number and the reason of its end."""
    item = ReportItem(origin=origin)
    update = item.reservation_update
    update.reservation_id = check_int32(payload["reservationId"], "reservationId")
    update.status = RESERVATION_UPDATE_STATUSES.get(
        payload["reservationUpdateStatus"], RESERVATION_UPDATE_STATUS_UNSPECIFIED
    )
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
