"""RemoteStartTransaction of 1.6."""

import pytest
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2 import RequestStartTransactionRequest

from gateway.translation import UnacceptableError
from tests.gateway.v16 import helpers

NAME = "request_start_transaction"


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
    """What 1.6 cannot say is refused by the field's name."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, command)
    assert caught.value.field == field


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
