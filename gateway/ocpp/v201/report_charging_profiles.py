"""ReportChargingProfiles, K09: one message of those that GetChargingProfiles asked for."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.checks import check_int32, check_not_negative
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.charging_profiles import limit_source, to_profile


def to_items(payload: Payload, origin: Origin) -> Items:
    """The profiles of one EVSE, from one source."""
    item = ReportItem(origin=origin)
    report = item.charging_profile_report
    report.report_id = check_int32(payload["requestId"], "requestId")
    report.limit_source = limit_source(payload["chargingLimitSource"])
    report.evse_id = check_not_negative(check_int32(payload["evseId"], "evseId"), "evseId")
    report.to_be_continued = payload.get("tbc", False)
    report.charging_profiles.extend(
        to_profile(one, f"chargingProfile[{index}]") for index, one in enumerate(payload["chargingProfile"])
    )
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
