"""NotifyEvent, N07 and N08; the status of connectors too (G01.FR.08: `Connector.AvailabilityState`)."""

from collections.abc import Iterator
from typing import Any

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.alarm_pb2 import (
    EVENT_NOTIFICATION_TYPE_UNSPECIFIED,
    EVENT_TRIGGER_UNSPECIFIED,
    EventEntry,
)
from csms.station.v1.station_ingest_service_pb2 import ReportItem
from csms.station.v1.station_pb2 import StatusReport

from gateway.ocpp.checks import check_int32, check_not_negative
from gateway.ocpp.monitoring_enums import EVENT_NOTIFICATION_TYPES, EVENT_TRIGGERS
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.connector_status import to_status, to_status_items
from gateway.ocpp.v2.variables import to_variable
from gateway.ocpp.values import parse_us, set_time


def to_items(payload: Payload, origin: Origin) -> Items:
    """The events, and the statuses of connectors that are among them."""
    item = ReportItem(origin=origin)
    report = item.event_report
    report.seq_no = check_not_negative(check_int32(payload["seqNo"], "seqNo"), "seqNo")
    report.to_be_continued = payload.get("tbc", False)
    _set(report.generate_time, payload["generatedAt"])
    for data in payload["eventData"]:
        _fill(report.entries.add(), data)
    statuses = list(_statuses(payload))
    items = to_status_items(origin, statuses) if statuses else {}
    return items | {IngestRpc.REPORTS: item}


def _fill(entry: EventEntry, data: Payload) -> None:
    entry.event_id = check_int32(data["eventId"], "eventData.eventId")
    _set(entry.event_time, data["timestamp"])
    entry.trigger = EVENT_TRIGGERS.get(data["trigger"], EVENT_TRIGGER_UNSPECIFIED)
    kind = data["eventNotificationType"]
    entry.notification_type = EVENT_NOTIFICATION_TYPES.get(kind, EVENT_NOTIFICATION_TYPE_UNSPECIFIED)
    entry.variable.CopyFrom(to_variable(data, data["actualValue"]))
    if "variableMonitoringId" in data:
        entry.monitor_id = check_int32(data["variableMonitoringId"], "eventData.variableMonitoringId")
    if "cause" in data:
        entry.cause_event_id = check_int32(data["cause"], "eventData.cause")
    entry.tech_code, entry.tech_info = data.get("techCode", ""), data.get("techInfo", "")
    entry.cleared = data.get("cleared", False)
    entry.transaction_id = data.get("transactionId", "")


def _set(stamp: Any, text: str) -> None:
    us = parse_us(text)
    if us is not None:
        set_time(stamp, us)


def _statuses(payload: Payload) -> Iterator[StatusReport]:
    """Of connectors that are named as such, in their order."""
    for data in payload["eventData"]:
        component, evse = data["component"], data["component"].get("evse", {})
        named = component["name"].lower(), data["variable"]["name"].lower()
        if named == ("connector", "availabilitystate") and "connectorId" in evse:
            yield to_status(
                evse_id=evse["id"],
                connector_id=evse["connectorId"],
                word=data["actualValue"],
                time=data["timestamp"],
            )


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
