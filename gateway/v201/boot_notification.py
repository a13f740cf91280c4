"""BootNotification, B01 to B03."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import BootItem, BootResult
from csms.station.v1.station_pb2 import BOOT_REASON_UNSPECIFIED, StationIdentity

from gateway.enums import BOOT_REASONS, REGISTRATION_STATUSES, words
from gateway.results import result_of
from gateway.translation import Inbound, Items, LaneName, Payload, Results
from gateway.values import format_us

_STATUS_WORDS = words(REGISTRATION_STATUSES)


def to_items(payload: Payload, origin: Origin) -> Items:
    """A boot, and why."""
    station = payload["chargingStation"]
    modem = station.get("modem", {})
    identity = StationIdentity(
        model=station["model"],
        vendor_name=station["vendorName"],
        serial_number=station.get("serialNumber", ""),
        firmware_version=station.get("firmwareVersion", ""),
        iccid=modem.get("iccid", ""),
        imsi=modem.get("imsi", ""),
    )
    reason = BOOT_REASONS.get(payload["reason"], BOOT_REASON_UNSPECIFIED)
    return {LaneName.BOOTS: BootItem(origin=origin, identity=identity, reason=reason)}


def to_response(_payload: Payload, results: Results, now_us: int) -> Payload:
    """Whether the station may work; a status that is not known counts as Rejected."""
    result = result_of(results, LaneName.BOOTS, BootResult)
    return {
        "status": _STATUS_WORDS.get(result.registration_status, "Rejected"),
        "currentTime": format_us(now_us),
        "interval": result.interval_s,
    }


INBOUND = Inbound(to_items=to_items, to_response=to_response)
