"""RemoteStopTransaction, 1.6 section 5.12."""

import re
from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import RequestStopTransactionRequest, RequestStopTransactionResponse

from gateway.checks import check_int32
from gateway.enums import REQUEST_START_STOP_STATUSES
from gateway.translation import Outbound, Payload, UnacceptableError

_DECIMAL = re.compile(r"-?[0-9]{1,10}")


def to_calls(command: RequestStopTransactionRequest) -> Sequence[Payload]:
    """A stop of the transaction with this number. UnacceptableError where the name is no number of 32 bits."""
    if not _DECIMAL.fullmatch(command.transaction_id):
        raise UnacceptableError(
            "PropertyConstraintViolation", "transaction_id", "a transaction of OCPP 1.6 is named by a whole number"
        )
    return [{"transactionId": check_int32(int(command.transaction_id), "transaction_id")}]


def to_answer(_command: RequestStopTransactionRequest, payloads: Sequence[Payload]) -> RequestStopTransactionResponse:
    """Whether the station will try."""
    [payload] = payloads
    return RequestStopTransactionResponse(status=REQUEST_START_STOP_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="RemoteStopTransaction", to_calls=to_calls, to_answer=to_answer)
