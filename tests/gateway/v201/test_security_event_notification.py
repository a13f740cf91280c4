"""SecurityEventNotification of 2.0.1, A04."""

import pytest
from csms.station.v1 import security_event_pb2
from csms.station.v1.station_ingest_service_pb2 import ReportResult

from gateway.ocpp.translation import IngestRpc
from tests.gateway.v201 import helpers

ACTION = "SecurityEventNotification"
CRITICAL = security_event_pb2.SECURITY_EVENT_CRITICALITY_CRITICAL
NOT_CRITICAL = security_event_pb2.SECURITY_EVENT_CRITICALITY_NOT_CRITICAL
UNLISTED = security_event_pb2.SECURITY_EVENT_CRITICALITY_UNSPECIFIED


@pytest.mark.parametrize(
    ("word", "criticality"),
    [
        ("SettingSystemTime", CRITICAL),
        ("MaintenanceLoginFailed", CRITICAL),
        ("InvalidCsmsCertificate", NOT_CRITICAL),
        ("DoorOpened", UNLISTED),
        ("InvalidCentralSystemCertificate", UNLISTED),  # a word of 1.6
    ],
)
def test_words_and_how_critical_they_are(word: str, criticality: int) -> None:
    payload = {"type": word, "timestamp": "2026-01-01T10:00:00.5Z", "techInfo": "door 2"}
    item = helpers.item(ACTION, payload, IngestRpc.REPORTS)
    event = item.security_event
    assert item.origin == helpers.ORIGIN
    assert (event.type, event.criticality, event.tech_info) == (word, criticality, "door 2")
    assert event.event_time.ToJsonString() == "2026-01-01T10:00:00.500Z"


def test_every_payload() -> None:
    """Minimal and maximal ones survive the wire."""
    for payload in helpers.request_payloads(ACTION):
        assert helpers.item(ACTION, payload, IngestRpc.REPORTS).security_event.type == payload["type"]


def test_answer_is_empty() -> None:
    assert helpers.to_response(ACTION, {}, {IngestRpc.REPORTS: ReportResult()}) == {}
