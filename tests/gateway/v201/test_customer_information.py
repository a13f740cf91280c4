"""Customer information of 2.0.1: requested for one driver, reported in parts."""

from typing import Any

import pytest
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import certificate_pb2
from csms.station.v1 import customer_information_pb2 as pb

from gateway.ocpp.translation import IngestRpc, UnacceptableError
from tests.gateway.v201 import helpers

TOKEN = IdToken(id_token="DRIVER", type="eMAID")
HASHES = certificate_pb2.CertificateHashData(
    hash_algorithm=certificate_pb2.HASH_ALGORITHM_SHA512,
    issuer_name_hash="a",
    issuer_key_hash="b",
    serial_number="1",
)


def _request(**fields: Any) -> pb.CustomerInformationRequest:
    return pb.CustomerInformationRequest(station_id="CP1", **({"report_id": 7, "report": True} | fields))


@pytest.mark.parametrize(
    ("fields", "driver"),
    [
        ({"customer_identifier": "c"}, {"customerIdentifier": "c"}),
        ({"id_token": TOKEN}, {"idToken": {"idToken": "DRIVER", "type": "eMAID"}}),
        (
            {"customer_certificate": HASHES},
            {
                "customerCertificate": {
                    "hashAlgorithm": "SHA512",
                    "issuerNameHash": "a",
                    "issuerKeyHash": "b",
                    "serialNumber": "1",
                }
            },
        ),
    ],
)
def test_a_driver_is_named_in_one_of_three_ways(fields: dict[str, Any], driver: dict[str, Any]) -> None:
    [call] = helpers.to_calls("customer_information", _request(**fields))
    assert call == {"requestId": 7, "report": True, "clear": False, **driver}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "customer_identifier"),
        ({"customer_identifier": "c", "id_token": TOKEN}, "id_token"),
        ({"id_token": TOKEN, "customer_certificate": HASHES}, "customer_certificate"),
        ({"customer_identifier": "c", "report": False}, "report"),
        ({"customer_identifier": "c" * 65}, "customer_identifier"),
        ({"customer_identifier": "c", "report_id": None}, "report_id"),
        ({"customer_certificate": certificate_pb2.CertificateHashData()}, "customer_certificate.hash_algorithm"),
    ],
)
def test_requests_that_name_no_driver_or_several(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("customer_information", _request(**fields))
    assert caught.value.field == field


def test_every_answer_of_the_station_has_its_value() -> None:
    told = helpers.statuses_told(
        "customer_information", _request(customer_identifier="c"), "CustomerInformationStatusEnumType"
    )
    assert len(set(told.values())) == len(told) == 3


def test_a_part_of_a_report() -> None:
    payload = {"requestId": 7, "seqNo": 3, "generatedAt": helpers.NOW, "data": "May"}
    part = helpers.item("NotifyCustomerInformation", payload, IngestRpc.REPORTS).customer_information
    assert (part.report_id, part.seq_no, part.to_be_continued, part.data) == (7, 3, False, "May")
