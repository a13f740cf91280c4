"""GetInstalledCertificateIds, M03."""

from collections.abc import Sequence

from csms.station.v1.certificate_pb2 import (
    GET_CERTIFICATE_ID_USE_OEM_ROOT_CERTIFICATE,
    CertificateHashDataChain,
    GetInstalledCertificateIdsRequest,
    GetInstalledCertificateIdsResponse,
)

from gateway.ocpp.certificate_enums import GET_CERTIFICATE_ID_USES, GET_INSTALLED_CERTIFICATE_STATUSES
from gateway.ocpp.certificate_hashes import from_payload
from gateway.ocpp.enums import words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import status_info

_WORDS = {
    use: word
    for use, word in words(GET_CERTIFICATE_ID_USES).items()
    if use != GET_CERTIFICATE_ID_USE_OEM_ROOT_CERTIFICATE  # of 2.1
}


def to_calls(command: GetInstalledCertificateIdsRequest) -> Sequence[Payload]:
    """One CALL with the requested kinds; without any, the list is left out, which means all (M03.FR.02)."""
    kinds = list(dict.fromkeys(command.certificate_types))
    for index, kind in enumerate(kinds):
        if kind not in _WORDS:
            known = ", ".join(sorted(_WORDS.values()))
            raise UnacceptableError("NotSupported", f"certificate_types[{index}]", f"OCPP 2.0.1 knows {known} only")
    return [{"certificateType": [_WORDS[kind] for kind in kinds]} if kinds else {}]


def to_answer(
    _command: GetInstalledCertificateIdsRequest, payloads: Sequence[Payload]
) -> GetInstalledCertificateIdsResponse:
    """The certificates, each with its kind; those of a chain have the certificates above them beside."""
    [payload] = payloads
    return GetInstalledCertificateIdsResponse(
        status=GET_INSTALLED_CERTIFICATE_STATUSES[payload["status"]],
        status_info=status_info(payload),
        certificate_hash_data_chains=map(_to_chain, payload.get("certificateHashDataChain", ())),
    )


def _to_chain(payload: Payload) -> CertificateHashDataChain:
    return CertificateHashDataChain(
        certificate_type=GET_CERTIFICATE_ID_USES[payload["certificateType"]],
        certificate_hash_data=from_payload(payload["certificateHashData"]),
        child_certificate_hash_data=map(from_payload, payload.get("childCertificateHashData", ())),
    )


OUTBOUND = Outbound(action="GetInstalledCertificateIds", to_calls=to_calls, to_answer=to_answer)
