"""RemoteStartTransaction of 1.6."""

import pytest
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import charging_profile_pb2, command_service_pb2
from csms.station.v1.command_service_pb2 import RequestStartTransactionRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import charging, helpers

NAME = "request_start_transaction"
TX_PROFILE = charging_profile_pb2.CHARGING_PROFILE_PURPOSE_TX_PROFILE


def test_calls() -> None:
    """EVSE 0 leaves the connector to the station; what 1.6 does not know stays behind."""
    token = IdToken(id_token="T" * 20, type="ISO14443")
    assert helpers.to_calls(NAME, RequestStartTransactionRequest(id_token=token)) == [{"idTag": "T" * 20}]
    command = RequestStartTransactionRequest(id_token=token, evse_id=2, remote_start_id=5)
    assert helpers.to_calls(NAME, command) == [{"idTag": "T" * 20, "connectorId": 2}]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (RequestStartTransactionRequest(evse_id=1), "id_token.id_token"),
        (RequestStartTransactionRequest(id_token=IdToken(id_token="T" * 21)), "id_token.id_token"),
        (RequestStartTransactionRequest(id_token=IdToken(id_token="T"), evse_id=-1), "evse_id"),
    ],
)
def test_impossible(command: RequestStartTransactionRequest, field: str) -> None:
    """A command that 1.6 cannot express is refused with the name of the field."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == field


def test_a_start_with_a_profile() -> None:
    """The profile goes with it, and the answer names it (TC_059)."""
    command = RequestStartTransactionRequest(
        id_token=IdToken(id_token="T"), evse_id=1, charging_profile=charging.profile(purpose=TX_PROFILE)
    )
    profile = {**charging.PAYLOAD, "chargingProfilePurpose": "TxProfile"}
    assert helpers.to_calls(NAME, command) == [{"idTag": "T", "connectorId": 1, "chargingProfile": profile}]
    assert helpers.to_answer(NAME, command, {"status": "Accepted"}).charging_profile_id == 7


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        (charging.profile(), "purpose"),
        (charging.profile(purpose=TX_PROFILE, transaction_id="1"), "transaction_id"),
        (charging.profile(purpose=TX_PROFILE, stack_level=-1), "stack_level"),
    ],
)
def test_an_impossible_profile(profile: charging_profile_pb2.ChargingProfile, field: str) -> None:
    """1.6 wants a TxProfile here that names no transaction."""
    command = RequestStartTransactionRequest(id_token=IdToken(id_token="T"), charging_profile=profile)
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == f"charging_profile.{field}"


def test_answers() -> None:
    """Every word of the station has its status."""
    told = {
        word: helpers.to_answer(NAME, RequestStartTransactionRequest(), {"status": word}).status
        for word in helpers.answer_words("RemoteStartTransaction")
    }
    assert told == {
        "Accepted": command_service_pb2.REQUEST_START_STOP_STATUS_ACCEPTED,
        "Rejected": command_service_pb2.REQUEST_START_STOP_STATUS_REJECTED,
    }
