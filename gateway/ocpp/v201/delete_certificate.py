"""DeleteCertificate, M04."""

from collections.abc import Sequence

from csms.station.v1.certificate_pb2 import DeleteCertificateRequest, DeleteCertificateResponse

from gateway.ocpp.certificate_enums import DELETE_CERTIFICATE_STATUSES
from gateway.ocpp.certificate_hashes import to_payload
from gateway.ocpp.translation import Outbound, Payload
from gateway.ocpp.v2.parts import status_info


def to_calls(command: DeleteCertificateRequest) -> Sequence[Payload]:
    """One CALL with the certificate to remove."""
    return [{"certificateHashData": to_payload(command.certificate_hash_data, "certificate_hash_data")}]


def to_answer(_command: DeleteCertificateRequest, payloads: Sequence[Payload]) -> DeleteCertificateResponse:
    """The outcome."""
    [payload] = payloads
    return DeleteCertificateResponse(
        status=DELETE_CERTIFICATE_STATUSES[payload["status"]], status_info=status_info(payload)
    )


OUTBOUND = Outbound(action="DeleteCertificate", to_calls=to_calls, to_answer=to_answer)
