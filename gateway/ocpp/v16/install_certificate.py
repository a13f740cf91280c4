"""InstallCertificate, 1.6 security whitepaper section 4.6."""

from collections.abc import Sequence

from csms.station.v1.certificate_pb2 import InstallCertificateRequest, InstallCertificateResponse

from gateway.ocpp.certificate_enums import INSTALL_CERTIFICATE_STATUSES, INSTALL_CERTIFICATE_USES_16
from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.enums import words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError

_MAX_CERTIFICATE = 5_500
_WORDS = words(INSTALL_CERTIFICATE_USES_16)


def to_calls(command: InstallCertificateRequest) -> Sequence[Payload]:
    """A root of the central system or of the manufacturer."""
    word = _WORDS.get(command.certificate_type)
    if word is None:
        known = ", ".join(sorted(_WORDS.values()))
        raise UnacceptableError("NotSupported", "certificate_type", f"OCPP 1.6 knows {known} only")
    check_given(command.certificate, "certificate")
    return [
        {"certificateType": word, "certificate": check_length(command.certificate, _MAX_CERTIFICATE, "certificate")}
    ]


def to_answer(_command: InstallCertificateRequest, payloads: Sequence[Payload]) -> InstallCertificateResponse:
    """The outcome."""
    [payload] = payloads
    return InstallCertificateResponse(status=INSTALL_CERTIFICATE_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="InstallCertificate", to_calls=to_calls, to_answer=to_answer)
