"""RequestStopTransaction, F03."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import RequestStopTransactionRequest, RequestStopTransactionResponse

from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.enums import REQUEST_START_STOP_STATUSES
from gateway.ocpp.translation import Outbound, Payload
from gateway.ocpp.v2.parts import status_info

_MAX_TRANSACTION_ID = 36


def to_calls(command: RequestStopTransactionRequest) -> Sequence[Payload]:
    """A stop of the transaction of this name."""
    name = check_given(command.transaction_id, "transaction_id")
    return [{"transactionId": check_length(name, _MAX_TRANSACTION_ID, "transaction_id")}]


def to_answer(_command: RequestStopTransactionRequest, payloads: Sequence[Payload]) -> RequestStopTransactionResponse:
    """Whether the station will try."""
    [payload] = payloads
    return RequestStopTransactionResponse(
        status=REQUEST_START_STOP_STATUSES[payload["status"]], status_info=status_info(payload)
    )


OUTBOUND = Outbound(action="RequestStopTransaction", to_calls=to_calls, to_answer=to_answer)
