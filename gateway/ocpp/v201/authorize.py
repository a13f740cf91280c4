"""Authorize, C01 to C07.

Plug and charge (C07): an eMAID identifies its bearer only together with its certificate. auth_svc decides about the
token and checks the certificate, both at once, and the driver may charge if both hold.
"""

from csms.auth.v1.authorization_service_pb2 import AuthorizeItem
from csms.auth.v1.certificate_exchange_service_pb2 import CheckContractCertificateItem, CheckContractCertificateResult
from csms.common.v1 import certificate_pb2, id_token_pb2
from csms.common.v1.certificate_pb2 import AuthorizeCertificateStatus
from csms.common.v1.id_token_pb2 import IdTokenInfo
from csms.common.v1.origin_pb2 import Origin

from gateway.ocpp.authorizations import authorize, question_about_open_transactions
from gateway.ocpp.certificate_enums import AUTHORIZE_CERTIFICATE_STATUSES
from gateway.ocpp.enums import words
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.ocsp import request_data
from gateway.ocpp.v2.parts import id_token_info, is_somebody, set_id_token

_HOLDS = certificate_pb2.AUTHORIZE_CERTIFICATE_STATUS_ACCEPTED
_NOTHING = certificate_pb2.AUTHORIZE_CERTIFICATE_STATUS_NO_CERTIFICATE_AVAILABLE
_CANCELLED = certificate_pb2.AUTHORIZE_CERTIFICATE_STATUS_CONTRACT_CANCELLED
_STATUS_WORDS = words(AUTHORIZE_CERTIFICATE_STATUSES)
# Tokens of contracts that were in force once.
_ENDED = frozenset({id_token_pb2.AUTHORIZATION_STATUS_BLOCKED, id_token_pb2.AUTHORIZATION_STATUS_EXPIRED})


def to_items(payload: Payload, origin: Origin) -> Items:
    """The item that authorizes an id token, none for a blank one; and the one that checks its certificate, if any."""
    id_token = payload["idToken"]
    if not is_somebody(id_token):
        return {}
    item = AuthorizeItem()
    item.origin.CopyFrom(origin)
    set_id_token(item.id_token, id_token)
    if not _has_certificate(payload):
        return {IngestRpc.AUTHORIZE: item}
    check = CheckContractCertificateItem(
        origin=origin,
        id_token=item.id_token,
        certificates=map(request_data, payload.get("iso15118CertificateHashData", ())),
        certificate_chain=payload.get("certificate", ""),
    )
    return {IngestRpc.AUTHORIZE: item, IngestRpc.CONTRACT_CERTIFICATES: check}


def to_follow_up(payload: Payload, origin: Origin, results: Results) -> Items:
    """The item that counts the transactions of the token, where a limit applies."""
    question = question_about_open_transactions(origin, results)
    if question is None:
        return {}
    set_id_token(question.id_token, payload["idToken"])
    return {IngestRpc.OPEN_TRANSACTIONS: question}


def to_response(payload: Payload, results: Results, _now_us: int) -> Payload:
    """The status of the id token, and of its certificate; a token is Invalid where its certificate does not hold."""
    info = authorize(results)
    if not _has_certificate(payload):
        return {"idTokenInfo": id_token_info(info)}
    status = _certificate_status(results)
    if status != _HOLDS:
        info = IdTokenInfo(status=id_token_pb2.AUTHORIZATION_STATUS_INVALID)
    elif info.status in _ENDED:
        status = _CANCELLED
    return {"idTokenInfo": id_token_info(info), "certificateStatus": _STATUS_WORDS[status]}


def _certificate_status(results: Results) -> AuthorizeCertificateStatus.ValueType:
    """The status that was found; "there is nothing to check it with" where none was, also in time."""
    result = results.get(IngestRpc.CONTRACT_CERTIFICATES)
    if not isinstance(result, CheckContractCertificateResult) or result.status not in _STATUS_WORDS:
        return _NOTHING
    return result.status


def _has_certificate(payload: Payload) -> bool:
    return "certificate" in payload or "iso15118CertificateHashData" in payload


INBOUND = Inbound(
    to_items=to_items,
    to_response=to_response,
    to_follow_up=to_follow_up,
    optional=frozenset({IngestRpc.OPEN_TRANSACTIONS, IngestRpc.CONTRACT_CERTIFICATES}),
)
