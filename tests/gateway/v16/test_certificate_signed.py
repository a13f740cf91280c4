"""CertificateSigned of 1.6."""

import pytest
from csms.common.v1 import certificate_pb2 as common_pb2
from csms.station.v1 import certificate_pb2
from csms.station.v1.certificate_pb2 import CertificateSignedRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers

NAME = "certificate_signed"
OWN = common_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE


@pytest.mark.parametrize("kind", [common_pb2.CERTIFICATE_SIGNING_USE_UNSPECIFIED, OWN])
def test_a_chain(kind: common_pb2.CertificateSigningUse.ValueType) -> None:
    """Up to the full length that 1.6 takes; it has one kind, which is what unspecified means."""
    chain = "c" * 10_000
    assert helpers.to_calls(NAME, CertificateSignedRequest(certificate_chain=chain, certificate_type=kind)) == [
        {"certificateChain": chain}
    ]


@pytest.mark.parametrize(
    ("command", "code", "field"),
    [
        (CertificateSignedRequest(), "OccurenceConstraintViolation", "certificate_chain"),
        (
            CertificateSignedRequest(certificate_chain="c" * 10_001),
            "PropertyConstraintViolation",
            "certificate_chain",
        ),
        (
            CertificateSignedRequest(
                certificate_chain="c", certificate_type=common_pb2.CERTIFICATE_SIGNING_USE_V2G_CERTIFICATE
            ),
            "NotSupported",
            "certificate_type",
        ),
    ],
    ids=["none", "too long", "towards vehicles"],
)
def test_impossible(command: CertificateSignedRequest, code: str, field: str) -> None:
    """Told plainly, and nothing is sent."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert (caught.value.code, caught.value.field) == (code, field)


def test_the_limit_is_told() -> None:
    """How long it is, and how long it may be."""
    with pytest.raises(UnacceptableError, match=r"10001 characters.*10000"):
        helpers.to_calls(NAME, CertificateSignedRequest(certificate_chain="c" * 10_001))


def test_answers() -> None:
    """Both words of the station."""
    told = {
        word: helpers.to_answer(NAME, CertificateSignedRequest(), {"status": word}).status
        for word in ("Accepted", "Rejected")
    }
    assert told == {
        "Accepted": certificate_pb2.CERTIFICATE_SIGNED_STATUS_ACCEPTED,
        "Rejected": certificate_pb2.CERTIFICATE_SIGNED_STATUS_REJECTED,
    }
