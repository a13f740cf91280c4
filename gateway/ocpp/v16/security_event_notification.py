"""SecurityEventNotification, 1.6 security whitepaper section 4.7."""

from csms.common.v1.origin_pb2 import Origin

from gateway.ocpp import security_events
from gateway.ocpp.results import nothing
from gateway.ocpp.translation import Inbound, Items, Payload

# Events that 1.6 calls differently from 2.x.
NAMES_2 = {
    "CentralSystemFailedToAuthenticate": "CsmsFailedToAuthenticate",
    "FailedToAuthenticateAtCentralSystem": "FailedToAuthenticateAtCsms",
    "InvalidCentralSystemCertificate": "InvalidCsmsCertificate",
    "InvalidChargePointCertificate": "InvalidChargingStationCertificate",
}


def to_items(payload: Payload, origin: Origin) -> Items:
    """A security event, by its name in 2.x."""
    return security_events.to_items(payload, origin, names=NAMES_2, criticalities=security_events.CRITICALITIES)


INBOUND = Inbound(to_items=to_items, to_response=nothing)
