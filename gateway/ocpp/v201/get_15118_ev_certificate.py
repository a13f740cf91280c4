"""Get15118EVCertificate, M01 and M02: messages between a vehicle and a provider, passed on as they come."""

from collections.abc import Mapping

from csms.auth.v1.certificate_exchange_service_pb2 import GetEvCertificateItem, GetEvCertificateResult
from csms.common.v1.origin_pb2 import Origin

from gateway.ocpp.certificate_enums import CERTIFICATE_ACTIONS
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results, UnacceptableError
from gateway.ocpp.v2.parts import status_info_payload
from mesh.runtime.error_reasons import Reason

_MAX_RESPONSE = 7_500
# The reason codes of part 2, appendix 5.
_REASON_CODES: Mapping[str, str] = {
    Reason.CERTIFICATE_PROVIDER_MISSING: "NotEnabled",
    Reason.CERTIFICATE_PROVIDER_REFUSED: "Unspecified",
}
_OTHER_REASON = "InternalError"


def to_items(payload: Payload, origin: Origin) -> Items:
    """The item that asks the provider. UnacceptableError for an action that OCPP does not have."""
    action = CERTIFICATE_ACTIONS.get(payload["action"])
    if action is None:
        known = " and ".join(CERTIFICATE_ACTIONS)
        raise UnacceptableError("PropertyConstraintViolation", "action", f"{known} are known")
    item = GetEvCertificateItem(
        origin=origin,
        iso15118_schema_version=payload["iso15118SchemaVersion"],
        action=action,
        exi_request=payload["exiRequest"],
    )
    return {IngestRpc.EV_CERTIFICATES: item}


def to_response(_payload: Payload, results: Results, _now_us: int) -> Payload:
    """The provider's answer; an empty one where it gave none, because the field is required."""
    result = results.get(IngestRpc.EV_CERTIFICATES)
    if not isinstance(result, GetEvCertificateResult):
        return _failed(_OTHER_REASON, "no service answered in time")
    if len(result.exi_response) > _MAX_RESPONSE:
        text = f"the provider's answer has {len(result.exi_response)} characters, and {_MAX_RESPONSE} are allowed"
        return _failed("TooLargeElement", text)
    if not result.accepted:
        code = _REASON_CODES.get(result.reason, _OTHER_REASON)
        return _failed(code, result.message, exi_response=result.exi_response)
    return {"status": "Accepted", "exiResponse": result.exi_response}


def _failed(code: str, message: str, *, exi_response: str = "") -> Payload:
    return {"status": "Failed", "exiResponse": exi_response, "statusInfo": status_info_payload(code, message)}


INBOUND = Inbound(to_items=to_items, to_response=to_response, optional=frozenset({IngestRpc.EV_CERTIFICATES}))
