"""CertificateSigned of 2.0.1."""

import pytest
from csms.common.v1 import certificate_pb2 as common_pb2
from csms.station.v1 import certificate_pb2
from csms.station.v1.certificate_pb2 import CertificateSignedRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

NAME = "certificate_signed"


@pytest.mark.parametrize(
    ("use", "fields"),
    [
        (common_pb2.CERTIFICATE_SIGNING_USE_UNSPECIFIED, {}),
        (
            common_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE,
            {"certificateType": "ChargingStationCertificate"},
        ),
        (common_pb2.CERTIFICATE_SIGNING_USE_V2G_CERTIFICATE, {"certificateType": "V2GCertificate"}),
    ],
)
def test_chain_of_the_greatest_length(use: common_pb2.CertificateSigningUse.ValueType, fields: dict[str, str]) -> None:
    chain = "c" * 10_000
    command = CertificateSignedRequest(certificate_chain=chain, certificate_type=use)
    assert helpers.to_calls(NAME, command) == [{"certificateChain": chain} | fields]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (CertificateSignedRequest(), "certificate_chain"),
        (CertificateSignedRequest(certificate_chain="c" * 10_001), "certificate_chain"),
        (
            CertificateSignedRequest(
                certificate_chain="c", certificate_type=common_pb2.CERTIFICATE_SIGNING_USE_V2G20_CERTIFICATE
            ),
            "certificate_type",
        ),
    ],
    ids=["none", "too long", "of 2.1"],
)
def test_inexpressible_command_is_refused_by_field(command: CertificateSignedRequest, field: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == field


def test_answers() -> None:
    assert helpers.statuses_told(NAME, CertificateSignedRequest(), "CertificateSignedStatusEnumType") == {
        "Accepted": certificate_pb2.CERTIFICATE_SIGNED_STATUS_ACCEPTED,
        "Rejected": certificate_pb2.CERTIFICATE_SIGNED_STATUS_REJECTED,
    }
