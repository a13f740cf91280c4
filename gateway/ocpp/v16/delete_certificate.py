"""DeleteCertificate, 1.6 security whitepaper section 4.2."""

from collections.abc import Sequence

from csms.station.v1.certificate_pb2 import DeleteCertificateRequest, DeleteCertificateResponse

from gateway.ocpp.certificate_enums import DELETE_CERTIFICATE_STATUSES
from gateway.ocpp.certificate_hashes import to_payload
from gateway.ocpp.translation import Outbound, Payload


def to_calls(command: DeleteCertificateRequest) -> Sequence[Payload]:
    """One CALL with the certificate to remove."""
    return [{"certificateHashData": to_payload(command.certificate_hash_data, "certificate_hash_data")}]


def to_answer(_command: DeleteCertificateRequest, payloads: Sequence[Payload]) -> DeleteCertificateResponse:
    """The outcome."""
    [payload] = payloads
    return DeleteCertificateResponse(status=DELETE_CERTIFICATE_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="DeleteCertificate", to_calls=to_calls, to_answer=to_answer)
