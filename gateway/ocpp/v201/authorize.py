"""Authorize, C01 to C07.

Plug and charge (C07): contract certificates cannot be checked yet. A request with one is answered with
NoCertificateAvailable, "there is nothing to check it with", rather than CertChainError, which would state a fault that
was not found; its token is Invalid, as C07.FR.16 pairs them, also for a station that reads only that. auth_svc is not
called: an eMAID identifies its bearer only together with its certificate.
"""

from csms.auth.v1.authorization_service_pb2 import AuthorizeItem
from csms.common.v1.origin_pb2 import Origin

from gateway.ocpp.authorizations import authorize, question_about_open_transactions
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.parts import id_token_info, is_somebody, set_id_token

_UNCHECKED = "NoCertificateAvailable"


def to_items(payload: Payload, origin: Origin) -> Items:
    """The item that authorizes an id token; none for a blank one, or one with a certificate."""
    id_token = payload["idToken"]
    if _has_certificate(payload) or not is_somebody(id_token):
        return {}
    item = AuthorizeItem()
    item.origin.CopyFrom(origin)
    set_id_token(item.id_token, id_token)
    return {IngestRpc.AUTHORIZE: item}


def to_follow_up(payload: Payload, origin: Origin, results: Results) -> Items:
    """The item that counts the transactions of the token, where a limit applies."""
    question = question_about_open_transactions(origin, results)
    if question is None:
        return {}
    set_id_token(question.id_token, payload["idToken"])
    return {IngestRpc.OPEN_TRANSACTIONS: question}


def to_response(payload: Payload, results: Results, _now_us: int) -> Payload:
    """The status of the id token."""
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
    optional=frozenset({IngestRpc.OPEN_TRANSACTIONS}),
)
