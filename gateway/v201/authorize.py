"""Authorize, C01 to C07.

Plug and charge (C07): nothing here checks contract certificates yet, so none is vouched for. A request that brings one
is told NoCertificateAvailable, "there is nothing to check it with", rather than CertChainError, which would claim a
fault that nobody has found; and its token Invalid, as C07.FR.16 pairs them, also for a station that reads only that.
auth_svc is not asked: an eMAID says something about its bearer only together with its certificate.
"""

from csms.auth.v1.authorization_service_pb2 import AuthorizeItem
from csms.common.v1.origin_pb2 import Origin

from gateway.authorizations import authorize, question_about_open_transactions
from gateway.translation import Inbound, Items, LaneName, Payload, Results
from gateway.v201.parts import id_token_info, is_somebody, set_id_token

_UNCHECKED = "NoCertificateAvailable"


def to_items(payload: Payload, origin: Origin) -> Items:
    """A question about an id token. Not asked: a blank one, which is nobody's, and one with a certificate."""
    id_token = payload["idToken"]
    if _has_certificate(payload) or not is_somebody(id_token):
        return {}
    item = AuthorizeItem()
    item.origin.CopyFrom(origin)
    set_id_token(item.id_token, id_token)
    return {LaneName.AUTHORIZE: item}


def to_follow_up(payload: Payload, origin: Origin, results: Results) -> Items:
    """How many transactions the token holds, where that is to be asked."""
    question = question_about_open_transactions(origin, results)
    if question is None:
        return {}
    set_id_token(question.id_token, payload["idToken"])
    return {LaneName.OPEN_TRANSACTIONS: question}


def to_response(payload: Payload, results: Results, _now_us: int) -> Payload:
    """What the id token may do."""
    response: Payload = {"idTokenInfo": id_token_info(authorize(results))}
    if _has_certificate(payload):
        response["certificateStatus"] = _UNCHECKED
    return response


def _has_certificate(payload: Payload) -> bool:
    return "certificate" in payload or "iso15118CertificateHashData" in payload


INBOUND = Inbound(
    to_items=to_items,
    to_response=to_response,
    to_follow_up=to_follow_up,
    optional=frozenset({LaneName.OPEN_TRANSACTIONS}),
)
