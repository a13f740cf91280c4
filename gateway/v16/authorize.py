"""Authorize, 1.6 section 4.1."""

from csms.auth.v1.authorization_service_pb2 import AuthorizeItem
from csms.common.v1.origin_pb2 import Origin

from gateway.authorizations import authorize, question_about_open_transactions
from gateway.translation import Inbound, Items, LaneName, Payload, Results
from gateway.v16.parts import id_tag_info


def to_items(payload: Payload, origin: Origin) -> Items:
    """A question about an id tag; a blank one is nobody's, and not asked about."""
    id_tag = payload["idTag"]
    if not id_tag.strip():
        return {}
    item = AuthorizeItem()
    item.origin.CopyFrom(origin)
    item.id_token.id_token = id_tag
    return {LaneName.AUTHORIZE: item}


def to_follow_up(payload: Payload, origin: Origin, results: Results) -> Items:
    """How many transactions the tag holds, where that is to be asked."""
    question = question_about_open_transactions(origin, results)
    if question is None:
        return {}
    question.id_token.id_token = payload["idTag"]
    return {LaneName.OPEN_TRANSACTIONS: question}


def to_response(_payload: Payload, results: Results, _now_us: int) -> Payload:
    """What the id tag may do."""
    return {"idTagInfo": id_tag_info(authorize(results))}


INBOUND = Inbound(
    to_items=to_items,
    to_response=to_response,
    to_follow_up=to_follow_up,
    optional=frozenset({LaneName.OPEN_TRANSACTIONS}),
)
