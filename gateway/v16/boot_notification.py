"""BootNotification, 1.6 section 4.2."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import BootItem, BootResult
from csms.station.v1.station_pb2 import StationIdentity

from gateway.enums import REGISTRATION_STATUSES, words
from gateway.results import result_of
from gateway.translation import Inbound, Items, LaneName, Payload, Results
from gateway.values import format_us

_STATUS_WORDS = words(REGISTRATION_STATUSES)


def to_items(payload: Payload, origin: Origin) -> Items:
    """A boot. 1.6 tells no reason for it."""
    get = payload.get
    identity = StationIdentity(
        model=payload["chargePointModel"],
        vendor_name=payload["chargePointVendor"],
        serial_number=get("chargePointSerialNumber", ""),
        firmware_version=get("firmwareVersion", ""),
        iccid=get("iccid", ""),
        imsi=get("imsi", ""),
        meter_serial_number=get("meterSerialNumber", ""),
        meter_type=get("meterType", ""),
        charge_box_serial_number=get("chargeBoxSerialNumber", ""),
    )
    return {LaneName.BOOTS: BootItem(origin=origin, identity=identity)}


def to_response(_payload: Payload, results: Results, now_us: int) -> Payload:
    """Whether the station may work; a status that is not known counts as Rejected."""
    result = result_of(results, LaneName.BOOTS, BootResult)
    return {
        "status": _STATUS_WORDS.get(result.registration_status, "Rejected"),
        "currentTime": format_us(now_us),
        "interval": result.interval_s,
    }


INBOUND = Inbound(to_items=to_items, to_response=to_response)
