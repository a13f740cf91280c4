"""NotifyEvent of 2.0.1: events as they came, and the statuses of connectors among them."""

from typing import Any

import pytest
from csms.station.v1 import alarm_pb2 as pb
from csms.station.v1.station_ingest_service_pb2 import StatusItem
from csms.station.v1.station_pb2 import CONNECTOR_STATUS_AVAILABLE, CONNECTOR_STATUS_OCCUPIED

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from mesh.runtime.masking import MASK
from tests.gateway.v201 import helpers

ACTION = "NotifyEvent"


def _event(name: str = "ChargingStation", variable: str = "Temperature", **more: Any) -> dict[str, Any]:
    event = {
        "eventId": 1,
        "timestamp": helpers.NOW,
        "trigger": "Alerting",
        "actualValue": "75",
        "eventNotificationType": "CustomMonitor",
        "component": {"name": name},
        "variable": {"name": variable},
    }
    return event | more


def _state(evse_id: int, word: str, *, connector_id: int | None = 1, **more: Any) -> dict[str, Any]:
    evse = {"id": evse_id} | ({} if connector_id is None else {"connectorId": connector_id})
    component: dict[str, Any] = {"name": "Connector", "evse": evse}
    fields: dict[str, Any] = {"component": component, "actualValue": word, "trigger": "Delta"}
    return _event(variable="AvailabilityState", **(fields | more))


def _payload(*events: dict[str, Any]) -> dict[str, Any]:
    return {"generatedAt": helpers.NOW, "seqNo": 0, "eventData": list(events)}


def test_an_event_keeps_what_the_station_said() -> None:
    more: dict[str, Any] = {
        "cause": 9,
        "techCode": "E1",
        "techInfo": "hot",
        "cleared": True,
        "transactionId": "tx",
        "variableMonitoringId": 0,
    }
    item = helpers.item(ACTION, _payload(_event(**more)), IngestRpc.REPORTS)
    [entry] = item.event_report.entries
    assert (entry.event_id, entry.cause_event_id, entry.monitor_id) == (1, 9, 0)
    assert entry.HasField("monitor_id")
    assert (entry.tech_code, entry.tech_info, entry.cleared, entry.transaction_id) == ("E1", "hot", True, "tx")
    assert (entry.trigger, entry.notification_type) == (
        pb.EVENT_TRIGGER_ALERTING,
        pb.EVENT_NOTIFICATION_TYPE_CUSTOM_MONITOR,
    )
    assert (entry.variable.component, entry.variable.variable, entry.variable.value) == (
        "ChargingStation",
        "Temperature",
        "75",
    )


def test_a_secret_does_not_leave_the_gateway() -> None:
    event = _event("SecurityCtrlr", "BasicAuthPassword", actualValue="hunter2")
    item = helpers.item(ACTION, _payload(event), IngestRpc.REPORTS)
    assert item.event_report.entries[0].variable.value == MASK


def test_connectors_have_the_status_that_a_status_notification_gives() -> None:
    """G01.FR.08: the same item, for each connector; those that became available are told to transaction_svc."""
    items = helpers.to_items(ACTION, _payload(_state(1, "Available"), _state(2, "Occupied"), _state(3, "Available")))
    assert set(items) == {IngestRpc.REPORTS, IngestRpc.STATUSES, IngestRpc.STATION_EVENTS}
    status = items[IngestRpc.STATUSES]
    assert isinstance(status, StatusItem)
    reports = [status.status, *status.further_statuses]
    assert [(one.evse.evse_id, one.evse.connector_id, one.status) for one in reports] == [
        (1, 1, CONNECTOR_STATUS_AVAILABLE),
        (2, 1, CONNECTOR_STATUS_OCCUPIED),
        (3, 1, CONNECTOR_STATUS_AVAILABLE),
    ]
    told: Any = items[IngestRpc.STATION_EVENTS]
    assert [told.connector_available.evse.evse_id, *(one.evse.evse_id for one in told.further_connectors)] == [1, 3]
    payload = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available", "timestamp": helpers.NOW}
    alone = helpers.item("StatusNotification", payload, IngestRpc.STATUSES)
    assert reports[0] == alone.status


def test_the_last_status_of_a_connector_decides() -> None:
    """A connector that is available and then taken within one message has no event for transaction_svc."""
    items = helpers.to_items(ACTION, _payload(_state(1, "Available"), _state(1, "Occupied")))
    assert set(items) == {IngestRpc.REPORTS, IngestRpc.STATUSES}


@pytest.mark.parametrize(
    "event",
    [
        _state(1, "Available", connector_id=None),
        _event("EVSE", "AvailabilityState", actualValue="Available"),
        _event("Connector", "AvailabilityState", actualValue="Available"),
    ],
)
def test_what_names_no_connector_has_no_status(event: dict[str, Any]) -> None:
    """An EVSE as a whole, or a connector that is not named: kept as an event alone."""
    assert set(helpers.to_items(ACTION, _payload(event))) == {IngestRpc.REPORTS}


@pytest.mark.parametrize("event", [_event(eventId=2**31), _state(-1, "Available"), _event(cause=-(2**40))])
def test_numbers_that_cannot_be_stored(event: dict[str, Any]) -> None:
    with pytest.raises(UnacceptableError):
        helpers.to_items(ACTION, _payload(event))
