"""RemoteStopTransaction, 1.6 section 5.12."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import RequestStopTransactionRequest, RequestStopTransactionResponse

from gateway.ocpp.enums import REQUEST_START_STOP_STATUSES
from gateway.ocpp.translation import Outbound, Payload
from gateway.ocpp.v16.parts import transaction_number


def to_calls(command: RequestStopTransactionRequest) -> Sequence[Payload]:
    """A stop of the transaction with this number. UnacceptableError where the name is no number of 32 bits."""
    return [{"transactionId": transaction_number(command.transaction_id, "transaction_id")}]


def to_answer(_command: RequestStopTransactionRequest, payloads: Sequence[Payload]) -> RequestStopTransactionResponse:
    """Whether the station will try."""
    [payload] = payloads
    return RequestStopTransactionResponse(status=REQUEST_START_STOP_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="RemoteStopTransaction", to_calls=to_calls, to_answer=to_answer)
