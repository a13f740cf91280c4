"""DeleteCertificate of 2.0.1."""

from typing import Any

import pytest
from csms.station.v1 import certificate_pb2
from csms.station.v1.certificate_pb2 import CertificateHashData, DeleteCertificateRequest

from gateway.ocpp.certificate_enums import HASH_ALGORITHMS
from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

NAME = "delete_certificate"


def _command(**changes: Any) -> DeleteCertificateRequest:
    data = {
        "hash_algorithm": certificate_pb2.HASH_ALGORITHM_SHA256,
        "issuer_name_hash": "a" * 128,
        "issuer_key_hash": "b" * 128,
        "serial_number": "1" * 40,
        **changes,
    }
    return DeleteCertificateRequest(certificate_hash_data=CertificateHashData(**data))


@pytest.mark.parametrize("word", HASH_ALGORITHMS)
def test_certificate_is_named_by_hashes_of_each_algorithm(word: str) -> None:
    assert helpers.to_calls(NAME, _command(hash_algorithm=HASH_ALGORITHMS[word])) == [
        {
            "certificateHashData": {
                "hashAlgorithm": word,
                "issuerNameHash": "a" * 128,
                "issuerKeyHash": "b" * 128,
                "serialNumber": "1" * 40,
            }
        }
    ]


@pytest.mark.parametrize(
    ("field", "value"), [("hash_algorithm", 0), ("issuer_name_hash", ""), ("serial_number", "1" * 41)]
)
def test_incomplete_hashes_are_refused_by_field(field: str, value: Any) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, _command(**{field: value}))
    assert caught.value.field == f"certificate_hash_data.{field}"


def test_answers() -> None:
    assert helpers.statuses_told(NAME, _command(), "DeleteCertificateStatusEnumType") == {
        "Accepted": certificate_pb2.DELETE_CERTIFICATE_STATUS_ACCEPTED,
        "Failed": certificate_pb2.DELETE_CERTIFICATE_STATUS_FAILED,
        "NotFound": certificate_pb2.DELETE_CERTIFICATE_STATUS_NOT_FOUND,
    }
