"""SignCertificate of 2.0.1."""

import pytest
from csms.common.v1 import certificate_pb2
from csms.common.v1.status_info_pb2 import GENERIC_STATUS_ACCEPTED, GENERIC_STATUS_REJECTED, GENERIC_STATUS_UNSPECIFIED
from csms.station.v1.station_ingest_service_pb2 import RequestCertificateItem, RequestCertificateResult

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from mesh.runtime.error_reasons import Reason
from tests.gateway.v201 import helpers

ACTION = "SignCertificate"


@pytest.mark.parametrize(
    ("payload", "use"),
    [
        ({}, certificate_pb2.CERTIFICATE_SIGNING_USE_UNSPECIFIED),
        (
            {"certificateType": "ChargingStationCertificate"},
            certificate_pb2.CERTIFICATE_SIGNING_USE_CHARGING_STATION_CERTIFICATE,
        ),
        ({"certificateType": "V2GCertificate"}, certificate_pb2.CERTIFICATE_SIGNING_USE_V2G_CERTIFICATE),
    ],
)
def test_request_goes_on_as_it_came(
    payload: dict[str, str], use: certificate_pb2.CertificateSigningUse.ValueType
) -> None:
    csr = "-----BEGIN CERTIFICATE REQUEST-----\r\né\r\n-----END CERTIFICATE REQUEST-----"
    assert helpers.item(ACTION, {"csr": csr} | payload, IngestRpc.CERTIFICATES) == RequestCertificateItem(
        origin=helpers.ORIGIN, csr=csr, certificate_type=use
    )


def test_use_that_no_version_has_is_refused() -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_items(ACTION, {"csr": "x", "certificateType": "Other"})
    assert caught.value.field == "certificateType"


def test_acceptance_has_no_reason() -> None:
    results = {IngestRpc.CERTIFICATES: RequestCertificateResult(status=GENERIC_STATUS_ACCEPTED)}
    assert helpers.to_response(ACTION, {"csr": "x"}, results) == {"status": "Accepted"}


def test_status_that_is_not_known_promises_nothing() -> None:
    results = {IngestRpc.CERTIFICATES: RequestCertificateResult(status=GENERIC_STATUS_UNSPECIFIED)}
    assert helpers.to_response(ACTION, {"csr": "x"}, results) == {"status": "Rejected"}


@pytest.mark.parametrize(
    ("reason", "code"),
    [(Reason.CSR_KEY_WEAK, "InvalidCSR"), (Reason.CERTIFICATE_TYPE_NOT_SIGNED, "UnsupportedParam")],
)
def test_refusal_has_its_reason(reason: Reason, code: str) -> None:
    results = {IngestRpc.CERTIFICATES: RequestCertificateResult(status=GENERIC_STATUS_REJECTED, reason=reason)}
    assert helpers.to_response(ACTION, {"csr": "x"}, results) == {
        "status": "Rejected",
        "statusInfo": {"reasonCode": code, "additionalInfo": reason.value},
    }


def test_each_payload_of_the_schema_has_its_item() -> None:
    for payload in helpers.request_payloads(ACTION):
        assert helpers.item(ACTION, payload, IngestRpc.CERTIFICATES).csr == payload["csr"]
