"""SecurityEventNotification of 1.6."""

import pytest
from csms.station.v1 import security_event_pb2
from csms.station.v1.station_ingest_service_pb2 import ReportResult

from gateway.ocpp.security_events import CRITICALITIES
from gateway.ocpp.translation import IngestRpc
from tests.gateway.v16 import helpers

ACTION = "SecurityEventNotification"
CRITICAL = security_event_pb2.SECURITY_EVENT_CRITICALITY_CRITICAL
NOT_CRITICAL = security_event_pb2.SECURITY_EVENT_CRITICALITY_NOT_CRITICAL
UNLISTED = security_event_pb2.SECURITY_EVENT_CRITICALITY_UNSPECIFIED


@pytest.mark.parametrize(
    ("word", "name", "criticality"),
    [
        ("TamperDetectionActivated", "TamperDetectionActivated", CRITICAL),
        ("InvalidFirmwareSignature", "InvalidFirmwareSignature", NOT_CRITICAL),
        ("FailedToAuthenticateAtCentralSystem", "FailedToAuthenticateAtCsms", NOT_CRITICAL),
        ("CentralSystemFailedToAuthenticate", "CsmsFailedToAuthenticate", NOT_CRITICAL),
        ("InvalidCentralSystemCertificate", "InvalidCsmsCertificate", NOT_CRITICAL),
        ("InvalidChargePointCertificate", "InvalidChargingStationCertificate", NOT_CRITICAL),
        ("DoorOpened", "DoorOpened", UNLISTED),
    ],
)
def test_words(word: str, name: str, criticality: int) -> None:
    """1.6's names become those of 2.x; what the list does not have stays as it is."""
    payload = {"type": word, "timestamp": "2026-01-01T10:00:00.5Z", "techInfo": "door 2"}
    item = helpers.item(ACTION, payload, IngestRpc.REPORTS)
    event = item.security_event
    assert item.origin == helpers.ORIGIN
    assert (event.type, event.criticality, event.tech_info) == (name, criticality, "door 2")
    assert event.event_time.ToJsonString() == "2026-01-01T10:00:00.500Z"


def test_the_list_has_eighteen() -> None:
    """Seven of the eighteen events of the whitepaper are critical."""
    assert len(CRITICALITIES) == 18
    assert sum(criticality == CRITICAL for criticality in CRITICALITIES.values()) == 7


def test_an_odd_time() -> None:
    """Times are read as stations write them (quirk 11)."""
    payload = {"type": "ResetOrReboot", "timestamp": "2026-01-01 10:00:00+02"}
    event = helpers.item(ACTION, payload, IngestRpc.REPORTS).security_event
    assert event.event_time.ToJsonString() == "2026-01-01T08:00:00Z"


def test_every_payload() -> None:
    """Minimal and maximal ones survive the wire."""
    for payload in helpers.request_payloads(ACTION):
        assert helpers.item(ACTION, payload, IngestRpc.REPORTS).security_event.type == payload["type"]


def test_answer() -> None:
    """Empty."""
    assert helpers.to_response(ACTION, {}, {IngestRpc.REPORTS: ReportResult()}) == {}
