"""Authorize of 2.0.1."""

from typing import Any

import pytest
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeResult
from csms.auth.v1.certificate_exchange_service_pb2 import CheckContractCertificateResult
from csms.common.v1 import certificate_pb2, id_token_pb2
from csms.common.v1.certificate_pb2 import AuthorizeCertificateStatus
from csms.common.v1.id_token_pb2 import AuthorizationStatus, IdToken, IdTokenInfo
from csms.station.v1.certificate_pb2 import HASH_ALGORITHM_SHA256
from csms.transaction.v1.transaction_ingest_service_pb2 import CountOpenTransactionsResult
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from gateway.ocpp.translation import IngestRpc
from tests.gateway.v201 import helpers

ACTION = "Authorize"
PAYLOAD = {"idToken": {"idToken": "DEADBEEF", "type": "ISO14443"}}
ACCEPTED = id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED
HASH = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "a",
    "issuerKeyHash": "b",
    "serialNumber": "1",
    "responderURL": "https://example.org",
}


def answer(result: AuthorizeResult) -> Any:
    """The idTokenInfo that the station is given."""
    return helpers.to_response(ACTION, PAYLOAD, {IngestRpc.AUTHORIZE: result})["idTokenInfo"]


def test_question() -> None:
    """The token is asked about with its type."""
    item = helpers.item(ACTION, PAYLOAD, IngestRpc.AUTHORIZE)
    assert item == AuthorizeItem(origin=helpers.ORIGIN, id_token=IdToken(id_token="DEADBEEF", type="ISO14443"))


def test_start_button() -> None:
    """C02: the empty token of a start button is asked about too."""
    payload = {"idToken": {"idToken": "", "type": "NoAuthorization"}}
    assert helpers.item(ACTION, payload, IngestRpc.AUTHORIZE).id_token == IdToken(type="NoAuthorization")


@pytest.mark.parametrize("text", ["", "  "])
def test_blank(text: str) -> None:
    """Any other blank token is nobody's."""
    payload = {"idToken": {"idToken": text, "type": "ISO14443"}}
    assert helpers.to_items(ACTION, payload) == {}
    assert helpers.to_response(ACTION, payload, {}) == {"idTokenInfo": {"status": "Invalid"}}


@pytest.mark.parametrize("fields", [{"certificate": "PEM"}, {"iso15118CertificateHashData": [HASH]}])
def test_certificate_is_checked_beside_its_token(fields: dict[str, Any]) -> None:
    """C07: the chain as it came, or the hashes of each link with its responder."""
    items = helpers.to_items(ACTION, PAYLOAD | fields)
    assert set(items) == {IngestRpc.AUTHORIZE, IngestRpc.CONTRACT_CERTIFICATES}
    item = helpers.over_the_wire(items[IngestRpc.CONTRACT_CERTIFICATES])
    assert (item.origin, item.id_token) == (helpers.ORIGIN, IdToken(id_token="DEADBEEF", type="ISO14443"))
    if "certificate" in fields:
        assert (item.certificate_chain, list(item.certificates)) == ("PEM", [])
        return
    [link] = item.certificates
    hashed = link.certificate_hash_data
    assert hashed.hash_algorithm == HASH_ALGORITHM_SHA256
    assert (hashed.issuer_name_hash, hashed.issuer_key_hash, hashed.serial_number) == ("a", "b", "1")
    assert (link.responder_url, item.certificate_chain) == ("https://example.org", "")


def _checked(
    status: AuthorizationStatus.ValueType, certificate_status: AuthorizeCertificateStatus.ValueType | None
) -> Any:
    """The answer about a token of this status whose certificate has that one; None: nobody could say."""
    group = IdToken(id_token="G", type="Central")
    info = IdTokenInfo(status=status, group_id_token=group)
    results: dict[IngestRpc, Any] = {IngestRpc.AUTHORIZE: AuthorizeResult(id_token_info=info)}
    if certificate_status is not None:
        results[IngestRpc.CONTRACT_CERTIFICATES] = CheckContractCertificateResult(status=certificate_status)
    return helpers.to_response(ACTION, PAYLOAD | {"certificate": "PEM"}, results)


def test_driver_may_charge_where_token_and_certificate_hold() -> None:
    assert _checked(ACCEPTED, certificate_pb2.AUTHORIZE_CERTIFICATE_STATUS_ACCEPTED) == {
        "idTokenInfo": {"status": "Accepted", "groupIdToken": {"idToken": "G", "type": "Central"}},
        "certificateStatus": "Accepted",
    }


def test_token_is_invalid_where_its_certificate_does_not_hold() -> None:
    """C07.FR.16, as we read it; with each word that 2.0.1 has."""
    words = set()
    for status in set(AuthorizeCertificateStatus.values()) - {
        certificate_pb2.AUTHORIZE_CERTIFICATE_STATUS_UNSPECIFIED,
        certificate_pb2.AUTHORIZE_CERTIFICATE_STATUS_ACCEPTED,
    }:
        response = _checked(ACCEPTED, status)
        assert response["idTokenInfo"] == {"status": "Invalid"}
        words.add(response["certificateStatus"])
    assert words | {"Accepted"} == set(helpers.answer_words(ACTION, "AuthorizeCertificateStatusEnumType"))


