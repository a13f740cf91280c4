"""RemoteStopTransaction of 1.6."""

import pytest
from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2 import RequestStopTransactionRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers

NAME = "request_stop_transaction"


@pytest.mark.parametrize(("text", "number"), [("42", 42), ("0", 0), ("-1", -1), ("2147483647", 2**31 - 1)])
def test_calls(text: str, number: int) -> None:
    """The transaction's name is a number."""
    assert helpers.to_calls(NAME, RequestStopTransactionRequest(transaction_id=text)) == [{"transactionId": number}]


@pytest.mark.parametrize("text", ["", "abc", "1.0", "2147483648", "9" * 50, "1 ", "+1", "٣"])
def test_impossible(text: str) -> None:
    """Any other name is none of 1.6's."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, RequestStopTransactionRequest(transaction_id=text))
    assert caught.value.field == "transaction_id"


def test_answers() -> None:
    """Every word of the station has its status."""
    told = {
        word: helpers.to_answer(NAME, RequestStopTransactionRequest(), {"status": word}).status
        for word in helpers.answer_words("RemoteStopTransaction")
    }
    assert told == {
        "Accepted": command_service_pb2.REQUEST_START_STOP_STATUS_ACCEPTED,
        "Rejected": command_service_pb2.REQUEST_START_STOP_STATUS_REJECTED,
    }
