"""GetInstalledCertificateIds of 2.0.1."""

from typing import Any

import pytest
from csms.station.v1 import certificate_pb2
from csms.station.v1.certificate_pb2 import CertificateHashData, GetCertificateIdUse, GetInstalledCertificateIdsRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

NAME = "get_installed_certificate_ids"
CHAIN = certificate_pb2.GET_CERTIFICATE_ID_USE_V2G_CERTIFICATE_CHAIN
KINDS = {
    certificate_pb2.GET_CERTIFICATE_ID_USE_V2G_ROOT_CERTIFICATE: "V2GRootCertificate",
    certificate_pb2.GET_CERTIFICATE_ID_USE_MO_ROOT_CERTIFICATE: "MORootCertificate",
    certificate_pb2.GET_CERTIFICATE_ID_USE_CSMS_ROOT_CERTIFICATE: "CSMSRootCertificate",
    certificate_pb2.GET_CERTIFICATE_ID_USE_MANUFACTURER_ROOT_CERTIFICATE: "ManufacturerRootCertificate",
    CHAIN: "V2GCertificateChain",
}


def _hashes(serial_number: str) -> dict[str, str]:
    return {"hashAlgorithm": "SHA512", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": serial_number}


def test_without_kinds_the_list_is_left_out() -> None:
    """M03.FR.02: no certificateType means certificates of all types."""
    assert helpers.to_calls(NAME, GetInstalledCertificateIdsRequest()) == [{}]


def test_all_kinds_are_requested_by_one_call() -> None:
    command = GetInstalledCertificateIdsRequest(certificate_types=[*KINDS, CHAIN])
    assert helpers.to_calls(NAME, command) == [{"certificateType": list(KINDS.values())}]
    assert set(KINDS.values()) == set(helpers.enumeration("GetInstalledCertificateIds", "GetCertificateIdUseEnumType"))


@pytest.mark.parametrize("kind", sorted(set(GetCertificateIdUse.values()) - set(KINDS)))
def test_kind_of_another_version_is_refused(kind: GetCertificateIdUse.ValueType) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, GetInstalledCertificateIdsRequest(certificate_types=[CHAIN, kind]))
    assert (caught.value.code, caught.value.field) == ("NotSupported", "certificate_types[1]")


def test_chain_is_reported_with_the_certificates_above_it() -> None:
    chain: dict[str, Any] = {
        "certificateType": "V2GCertificateChain",
        "certificateHashData": _hashes("1"),
        "childCertificateHashData": [_hashes("2"), _hashes("3")],
    }
    root = {"certificateType": "V2GRootCertificate", "certificateHashData": _hashes("4")}
    answer = helpers.to_answer(
        NAME,
        GetInstalledCertificateIdsRequest(),
        {"status": "Accepted", "certificateHashDataChain": [chain, root]} | helpers.INFO,
    )
    assert answer.status == certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_ACCEPTED
    assert answer.status_info.reason_code == "Busy"
    found, other = answer.certificate_hash_data_chains
    assert (found.certificate_type, found.certificate_hash_data) == (CHAIN, _data("1"))
    assert list(found.child_certificate_hash_data) == [_data("2"), _data("3")]
    assert (other.certificate_hash_data, list(other.child_certificate_hash_data)) == (_data("4"), [])


def test_no_certificate_is_not_found() -> None:
    answer = helpers.to_answer(NAME, GetInstalledCertificateIdsRequest(), {"status": "NotFound"})
    assert answer.status == certificate_pb2.GET_INSTALLED_CERTIFICATE_STATUS_NOT_FOUND
    assert not answer.certificate_hash_data_chains


def _data(serial_number: str) -> CertificateHashData:
    return CertificateHashData(
        hash_algorithm=certificate_pb2.HASH_ALGORITHM_SHA512,
        issuer_name_hash="a",
        issuer_key_hash="b",
        serial_number=serial_number,
    )
