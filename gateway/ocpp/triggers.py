"""Messages that a CALL to a station asks for. Some have another name than the trigger that requests them."""

from collections.abc import Mapping

from gateway.ocpp.frames import Payload

# Both TriggerMessage and 1.6's ExtendedTriggerMessage (security whitepaper, 5.6).
ACTIONS = frozenset({"TriggerMessage", "ExtendedTriggerMessage"})

# 2.x: a station that is not accepted yet reports what these ask for (B02.FR.05, B02.FR.09).
_REPORTS: Mapping[str, frozenset[str]] = {
    "GetBaseReport": frozenset({"NotifyReport"}),
    "GetReport": frozenset({"NotifyReport"}),
}

_OTHERWISE_CALLED: Mapping[str, frozenset[str]] = {
    # The security extension of 1.6 has a message of its own for it.
    "FirmwareStatusNotification": frozenset({"FirmwareStatusNotification", "SignedFirmwareStatusNotification"}),
    "SignChargePointCertificate": frozenset({"SignCertificate"}),  # 1.6
    "SignChargingStationCertificate": frozenset({"SignCertificate"}),  # 2.x, as those below
    "SignV2GCertificate": frozenset({"SignCertificate"}),
    "SignV2G20Certificate": frozenset({"SignCertificate"}),
    "SignCombinedCertificate": frozenset({"SignCertificate"}),
}


def triggered_actions(action: str, payload: Payload) -> frozenset[str]:
    """The actions that a CALL requests from a station; none, where it requests no message."""
    if action not in ACTIONS:
        return _REPORTS.get(action, frozenset())
    requested = str(payload.get("requestedMessage"))
    return _OTHERWISE_CALLED.get(requested, frozenset({requested}))
