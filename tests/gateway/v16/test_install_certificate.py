"""InstallCertificate of 1.6."""

import pytest
from csms.station.v1 import certificate_pb2
from csms.station.v1.certificate_pb2 import InstallCertificateRequest, InstallCertificateUse

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers

NAME = "install_certificate"
CSMS = certificate_pb2.INSTALL_CERTIFICATE_USE_CSMS_ROOT_CERTIFICATE
MANUFACTURER = certificate_pb2.INSTALL_CERTIFICATE_USE_MANUFACTURER_ROOT_CERTIFICATE


@pytest.mark.parametrize(
    ("kind", "word"), [(CSMS, "CentralSystemRootCertificate"), (MANUFACTURER, "ManufacturerRootCertificate")]
)
def test_kinds(kind: InstallCertificateUse.ValueType, word: str) -> None:
    """TC_075: both that 1.6 has, at the full length that it takes."""
    command = InstallCertificateRequest(certificate_type=kind, certificate="c" * 5_500)
    assert helpers.to_calls(NAME, command) == [{"certificateType": word, "certificate": "c" * 5_500}]


@pytest.mark.parametrize("kind", sorted(set(InstallCertificateUse.values()) - {CSMS, MANUFACTURER}))
def test_other_kinds(kind: InstallCertificateUse.ValueType) -> None:
    """Roots towards vehicles are not part of 1.6."""
    with pytest.raises(UnacceptableError, match="CentralSystemRootCertificate") as caught:
        helpers.to_calls(NAME, InstallCertificateRequest(certificate_type=kind, certificate="c"))
    assert (caught.value.code, caught.value.field) == ("NotSupported", "certificate_type")


@pytest.mark.parametrize("certificate", ["", "c" * 5_501])
def test_lengths(certificate: str) -> None:
    """None, or more than 1.6 takes."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, InstallCertificateRequest(certificate_type=CSMS, certificate=certificate))
    assert caught.value.field == "certificate"


def test_answers() -> None:
    """All three words of the station."""
    told = {
        word: helpers.to_answer(NAME, InstallCertificateRequest(), {"status": word}).status
        for word in ("Accepted", "Failed", "Rejected")
    }
    assert told == {
        "Accepted": certificate_pb2.INSTALL_CERTIFICATE_STATUS_ACCEPTED,
        "Failed": certificate_pb2.INSTALL_CERTIFICATE_STATUS_FAILED,
        "Rejected": certificate_pb2.INSTALL_CERTIFICATE_STATUS_REJECTED,
    }
