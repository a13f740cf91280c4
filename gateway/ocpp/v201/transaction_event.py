"""TransactionEvent, E01 to E15."""

from typing import Any

from csms.auth.v1.authorization_service_pb2 import AuthorizeItem
from csms.common.v1.id_token_pb2 import (
    AUTHORIZATION_STATUS_ACCEPTED,
    AUTHORIZATION_STATUS_INVALID,
    IdToken,
    IdTokenInfo,
)
from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import ReportItem
from csms.transaction.v1.transaction_event_pb2 import (
    CHARGING_STATE_UNSPECIFIED,
    STOPPED_REASON_UNSPECIFIED,
    TRANSACTION_EVENT_TYPE_ENDED,
    TRIGGER_REASON_UNSPECIFIED,
    TransactionEvent,
)
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventItem, TransactionEventResult
from google.protobuf.message import Message

from gateway.ocpp.authorizations import judge, refusal
from gateway.ocpp.checks import check_int32
from gateway.ocpp.costs import cost_number
from gateway.ocpp.enums import CHARGING_STATES, EVENT_TYPES, STOPPED_REASONS, TRIGGER_REASONS
from gateway.ocpp.quarantine_responses import readable_text
from gateway.ocpp.reservation_uses import to_use
from gateway.ocpp.results import authorization
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, QuarantineResponse, Results
from gateway.ocpp.v2.parts import add_meter_values, id_token_info, is_somebody, set_evse_of, set_id_token
from gateway.ocpp.values import parse_us, set_time

# What leaving stoppedReason out means (TransactionType).
_DEFAULT_REASON = "Local"


def to_items(payload: Payload, origin: Origin) -> Items:
    """The event, recorded with any status of the id token; and the item that authorizes the token, if any.

    station_svc is notified of an end, with which charging profiles of the transaction end, and of a reservation's use.
    """
    item = TransactionEventItem()
    item.origin.CopyFrom(origin)
    event = item.event
    event.event_type = EVENT_TYPES[payload["eventType"]]
    event.trigger_reason = TRIGGER_REASONS.get(payload["triggerReason"], TRIGGER_REASON_UNSPECIFIED)
    event.seq_no = check_int32(payload["seqNo"], "seqNo")
    us = parse_us(payload["timestamp"])
    if us is not None:
        set_time(event.event_time, us)
    _set_transaction(event, payload["transactionInfo"])
    _set_rest(event, payload)
    items: dict[IngestRpc, Message] = {IngestRpc.TRANSACTION_EVENTS: item}
    if event.event_type == TRANSACTION_EVENT_TYPE_ENDED:
        end = ReportItem(origin=origin)
        end.transaction_end.transaction_id = event.transaction_id
        items[IngestRpc.BACKGROUND_REPORTS] = end
    if event.HasField("reservation_id"):
        items[IngestRpc.REPORTS] = to_use(event, origin)
    id_token = payload.get("idToken")
    if id_token is None or not is_somebody(id_token):
        return items
    set_id_token(event.id_token, id_token)
    question = items[IngestRpc.AUTHORIZE] = AuthorizeItem()
    question.origin.CopyFrom(origin)
    question.id_token.CopyFrom(event.id_token)
    if event.HasField("evse"):
        question.evse.CopyFrom(event.evse)
    return items


def _set_transaction(event: TransactionEvent, info: Payload) -> None:
    event.transaction_id = info["transactionId"]
    if "chargingState" in info:
        event.charging_state = CHARGING_STATES.get(info["chargingState"], CHARGING_STATE_UNSPECIFIED)
    if "timeSpentCharging" in info:
        event.time_spent_charging_s = check_int32(info["timeSpentCharging"], "transactionInfo.timeSpentCharging")
    if "remoteStartId" in info:
        event.remote_start_id = check_int32(info["remoteStartId"], "transactionInfo.remoteStartId")
    if event.event_type == TRANSACTION_EVENT_TYPE_ENDED:
        reason = info.get("stoppedReason", _DEFAULT_REASON)
        event.stopped_reason = STOPPED_REASONS.get(reason, STOPPED_REASON_UNSPECIFIED)


def _set_rest(event: TransactionEvent, payload: Payload) -> None:
    if "meterValue" in payload:
        add_meter_values(event.meter_values, payload["meterValue"])
    if "evse" in payload:
        set_evse_of(event.evse, payload["evse"])
    if "offline" in payload:
        event.offline = payload["offline"]
    if "reservationId" in payload:
        event.reservation_id = check_int32(payload["reservationId"], "reservationId")
    if "numberOfPhasesUsed" in payload:
        event.number_of_phases_used = check_int32(payload["numberOfPhasesUsed"], "numberOfPhasesUsed")
    if "cableMaxCurrent" in payload:
        event.cable_max_current_a = check_int32(payload["cableMaxCurrent"], "cableMaxCurrent")


def to_follow_up(payload: Payload, origin: Origin, results: Results) -> Items:
    """Records in transaction_svc that a refused token holds no transaction, before the station is answered."""
    return refusal(origin, results, judge(results, limited=_begins(payload))) if "idToken" in payload else {}


def to_response(payload: Payload, results: Results, _now_us: int) -> Payload:
    """The status of the id token, where the event has one; the cost so far, or of all, where it is known.

    The cost goes with each event after the start (I02.FR.01), and with the end (I03.FR.02), with or without a token.
    """
    response = _cost(results)
    id_token = payload.get("idToken")
    if id_token is None:
        return response
    if not is_somebody(id_token):
        return response | {"idTokenInfo": id_token_info(IdTokenInfo(status=AUTHORIZATION_STATUS_INVALID))}
    return response | {"idTokenInfo": id_token_info(judge(results, limited=_begins(payload)))}


def _cost(results: Results) -> Payload:
    recorded = results.get(IngestRpc.TRANSACTION_EVENTS)
    if not isinstance(recorded, TransactionEventResult) or not recorded.total_cost:
        return {}
    cost = cost_number(recorded.total_cost)
    return {} if cost is None else {"totalCost": cost}


def _begins(payload: Payload) -> bool:
    """Whether the token is there to charge with: not to end the transaction, which nothing must keep a driver from."""
    return not (payload["eventType"] == "Ended" or payload["triggerReason"] == "StopAuthorized")


def to_questions(payload: Any, origin: Origin) -> Items:
    """A question about the id token of an event that cannot be read, where the token can."""
    text, kind = readable_text(payload, "idToken", "idToken"), readable_text(payload, "idToken", "type")
    if not text:
        return {}
    return {IngestRpc.AUTHORIZE: AuthorizeItem(origin=origin, id_token=IdToken(id_token=text, type=kind))}


def to_acknowledgement(payload: Any, results: Results) -> Payload:
    """The status of the id token, where the event has one; an unreadable one belongs to nobody."""
    if not isinstance(payload, dict) or "idToken" not in payload:
        return {}
    readable = readable_text(payload, "idToken", "idToken")
    status = AUTHORIZATION_STATUS_ACCEPTED if readable else AUTHORIZATION_STATUS_INVALID
    return {"idTokenInfo": id_token_info(authorization(results) or IdTokenInfo(status=status))}


INBOUND = Inbound(
    to_items=to_items,
    to_response=to_response,
    to_follow_up=to_follow_up,
    optional=frozenset({IngestRpc.AUTHORIZE, IngestRpc.REPORTS}),
    quarantine_response=QuarantineResponse(to_questions=to_questions, to_response=to_acknowledgement),
)
