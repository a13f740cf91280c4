"""SecurityEventNotification, 1.6 security whitepaper section 4.7."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.security_event_pb2 import (
    SECURITY_EVENT_CRITICALITY_CRITICAL,
    SECURITY_EVENT_CRITICALITY_NOT_CRITICAL,
    SECURITY_EVENT_CRITICALITY_UNSPECIFIED,
)
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.values import parse_us, set_time

# What 1.6 calls differently from 2.x.
NAMES_2 = {
    "CentralSystemFailedToAuthenticate": "CsmsFailedToAuthenticate",
    "FailedToAuthenticateAtCentralSystem": "FailedToAuthenticateAtCsms",
    "InvalidCentralSystemCertificate": "InvalidCsmsCertificate",
    "InvalidChargePointCertificate": "InvalidChargingStationCertificate",
}
# Section 8 of the whitepaper, in the words of 2.x. The same event may be critical in one version and not in the other.
CRITICALITIES = {
    **dict.fromkeys(
        (
            "FirmwareUpdated",
            "MemoryExhaustion",
            "ResetOrReboot",
            "SecurityLogWasCleared",
            "SettingSystemTime",
            "StartupOfTheDevice",
            "TamperDetectionActivated",
        ),
        SECURITY_EVENT_CRITICALITY_CRITICAL,
    ),
    **dict.fromkeys(
        (
            "AttemptedReplayAttacks",
            "CsmsFailedToAuthenticate",
            "FailedToAuthenticateAtCsms",
            "InvalidChargingStationCertificate",
            "InvalidCsmsCertificate",
            "InvalidFirmwareSignature",
            "InvalidFirmwareSigningCertificate",
            "InvalidMessages",
            "InvalidTLSCipherSuite",
            "InvalidTLSVersion",
            "ReconfigurationOfSecurityParameters",
        ),
        SECURITY_EVENT_CRITICALITY_NOT_CRITICAL,
    ),
}


def to_items(payload: Payload, origin: Origin) -> Items:
    """A security event, by its name in 2.x; one that the list does not have keeps the station's word."""
    item = ReportItem(origin=origin)
    event = item.security_event
    word: str = payload["type"]
    event.type = NAMES_2.get(word, word)
    event.criticality = CRITICALITIES.get(event.type, SECURITY_EVENT_CRITICALITY_UNSPECIFIED)
    event.tech_info = payload.get("techInfo", "")
    us = parse_us(payload["timestamp"])
    if us is not None:
        set_time(event.event_time, us)
    return {IngestRpc.REPORTS: item}


def to_response(_payload: Payload, _results: Results, _now_us: int) -> Payload:
    """Nothing but that it arrived."""
    return {}


INBOUND = Inbound(to_items=to_items, to_response=to_response)
