"""GetInstalledCertificateIds of 1.6."""

import pytest
from csms.station.v1 import certificate_pb2
from csms.station.v1.certificate_pb2 import (
    CertificateHashData,
    CertificateHashDataChain,
    GetCertificateIdUse,
    GetInstalledCertificateIdsRequest,
)

from gateway.ocpp.translation import Payload, UnacceptableError
from tests.gateway.v16 import helpers

NAME = "get_installed_certificate_ids"
CSMS = certificate_pb2.GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE
MANUFACTURER = certificate_pb2.GET_CERTIFICATE_ID_USE_MANUFACTURER_ROOT_CERTIFICATE
FOUND = certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED
NONE = certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_NOT_FOUND


def _told(serial_number: str) -> Payload:
    data = {"hashAlgorithm": "SHA384", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": serial_number}
    return {"status": "Accepted", "certificateHashData": [data]}


def _chain(kind: GetCertificateIdUse.ValueType, serial_number: str) -> CertificateHashDataChain:
    data = CertificateHashData(
        hash_algorithm=certificate_pb2.HASH_ALGORITHM_SHA384,
        issuer_name_hash="a",
        issuer_key_hash="b",
        serial_number=serial_number,
    )
    return CertificateHashDataChain(certificate_type=kind, certificate_hash_data=data)


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([], ["CentralSystemRootCertificate", "ManufacturerRootCertificate"]),
        ([MANUFACTURER], ["ManufacturerRootCertificate"]),
        ([MANUFACTURER, CSMS, MANUFACTURER], ["ManufacturerRootCertificate", "CentralSystemRootCertificate"]),
    ],
)
def test_kinds(kinds: list[GetCertificateIdUse.ValueType], words: list[str]) -> None:
    """One CALL each, once; without any, both that 1.6 has."""
    calls = helpers.to_calls(NAME, GetInstalledCertificateIdsRequest(certificate_types=kinds))
    assert calls == [{"certificateType": word} for word in words]


@pytest.mark.parametrize("kind", sorted(set(GetCertificateIdUse.values()) - {CSMS, MANUFACTURER}))
def test_other_kinds(kind: GetCertificateIdUse.ValueType) -> None:
    """The field is named."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, GetInstalledCertificateIdsRequest(certificate_types=[CSMS, kind]))
    assert (caught.value.code, caught.value.field) == ("NotSupported", "certificate_types[1]")


def test_answers() -> None:
    """All certificates of all kinds, each with its kind; none of any is NOT_FOUND."""
    both = GetInstalledCertificateIdsRequest()
    answer = helpers.to_answer(NAME, both, _told("1"), _told("2"))
    assert answer.status == FOUND
    assert list(answer.certificate_hash_data_chains) == [_chain(CSMS, "1"), _chain(MANUFACTURER, "2")]
    answer = helpers.to_answer(NAME, both, {"status": "NotFound"}, _told("2"))
    assert (answer.status, list(answer.certificate_hash_data_chains)) == (FOUND, [_chain(MANUFACTURER, "2")])
    answer = helpers.to_answer(NAME, both, {"status": "NotFound"}, {"status": "NotFound"})
    assert (answer.status, list(answer.certificate_hash_data_chains)) == (NONE, [])
