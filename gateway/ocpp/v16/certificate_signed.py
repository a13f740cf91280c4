"""CertificateSigned, 1.6 security whitepaper section 4.1."""

from collections.abc import Sequence

from csms.common.v1.certificate_pb2 import (
    CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE,
    CERTIFICATE_SIGNING_USE_UNSPECIFIED,
)
from csms.station.v1.certificate_pb2 import CertificateSignedRequest, CertificateSignedResponse

from gateway.ocpp.certificate_enums import CERTIFICATE_SIGNED_STATUSES
from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError

_MAX_CHAIN = 10_000
_OWN = frozenset({CERTIFICATE_SIGNING_USE_UNSPECIFIED, CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE})


def to_calls(command: CertificateSignedRequest) -> Sequence[Payload]:
    """The station's own certificate, the only kind that 1.6 has."""
    if command.certificate_type not in _OWN:
        raise UnacceptableError("NotSupported", "certificate_type", "OCPP 1.6 has no certificates towards vehicles")
    check_given(command.certificate_chain, "certificate_chain")
    return [{"certificateChain": check_length(command.certificate_chain, _MAX_CHAIN, "certificate_chain")}]


def to_answer(_command: CertificateSignedRequest, payloads: Sequence[Payload]) -> CertificateSignedResponse:
    """Whether the station accepts the certificate."""
    [payload] = payloads
    return CertificateSignedResponse(status=CERTIFICATE_SIGNED_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="CertificateSigned", to_calls=to_calls, to_answer=to_answer)
