"""InstallCertificate, M05."""

from collections.abc import Sequence

from csms.station.v1.certificate_pb2 import (
    INSTALL_CERTIFICATE_USE_OEM_ROOT_CERTIFICATE,
    InstallCertificateRequest,
    InstallCertificateResponse,
)

from gateway.ocpp.certificate_enums import INSTALL_CERTIFICATE_STATUSES, INSTALL_CERTIFICATE_USES
from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.enums import words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info

_MAX_CERTIFICATE = 5_500
_WORDS = {
    use: word
    for use, word in words(INSTALL_CERTIFICATE_USES).items()
    if use != INSTALL_CERTIFICATE_USE_OEM_ROOT_CERTIFICATE  # of 2.1
}


def to_calls(command: InstallCertificateRequest) -> Sequence[Payload]:
    """A root for the station to trust."""
    word = _WORDS.get(command.certificate_type)
    if word is None:
        known = ", ".join(sorted(_WORDS.values()))
        raise UnacceptableError("NotSupported", "certificate_type", f"OCPP 2.0.1 knows {known} only")
    check_given(command.certificate, "certificate")
    return [
        {"certificateType": word, "certificate": check_length(command.certificate, _MAX_CERTIFICATE, "certificate")}
    ]


def to_answer(_command: InstallCertificateRequest, payloads: Sequence[Payload]) -> InstallCertificateResponse:
    """The outcome."""
    [payload] = payloads
    return InstallCertificateResponse(
        status=INSTALL_CERTIFICATE_STATUSES[payload["status"]], status_info=status_info(payload)
    )


OUTBOUND = Outbound(action="InstallCertificate", to_calls=to_calls, to_answer=to_answer)
