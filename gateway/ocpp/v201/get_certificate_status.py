"""GetCertificateStatus, M06. The status itself is in the OCSP response: Accepted says that there is one."""

from base64 import b64encode
from collections.abc import Mapping

from csms.auth.v1.certificate_exchange_service_pb2 import GetCertificateStatusItem, GetCertificateStatusResult
from csms.common.v1.origin_pb2 import Origin

from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results
from gateway.ocpp.v2.ocsp import request_data
from gateway.ocpp.v2.parts import status_info_payload
from mesh.runtime.error_reasons import Reason

_MAX_RESULT = 5_500
# The reason codes of part 2, appendix 5.
_REASON_CODES: Mapping[str, str] = {
    Reason.OCSP_REQUEST_INVALID: "InvalidValue",
    Reason.OCSP_RESPONDER_REFUSED: "InvalidURL",
    Reason.OCSP_RESPONSE_INVALID: "InvalidCertificate",
}
_OTHER_REASON = "InternalError"


def to_items(payload: Payload, origin: Origin) -> Items:
    """The item that asks for the status."""
    item = GetCertificateStatusItem(origin=origin, ocsp_request_data=request_data(payload["ocspRequestData"]))
    return {IngestRpc.CERTIFICATE_STATUSES: item}


def to_response(_payload: Payload, results: Results, _now_us: int) -> Payload:
    """The OCSP response (DER) in base64; Failed where there is none, or none that 2.0.1 can carry."""
    result = results.get(IngestRpc.CERTIFICATE_STATUSES)
    if not isinstance(result, GetCertificateStatusResult):
        return _failed(_OTHER_REASON, "no service answered in time")
    if not result.ocsp_response:
        return _failed(_REASON_CODES.get(result.reason, _OTHER_REASON), result.message)
    text = b64encode(result.ocsp_response).decode()
    if len(text) > _MAX_RESULT:
        return _failed(
            "TooLargeElement", f"the OCSP response has {len(text)} characters, and {_MAX_RESULT} are allowed"
        )
    return {"status": "Accepted", "ocspResult": text}


def _failed(code: str, message: str) -> Payload:
    return {"status": "Failed", "statusInfo": status_info_payload(code, message)}


INBOUND = Inbound(to_items=to_items, to_response=to_response, optional=frozenset({IngestRpc.CERTIFICATE_STATUSES}))
