"""GetInstalledCertificateIds, 1.6 security whitepaper section 4.4: one CALL for each kind."""

from collections.abc import Sequence

from csms.station.v1.certificate_pb2 import (
    GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED,
    GET_INSTALLED_CERTIFICATE_STATUS_NOT_FOUND,
    CertificateHashDataChain,
    GetCertificateIdUse,
    GetInstalledCertificateIdsRequest,
    GetInstalledCertificateIdsResponse,
)

from gateway.ocpp.certificate_enums import GET_CERTIFICATE_ID_USES_16, GET_INSTALLED_CERTIFICATE_STATUSES
from gateway.ocpp.certificate_hashes import from_payload
from gateway.ocpp.enums import words
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError

_WORDS = words(GET_CERTIFICATE_ID_USES_16)


def to_calls(command: GetInstalledCertificateIdsRequest) -> Sequence[Payload]:
    """One CALL for each requested kind; without any, for both that 1.6 has."""
    return [{"certificateType": _WORDS[kind]} for kind in _kinds(command)]


def to_answer(
    command: GetInstalledCertificateIdsRequest, payloads: Sequence[Payload]
) -> GetInstalledCertificateIdsResponse:
    """The certificates of every requested kind; NOT_FOUND where there is none of any."""
    answer = GetInstalledCertificateIdsResponse(status=GET_INSTALLED_CERTIFICATE_STATUS_NOT_FOUND)
    for kind, payload in zip(_kinds(command), payloads, strict=True):
        if GET_INSTALLED_CERTIFICATE_STATUSES[payload["status"]] == GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED:
            answer.status = GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED
        answer.certificate_hash_data_chains.extend(
            CertificateHashDataChain(certificate_type=kind, certificate_hash_data=from_payload(data))
            for data in payload.get("certificateHashData", ())
        )
    return answer


def _kinds(command: GetInstalledCertificateIdsRequest) -> Sequence[GetCertificateIdUse.ValueType]:
    kinds = list(dict.fromkeys(command.certificate_types)) or list(_WORDS)
    for index, kind in enumerate(kinds):
        if kind not in _WORDS:
            known = ", ".join(sorted(_WORDS.values()))
            raise UnacceptableError("NotSupported", f"certificate_types[{index}]", f"OCPP 1.6 knows {known} only")
    return kinds


OUTBOUND = Outbound(action="GetInstalledCertificateIds", to_calls=to_calls, to_answer=to_answer)
