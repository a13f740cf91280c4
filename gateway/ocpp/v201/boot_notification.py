"""BootNotification, B01 to B03."""

from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import BootItem
from csms.station.v1.station_pb2 import BOOT_REASON_UNSPECIFIED, StationIdentity

from gateway.ocpp import station_events
from gateway.ocpp.enums import BOOT_REASONS
from gateway.ocpp.results import boot_response
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results


def to_items(payload: Payload, origin: Origin) -> Items:
    """A boot, and why."""
    reason = BOOT_REASONS.get(payload["reason"], BOOT_REASON_UNSPECIFIED)
    return {IngestRpc.BOOTS: BootItem(origin=origin, identity=_to_identity(payload), reason=reason)}


def to_follow_up(payload: Payload, origin: Origin, results: Results) -> Items:
    """The event for transaction_svc."""
    return station_events.booted(_to_identity(payload), origin, results)


def _to_identity(payload: Payload) -> StationIdentity:
    station = payload["chargingStation"]
    modem = station.get("modem", {})
    return StationIdentity(
        model=station["model"],
        vendor_name=station["vendorName"],
        serial_number=station.get("serialNumber", ""),
        firmware_version=station.get("firmwareVersion", ""),
        iccid=modem.get("iccid", ""),
        imsi=modem.get("imsi", ""),
    )


INBOUND = Inbound(to_items=to_items, to_response=boot_response, to_follow_up=to_follow_up)
