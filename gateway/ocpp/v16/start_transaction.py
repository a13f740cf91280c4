"""StartTransaction, 1.6 section 4.8."""

from typing import Any

from csms.auth.v1.authorization_service_pb2 import AuthorizeItem
from csms.common.v1.id_token_pb2 import (
    AUTHORIZATION_STATUS_ACCEPTED,
    AUTHORIZATION_STATUS_INVALID,
    IdToken,
    IdTokenInfo,
)
from csms.common.v1.meter_value_pb2 import READING_CONTEXT_TRANSACTION_BEGIN
from csms.common.v1.origin_pb2 import Origin
from csms.transaction.v1.transaction_event_pb2 import TRANSACTION_EVENT_TYPE_STARTED
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventItem, TransactionEventResult
from google.protobuf.message import Message

from gateway.ocpp.authorizations import judge, refusal
from gateway.ocpp.checks import check_int32
from gateway.ocpp.quarantine_responses import readable_text
from gateway.ocpp.reservation_uses import to_use
from gateway.ocpp.results import authorization, result_of
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, QuarantineResponse, Results
from gateway.ocpp.v16.parts import add_register, id_tag_info, set_evse
from gateway.ocpp.values import parse_us, set_time


def to_items(payload: Payload, origin: Origin) -> Items:
    """The start, recorded with any status of the id tag, and at the same time the item that authorizes the tag.

    Where it names a reservation, station_svc is notified of its use.
    """
    item = TransactionEventItem()
    item.origin.CopyFrom(origin)
    event, id_tag = item.event, payload["idTag"]
    event.event_type = TRANSACTION_EVENT_TYPE_STARTED
    set_evse(event.evse, payload["connectorId"])
    us = parse_us(payload["timestamp"])
    if us is not None:
        set_time(event.event_time, us)
    add_register(event.meter_values, payload["meterStart"], us, READING_CONTEXT_TRANSACTION_BEGIN)
    items: dict[IngestRpc, Message] = {IngestRpc.TRANSACTION_EVENTS: item}
    if "reservationId" in payload:
        event.reservation_id = check_int32(payload["reservationId"], "reservationId")
        items[IngestRpc.REPORTS] = to_use(event, origin)
    if id_tag.strip():
        event.id_token.id_token = id_tag
        question = items[IngestRpc.AUTHORIZE] = AuthorizeItem()
        question.origin.CopyFrom(origin)
        question.id_token.id_token = id_tag
        question.evse.CopyFrom(event.evse)
    return items


def to_follow_up(payload: Payload, origin: Origin, results: Results) -> Items:
    """Records in transaction_svc that a refused tag holds no transaction, before the station is answered."""
    return refusal(origin, results, _judge(payload, results))


def to_response(payload: Payload, results: Results, _now_us: int) -> Payload:
    """The transaction's number, and the status of the id tag.

    A start that went into quarantine has no number; the answer is 0, and the station's later messages name that (quirk
    18).
    """
    result = result_of(results, IngestRpc.TRANSACTION_EVENTS, TransactionEventResult)
    tag_info = id_tag_info(_judge(payload, results))
    return {"transactionId": int(result.transaction_id or 0), "idTagInfo": tag_info}


def _judge(payload: Payload, results: Results) -> IdTokenInfo:
    """The status of the id tag; a blank one belongs to nobody."""
    return judge(results) if payload["idTag"].strip() else IdTokenInfo(status=AUTHORIZATION_STATUS_INVALID)


def to_questions(payload: Any, origin: Origin) -> Items:
    """A question about the id tag of a start that cannot be read, where the tag can."""
    id_tag = readable_text(payload, "idTag")
    if not id_tag:
        return {}
    return {IngestRpc.AUTHORIZE: AuthorizeItem(origin=origin, id_token=IdToken(id_token=id_tag))}


def to_acknowledgement(payload: Any, results: Results) -> Payload:
    """As for a start that went into quarantine: number 0, and what the id tag may do."""
    status = AUTHORIZATION_STATUS_ACCEPTED if readable_text(payload, "idTag") else AUTHORIZATION_STATUS_INVALID
    info = authorization(results) or IdTokenInfo(status=status)
    return {"transactionId": 0, "idTagInfo": id_tag_info(info)}


INBOUND = Inbound(
    to_items=to_items,
    to_response=to_response,
    to_follow_up=to_follow_up,
    optional=frozenset({IngestRpc.AUTHORIZE, IngestRpc.REPORTS}),
    quarantine_response=QuarantineResponse(to_questions=to_questions, to_response=to_acknowledgement),
)
