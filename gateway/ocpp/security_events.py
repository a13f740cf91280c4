"""Security events by their names in OCPP 2.x, and how critical each is. The same for every OCPP version.

The lists: 1.6 security whitepaper, section 8; 2.0.1 part 2 appendices, 1. Both have the same events, by other names,
but for those of maintenance logins, which 2.x alone has.
"""

from collections.abc import Mapping

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.security_event_pb2 import (
    SECURITY_EVENT_CRITICALITY_CRITICAL,
    SECURITY_EVENT_CRITICALITY_NOT_CRITICAL,
    SECURITY_EVENT_CRITICALITY_UNSPECIFIED,
    SecurityEventCriticality,
)
from csms.station.v1.station_ingest_service_pb2 import ReportItem

from gateway.ocpp.translation import IngestRpc, Items, Payload
from gateway.ocpp.values import parse_us, set_time

# Of both versions, in the words of 2.x.
CRITICALITIES: Mapping[str, SecurityEventCriticality.ValueType] = {
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
CRITICALITIES_2: Mapping[str, SecurityEventCriticality.ValueType] = {
    **CRITICALITIES,
    "MaintenanceLoginAccepted": SECURITY_EVENT_CRITICALITY_CRITICAL,
    "MaintenanceLoginFailed": SECURITY_EVENT_CRITICALITY_CRITICAL,
}


def to_items(
    payload: Payload,
    origin: Origin,
    *,
    names: Mapping[str, str],
    criticalities: Mapping[str, SecurityEventCriticality.ValueType],
) -> Items:
    """A security event; `names` are those of 2.x for the station's words. A word of no list stays as it is."""
    item = ReportItem(origin=origin)
    event = item.security_event
    word: str = payload["type"]
    event.type = names.get(word, word)
    event.criticality = criticalities.get(event.type, SECURITY_EVENT_CRITICALITY_UNSPECIFIED)
    event.tech_info = payload.get("techInfo", "")
    us = parse_us(payload["timestamp"])
    if us is not None:
        set_time(event.event_time, us)
    return {IngestRpc.REPORTS: item}
