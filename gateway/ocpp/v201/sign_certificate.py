"""SignCertificate, A02 and A03."""

from collections.abc import Mapping

from csms.common.v1.certificate_pb2 import CERTIFICATE_SIGNING_USE_UNSPECIFIED
from csms.common.v1.origin_pb2 import Origin
from csms.station.v1.station_ingest_service_pb2 import RequestCertificateItem, RequestCertificateResult

from gateway.ocpp.certificate_enums import CERTIFICATE_SIGNING_USES
from gateway.ocpp.enums import GENERIC_STATUSES, words
from gateway.ocpp.results import result_of
from gateway.ocpp.translation import Inbound, IngestRpc, Items, Payload, Results, UnacceptableError
from mesh.runtime.error_reasons import Reason

_STATUS_WORDS = words(GENERIC_STATUSES)
# The reason codes of part 2, appendix 5; at most 20 characters, which the reasons of the mesh exceed.
_REASON_CODES: Mapping[str, str] = {Reason.CERTIFICATE_TYPE_NOT_SIGNED: "UnsupportedParam"}
_OTHER_REASON = "InvalidCSR"
_REJECTED = "Rejected"


def to_items(payload: Payload, origin: Origin) -> Items:
    """A request for a certificate; one without a type is for both uses, which the contract leaves unspecified."""
    word = payload.get("certificateType")
    if word is not None and word not in CERTIFICATE_SIGNING_USES:
        known = " and ".join(CERTIFICATE_SIGNING_USES)
        raise UnacceptableError("PropertyConstraintViolation", "certificateType", f"{known} are known")
    use = CERTIFICATE_SIGNING_USE_UNSPECIFIED if word is None else CERTIFICATE_SIGNING_USES[word]
    return {IngestRpc.CERTIFICATES: RequestCertificateItem(origin=origin, csr=payload["csr"], certificate_type=use)}


def to_response(_payload: Payload, results: Results, _now_us: int) -> Payload:
    """Whether it will get one, by CertificateSigned; a refusal has its reason."""
    result = result_of(results, IngestRpc.CERTIFICATES, RequestCertificateResult)
    status = _STATUS_WORDS.get(result.status, _REJECTED)
    response: Payload = {"status": status}
    if status == _REJECTED and result.reason:
        code = _REASON_CODES.get(result.reason, _OTHER_REASON)
        response["statusInfo"] = {"reasonCode": code, "additionalInfo": result.reason}
    return response


INBOUND = Inbound(to_items=to_items, to_response=to_response)
