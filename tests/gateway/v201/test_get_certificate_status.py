"""GetCertificateStatus of 2.0.1."""

from base64 import b64decode

import pytest
from csms.auth.v1.certificate_exchange_service_pb2 import GetCertificateStatusResult

from gateway.ocpp.certificate_enums import HASH_ALGORITHMS
from gateway.ocpp.translation import IngestRpc
from gateway.ocpp.v201.routes import ROUTES
from mesh.runtime.error_reasons import Reason
from tests.gateway.v201 import helpers

ACTION = "GetCertificateStatus"


def _payload(word: str = "SHA256") -> dict[str, dict[str, str]]:
    return {
        "ocspRequestData": {
            "hashAlgorithm": word,
            "issuerNameHash": "aB",
            "issuerKeyHash": "cD",
            "serialNumber": "0A1",
            "responderURL": "http://ocsp.example.org/",
        }
    }


@pytest.mark.parametrize("word", HASH_ALGORITHMS)
def test_certificate_is_named_as_it_came(word: str) -> None:
    item = helpers.item(ACTION, _payload(word), IngestRpc.CERTIFICATE_STATUSES)
    data = item.ocsp_request_data
    hashed = data.certificate_hash_data
    assert (item.origin, data.responder_url) == (helpers.ORIGIN, "http://ocsp.example.org/")
    assert hashed.hash_algorithm == HASH_ALGORITHMS[word]
    assert (hashed.issuer_name_hash, hashed.issuer_key_hash, hashed.serial_number) == ("aB", "cD", "0A1")


def test_response_is_sent_in_base64() -> None:
    results = {IngestRpc.CERTIFICATE_STATUSES: GetCertificateStatusResult(ocsp_response=b"\x30\x03\xff\x00\x01")}
    response = helpers.to_response(ACTION, _payload(), results)
    assert response["status"] == "Accepted"
    assert b64decode(response["ocspResult"]) == b"\x30\x03\xff\x00\x01"


def test_response_of_the_greatest_length() -> None:
    """5,500 characters are 4,125 bytes; a longer one cannot be sent."""
    results = {IngestRpc.CERTIFICATE_STATUSES: GetCertificateStatusResult(ocsp_response=bytes(4_125))}
    assert helpers.to_response(ACTION, _payload(), results)["status"] == "Accepted"
    results = {IngestRpc.CERTIFICATE_STATUSES: GetCertificateStatusResult(ocsp_response=bytes(4_126))}
    response = helpers.to_response(ACTION, _payload(), results)
    assert (response["status"], response["statusInfo"]["reasonCode"]) == ("Failed", "TooLargeElement")


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.OCSP_REQUEST_INVALID, "InvalidValue"),
        (Reason.OCSP_RESPONDER_REFUSED, "InvalidURL"),
        (Reason.OCSP_RESPONDER_UNAVAILABLE, "InternalError"),
        (Reason.OCSP_RESPONSE_INVALID, "InvalidCertificate"),
    ],
)
def test_failure_has_its_reason(reason: Reason, code: str) -> None:
    result = GetCertificateStatusResult(reason=reason, message="m" * 600)
    assert helpers.to_response(ACTION, _payload(), {IngestRpc.CERTIFICATE_STATUSES: result}) == {
        "status": "Failed",
        "statusInfo": {"reasonCode": code, "additionalInfo": "m" * 512},
    }


def test_station_is_answered_while_auth_svc_is_unavailable() -> None:
    assert ROUTES.inbound[ACTION].optional == {IngestRpc.CERTIFICATE_STATUSES}
    assert helpers.to_response(ACTION, _payload(), {})["status"] == "Failed"


def test_each_payload_of_the_schema_has_its_item() -> None:
    for payload in helpers.request_payloads(ACTION):
        helpers.item(ACTION, payload, IngestRpc.CERTIFICATE_STATUSES)
