"""NotifyChargingLimit, K12."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.checks import check_int32, check_not_negative
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.charging_profiles import limit_source
from gateway.ocpp.v2.charging_schedules import to_schedules


def to_items(payload: Payload, origin: Origin) -> Items:
    """A limit from elsewhere; without an EVSE it is of the station as a whole."""
    item = ReportItem(origin=origin)
    limit, reported = item.charging_limit, payload["chargingLimit"]
    limit.evse_id = check_not_negative(check_int32(payload.get("evseId", 0), "evseId"), "evseId")
    limit.limit_source = limit_source(reported["chargingLimitSource"])
    if "isGridCritical" in reported:
        limit.is_grid_critical = reported["isGridCritical"]
    limit.schedules.extend(to_schedules(payload.get("chargingSchedule", ()), "chargingSchedule"))
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
