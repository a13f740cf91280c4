"""GetTransactionStatus, E14."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import GetTransactionStatusRequest, GetTransactionStatusResponse

from gateway.ocpp.checks import check_length
from gateway.ocpp.translation import Outbound, Payload

_MAX_TRANSACTION_ID = 36


def to_calls(command: GetTransactionStatusRequest) -> Sequence[Payload]:
    """A question about one transaction, or about all messages where none is named."""
    if not command.transaction_id:
        return [{}]
    return [{"transactionId": check_length(command.transaction_id, _MAX_TRANSACTION_ID, "transaction_id")}]


def to_answer(_command: GetTransactionStatusRequest, payloads: Sequence[Payload]) -> GetTransactionStatusResponse:
    """The station's answer; ongoing_indicator stays absent where the station does not report it."""
    [payload] = payloads
    return GetTransactionStatusResponse(
        ongoing_indicator=payload.get("ongoingIndicator"), messages_in_queue=payload["messagesInQueue"]
    )


OUTBOUND = Outbound(action="GetTransactionStatus", to_calls=to_calls, to_answer=to_answer)
