"""ClearedChargingLimit, K13."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.checks import check_int32, check_not_negative
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.charging_profiles import limit_source


def to_items(payload: Payload, origin: Origin) -> Items:
    """The limit of a source is no longer in force."""
    item = ReportItem(origin=origin)
    clearing = item.charging_limit_clearing
    clearing.limit_source = limit_source(payload["chargingLimitSource"])
    if "evseId" in payload:
        clearing.evse_id = check_not_negative(check_int32(payload["evseId"], "evseId"), "evseId")
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
