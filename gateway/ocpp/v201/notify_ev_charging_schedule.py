"""NotifyEVChargingSchedule, K15 to K17."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.checks import check_int32, check_not_negative
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.charging_schedules import to_reported_schedule
from gateway.ocpp.values import parse_us, set_time


def to_items(payload: Payload, origin: Origin) -> Items:
    """The schedule that a vehicle has chosen, which is held against the limits that it was given."""
    item = ReportItem(origin=origin)
    report = item.ev_charging_schedule
    report.evse_id = check_not_negative(check_int32(payload["evseId"], "evseId"), "evseId")
    us = parse_us(payload["timeBase"])
    if us is not None:
        set_time(report.time_base, us)
    report.schedule.CopyFrom(to_reported_schedule(payload["chargingSchedule"], "chargingSchedule"))
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """That it is recorded; this is no approval of the schedule (NotifyEVChargingScheduleResponse)."""
    return {"status": "Accepted"}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
