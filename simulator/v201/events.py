"""Alarms of a station's hard-wired monitors: a connector that is faulted, and that is no more (N07). Pure."""

from datetime import datetime
from typing import Any

from ocpp.v201 import call

from simulator.events import Status, StatusChanged
from simulator.v201.holdings import Holdings, Words
from station_kit.times import format_time


def fault_event(event: StatusChanged, at: datetime, holdings: Holdings) -> Any | None:
    """NotifyEvent where a fault begins or ends; None otherwise."""
    is_faulted = event.status is Status.FAULTED
    if event.connector_id == 0 or is_faulted == (event.connector_id in holdings.open_events):
        return None
    data: Words = {
        "event_id": next(holdings.event_ids),
        "timestamp": format_time(at),
        "trigger": "Alerting",
        "actual_value": "true" if is_faulted else "false",
        "cleared": not is_faulted,
        "event_notification_type": "HardWiredMonitor",
        "component": {"name": "Connector", "evse": {"id": event.connector_id, "connector_id": 1}},
        "variable": {"name": "Problem"},
    }
    if event.error_code is not None:
        data["tech_code"] = event.error_code
    if is_faulted:
        holdings.open_events[event.connector_id] = data["event_id"]
    else:
        data["cause"] = holdings.open_events.pop(event.connector_id)
    return call.NotifyEvent(generated_at=format_time(at), seq_no=0, event_data=[data], tbc=False)
