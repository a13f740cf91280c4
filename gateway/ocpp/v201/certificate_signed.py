"""CertificateSigned, A02 and A03."""

from collections.abc import Sequence

from csms.common.v1.certificate_pb2 import (
    CERTIFICATE_SIGNING_USE_UNSPECIFIED,
    CERTIFICATE_SIGNING_USE_V2G20_CERTIFICATE,
)
from csms.station.v1.certificate_pb2 import CertificateSignedRequest, CertificateSignedResponse

from gateway.ocpp.certificate_enums import CERTIFICATE_SIGNED_STATUSES, CERTIFICATE_SIGNING_USES
from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.enums import words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info

_MAX_CHAIN = 10_000
_WORDS = {
    use: word
    for use, word in words(CERTIFICATE_SIGNING_USES).items()
    if use != CERTIFICATE_SIGNING_USE_V2G20_CERTIFICATE
}


def to_calls(command: CertificateSignedRequest) -> Sequence[Payload]:
    """A certificate of the station's own. Without a use there is no type, as in the request of the station (A02)."""
    chain = check_given(command.certificate_chain, "certificate_chain")
    payload: Payload = {"certificateChain": check_length(chain, _MAX_CHAIN, "certificate_chain")}
    if command.certificate_type != CERTIFICATE_SIGNING_USE_UNSPECIFIED:
        word = _WORDS.get(command.certificate_type)
        if word is None:
            known = ", ".join(sorted(_WORDS.values()))
            raise UnacceptableError("NotSupported", "certificate_type", f"OCPP 2.0.1 knows {known} only")
        payload["certificateType"] = word
    return [payload]


def to_answer(_command: CertificateSignedRequest, payloads: Sequence[Payload]) -> CertificateSignedResponse:
    """Whether the station accepts the certificate."""
    [payload] = payloads
    return CertificateSignedResponse(
        status=CERTIFICATE_SIGNED_STATUSES[payload["status"]], status_info=status_info(payload)
    )


OUTBOUND = Outbound(action="CertificateSigned", to_calls=to_calls, to_answer=to_answer)
