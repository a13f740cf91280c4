"""StopTransaction, 1.6 section 4.10."""

from csms.auth.v1.authorization_service_pb2 import AuthorizeItem
from csms.common.v1.meter_value_pb2 import READING_CONTEXT_TRANSACTION_END
from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import ReportItem
from csms.transaction.v1.transaction_event_pb2 import STOPPED_REASON_UNSPECIFIED, TRANSACTION_EVENT_TYPE_ENDED
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventItem
from google.protobuf.message import Message

from gateway.ocpp.enums import STOPPED_REASONS
from gateway.ocpp.results import authorization
from gateway.ocpp.translation import SILENT, Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v16.parts import add_meter_values, add_register, id_tag_info, transaction_id_text
from gateway.ocpp.values import parse_us, set_time

_DEFAULT_REASON = "Local"


def to_items(payload: Payload, origin: Origin) -> Items:
    """The stop with its values, meterStop last; and the item that authorizes the id tag that stopped it, if any.

    station_svc is notified of the end: charging profiles of the transaction end with it.
    """
    item = TransactionEventItem()
    item.origin.CopyFrom(origin)
    event, id_tag = item.event, payload.get("idTag", "")
    event.event_type = TRANSACTION_EVENT_TYPE_ENDED
    event.transaction_id = transaction_id_text(payload["transactionId"])
    us = parse_us(payload["timestamp"])
    if us is not None:
        set_time(event.event_time, us)
    add_meter_values(event.meter_values, payload.get("transactionData", ()))
    add_register(event.meter_values, payload["meterStop"], us, READING_CONTEXT_TRANSACTION_END)
    event.stopped_reason = STOPPED_REASONS.get(payload.get("reason", _DEFAULT_REASON), STOPPED_REASON_UNSPECIFIED)
    end = ReportItem()
    end.origin.CopyFrom(origin)
    end.transaction_end.transaction_id = event.transaction_id
    items: dict[IngestRpc, Message] = {IngestRpc.TRANSACTION_EVENTS: item, IngestRpc.BACKGROUND_REPORTS: end}
    if id_tag.strip():
        event.id_token.id_token = id_tag
        items[IngestRpc.AUTHORIZE] = AuthorizeItem(origin=origin, id_token=event.id_token)
    return items


def to_response(_payload: Payload, results: Results, _now_us: int) -> Payload:
    """The status of the id tag, where there was one and auth_svc returned it."""
    info = authorization(results)
    return {} if info is None else {"idTagInfo": id_tag_info(info)}


INBOUND = Inbound(
    to_items=to_items,
    to_response=to_response,
    optional=frozenset({IngestRpc.AUTHORIZE}),
    quarantine_response=SILENT,
)
