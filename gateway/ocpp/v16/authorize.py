"""Authorize, 1.6 section 4.1."""

from csms.auth.v1.authorization_service_pb2 import AuthorizeItem
from csms.common.v1.origin_pb2 import Origin

from gateway.ocpp.authorizations import authorize, question_about_open_transactions
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v16.parts import id_tag_info


def to_items(payload: Payload, origin: Origin) -> Items:
    """The item that authorizes an id tag; none for a blank tag, which belongs to nobody."""
    id_tag = payload["idTag"]
    if not id_tag.strip():
        return {}
    item = AuthorizeItem()
    item.origin.CopyFrom(origin)
    item.id_token.id_token = id_tag
    return {IngestRpc.AUTHORIZE: item}


def to_follow_up(payload: Payload, origin: Origin, results: Results) -> Items:
    """The item that counts the transactions of the tag, where a limit applies."""
    question = question_about_open_transactions(origin, results)
    if question is None:
        return {}
    question.id_token.id_token = payload["idTag"]
    return {IngestRpc.OPEN_TRANSACTIONS: question}


def to_response(_payload: Payload, results: Results, _now_us: int) -> Payload:
    """The status of the id tag."""
    return {"idTagInfo": id_tag_info(authorize(results))}


INBOUND = Inbound(
    to_items=to_items,
    to_response=to_response,
    to_follow_up=to_follow_up,
    optional=frozenset({IngestRpc.OPEN_TRANSACTIONS}),
)
