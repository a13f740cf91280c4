"""InstallCertificate of 2.0.1."""

import pytest
from csms.station.v1 import certificate_pb2
from csms.station.v1.certificate_pb2 import InstallCertificateRequest, InstallCertificateUse

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

NAME = "install_certificate"
USES = {
    certificate_pb2.INSTALL_CERTIFICATE_USE_V2G_ROOT_CERTIFICATE: "V2GRootCertificate",
    certificate_pb2.INSTALL_CERTIFICATE_USE_MO_ROOT_CERTIFICATE: "MORootCertificate",
    certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE: "CSMSRootCertificate",
    certificate_pb2.INSTALL_CERTIFICATE_USE_MANUFACTURER_ROOT_CERTIFICATE: "ManufacturerRootCertificate",
}


@pytest.mark.parametrize(("use", "word"), USES.items())
def test_each_use_at_the_greatest_length(use: InstallCertificateUse.ValueType, word: str) -> None:
    command = InstallCertificateRequest(certificate_type=use, certificate="c" * 5_500)
    assert helpers.to_calls(NAME, command) == [{"certificateType": word, "certificate": "c" * 5_500}]


def test_uses_are_those_of_the_schema() -> None:
    assert set(helpers.enumeration("InstallCertificate", "InstallCertificateUseEnumType")) == set(USES.values())


@pytest.mark.parametrize("use", sorted(set(InstallCertificateUse.values()) - set(USES)))
def test_use_of_another_version_is_refused(use: InstallCertificateUse.ValueType) -> None:
    with pytest.raises(UnacceptableError, match="MORootCertificate") as caught:
        helpers.to_calls(NAME, InstallCertificateRequest(certificate_type=use, certificate="c"))
    assert (caught.value.code, caught.value.field) == ("NotSupported", "certificate_type")


@pytest.mark.parametrize("certificate", ["", "c" * 5_501])
def test_certificate_that_is_missing_or_too_long_is_refused(certificate: str) -> None:
    use = certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, InstallCertificateRequest(certificate_type=use, certificate=certificate))
    assert caught.value.field == "certificate"


def test_answers() -> None:
    assert helpers.statuses_told(NAME, InstallCertificateRequest(), "InstallCertificateStatusEnumType") == {
        "Accepted": certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED,
        "Rejected": certificate_pb2.INSTALL_CERTIFICATE_STATUS_REJECTED,
        "Failed": certificate_pb2.INSTALL_CERTIFICATE_STATUS_FAILED,
    }