@pytest.mark.parametrize("status", [None, certificate_pb2.AUTHORIZE_CERTIFICATE_STATUS_UNSPECIFIED])
def test_certificate_that_nobody_checked_lets_nobody_in(
    status: AuthorizeCertificateStatus.ValueType | None,
) -> None:
    assert _checked(ACCEPTED, status) == {
        "idTokenInfo": {"status": "Invalid"},
        "certificateStatus": "NoCertificateAvailable",
    }


@pytest.mark.parametrize(
    ("status", "word", "certificate_word"),
    [
        (id_token_pb2.AUTHORIZATION_STATUS_BLOCKED, "Blocked", "ContractCancelled"),
        (id_token_pb2.AUTHORIZATION_STATUS_EXPIRED, "Expired", "ContractCancelled"),
        (id_token_pb2.AUTHORIZATION_STATUS_UNKNOWN, "Unknown", "Accepted"),
    ],
)
def test_contract_that_has_ended_is_cancelled(
    status: AuthorizationStatus.ValueType, word: str, certificate_word: str
) -> None:
    response = _checked(status, certificate_pb2.AUTHORIZE_CERTIFICATE_STATUS_ACCEPTED)
    assert (response["idTokenInfo"]["status"], response["certificateStatus"]) == (word, certificate_word)


def test_made_from_the_schema() -> None:
    """Everything the schema allows can be sent on and answered."""
    for payload in helpers.request_payloads(ACTION):
        helpers.to_items(ACTION, payload)
        helpers.to_response(ACTION, payload, {})


def test_statuses() -> None:
    """Every outcome has its own word; one that is not known is none to let anybody in by."""
    words = set()
    for status in AuthorizationStatus.values():
        word = answer(AuthorizeResult(id_token_info=IdTokenInfo(status=status)))["status"]
        name = AuthorizationStatus.Name(status).removeprefix("AUTHORIZATION_STATUS_").replace("_", "")
        assert word.upper() == ("INVALID" if name == "UNSPECIFIED" else name)
        words.add(word)
    assert words == set(helpers.answer_words(ACTION, "AuthorizationStatusEnumType"))


def test_details() -> None:
    """Expiry, group and priority are sent; a group too long for 2.0.1 is left out, an unknown type of one replaced."""
    info = IdTokenInfo(
        status=ACCEPTED,
        cache_expire_time=Timestamp(seconds=1_735_732_800, nanos=5_000_000),
        group_id_token=IdToken(id_token="G" * 36, type="Local"),
        charging_priority=-3,
    )
    assert answer(AuthorizeResult(id_token_info=info)) == {
        "status": "Accepted",
        "cacheExpiryDateTime": "2025-01-01T12:00:00.005Z",
        "groupIdToken": {"idToken": "G" * 36, "type": "Local"},
        "chargingPriority": -3,
    }
    info.group_id_token.type = "VIN"
    assert answer(AuthorizeResult(id_token_info=info))["groupIdToken"]["type"] == "Central"
    info.group_id_token.id_token = "G" * 37
    assert "groupIdToken" not in answer(AuthorizeResult(id_token_info=info))


def test_message_for_the_driver() -> None:
    """The station's display speaks the driver's language; a language too long for 2.0.1 is left out."""
    info = IdTokenInfo(status=ACCEPTED, language="de", personal_message="Guten Tag")
    assert answer(AuthorizeResult(id_token_info=info)) == {
        "status": "Accepted",
        "language1": "de",
        "personalMessage": {"format": "UTF8", "content": "Guten Tag", "language": "de"},
    }
    info.language = "x" * 9
    assert answer(AuthorizeResult(id_token_info=info)) == {
        "status": "Accepted",
        "personalMessage": {"format": "UTF8", "content": "Guten Tag"},
    }


def test_error() -> None:
    """Where auth_svc could not say, nobody is let in."""
    assert answer(AuthorizeResult(error=Status(code=13))) == {"status": "Invalid"}


def test_what_a_token_holds() -> None:
    """Asked only where auth_svc wants Authorize to be answered by it, and only of a token that it accepts."""
    info = IdTokenInfo(status=id_token_pb2.AUTHORIZATION_STATUS_ACCEPTED)
    said = AuthorizeResult(id_token_info=info, max_concurrent_transactions=2, limit_authorize=True)
    results: dict[IngestRpc, Any] = {IngestRpc.AUTHORIZE: said}
    item = helpers.follow_up(ACTION, PAYLOAD, results, IngestRpc.OPEN_TRANSACTIONS)
    assert (item.origin, item.id_token.id_token) == (helpers.ORIGIN, "DEADBEEF")
    for count, held_by_station, status in (
        (1, False, "Accepted"),
        (2, False, "ConcurrentTx"),
        (3, False, "ConcurrentTx"),
        (3, True, "Accepted"),
    ):
        held = CountOpenTransactionsResult(count=count, held_by_station=held_by_station)
        response = helpers.to_response(ACTION, PAYLOAD, results | {IngestRpc.OPEN_TRANSACTIONS: held})
        assert response["idTokenInfo"] == {"status": status}
    for change in (
        AuthorizeResult(id_token_info=info, max_concurrent_transactions=2),
        AuthorizeResult(id_token_info=info, limit_authorize=True),
        AuthorizeResult(id_token_info=IdTokenInfo(status=id_token_pb2.AUTHORIZATION_STATUS_BLOCKED)),
        AuthorizeResult(error=Status(code=13)),
    ):
        assert helpers.follow_ups(ACTION, PAYLOAD, {IngestRpc.AUTHORIZE: change}) == {}
