"""BootNotification, 1.6 section 4.2."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import BootItem
from csms.station.v1.station_pb2 import StationIdentity

from gateway.ocpp import station_events
from gateway.ocpp.results import boot_response
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results


def to_items(payload: Payload, origin: Origin) -> Items:
    """A boot. 1.6 has no reason for it."""
    return {IngestRpc.BOOTS: BootItem(origin=origin, identity=_to_identity(payload))}


def to_follow_up(payload: Payload, origin: Origin, results: Results) -> Items:
    """The event for transaction_svc."""
    return station_events.booted(_to_identity(payload), origin, results)


def _to_identity(payload: Payload) -> StationIdentity:
    get = payload.get
    return StationIdentity(
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


INBOUND = Inbound(to_items=to_items, to_response=boot_response, to_follow_up=to_follow_up)
