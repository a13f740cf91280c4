"""BootNotification, 1.6 section 4.2."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import BootItem
from csms.station.v1.station_pb2 import StationIdentity

from gateway import station_events
from gateway.results import boot_response
from gateway.translation import Inbound, Items, LaneName, Payload


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
    return {
        LaneName.BOOTS: BootItem(origin=origin, identity=identity),
        LaneName.STATION_EVENTS: station_events.booted(identity, origin),
    }


INBOUND = Inbound(to_items=to_items, to_response=boot_response)
