"""GetTransactionStatus of 2.0.1, E14."""

import pytest
from csms.station.v1.command_service_pb2 import GetTransactionStatusRequest, GetTransactionStatusResponse

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v201 import helpers

NAME = "get_transaction_status"


@pytest.mark.parametrize(("transaction_id", "payload"), [("", {}), ("t" * 36, {"transactionId": "t" * 36})])
def test_question(transaction_id: str, payload: dict[str, str]) -> None:
    """About one transaction, or about all messages in the station's queue."""
    command = GetTransactionStatusRequest(station_id="CP1", request_id="r", transaction_id=transaction_id)
    assert helpers.to_calls(NAME, command) == [payload]


def test_a_name_that_is_too_long() -> None:
    """No transaction of 2.0.1 has such a name."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls(NAME, GetTransactionStatusRequest(transaction_id="t" * 37))
    assert caught.value.field == "transaction_id"


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize("ongoing", [None, False, True])
def test_answer(ongoing: bool | None, queued: bool) -> None:
    """False is an answer, and differs from none."""
    payload = {"messagesInQueue": queued} | ({} if ongoing is None else {"ongoingIndicator": ongoing})
    answer: GetTransactionStatusResponse = helpers.to_answer(NAME, GetTransactionStatusRequest(), payload)
    assert answer.messages_in_queue is queued
    assert (answer.ongoing_indicator if answer.HasField("ongoing_indicator") else None) is ongoing
