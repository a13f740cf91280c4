"""SignCertificate of 1.6."""

import pytest
from csms.common.v1.certificate_pb2 import CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE
from csms.common.v1.status_info_pb2 import (
    GENERIC_STATUS_ACCEPTED,
    GENERIC_STATUS_REJECTED,
    GENERIC_STATUS_UNSPECIFIED,
    GenericStatus,
)
from csms.station.v1.station_ingest_service_pb2 import RequestCertificateItem, RequestCertificateResult

from gateway.ocpp.translation import IngestRpc
from tests.gateway.v16 import helpers

ACTION = "SignCertificate"


def test_a_request() -> None:
    """It goes on as it came: the authority reads it."""
    csr = "-----BEGIN CERTIFICATE REQUEST-----\r\né\r\n-----END CERTIFICATE REQUEST-----"
    assert helpers.item(ACTION, {"csr": csr}, IngestRpc.CERTIFICATES) == RequestCertificateItem(
        origin=helpers.ORIGIN, csr=csr, certificate_type=CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE
    )


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (GENERIC_STATUS_ACCEPTED, "Accepted"),
        (GENERIC_STATUS_REJECTED, "Rejected"),
        (GENERIC_STATUS_UNSPECIFIED, "Rejected"),
    ],
)
def test_answers(status: GenericStatus.ValueType, word: str) -> None:
    """A status that is not known promises nothing."""
    results = {IngestRpc.CERTIFICATES: RequestCertificateResult(status=status, reason="CSR_KEY_WEAK")}
    assert helpers.to_response(ACTION, {"csr": "x"}, results) == {"status": word}


def test_whatever_the_schema_allows() -> None:
    """Every payload has its item."""
    for payload in helpers.request_payloads(ACTION):
        assert helpers.item(ACTION, payload, IngestRpc.CERTIFICATES).csr == payload["csr"]
