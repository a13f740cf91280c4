"""CostUpdated, I02."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import CostUpdatedRequest, CostUpdatedResponse

from gateway.ocpp.checks import check_given, check_length
from gateway.ocpp.costs import cost_number
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError

_MOST_TRANSACTION_ID = 36


def to_calls(command: CostUpdatedRequest) -> Sequence[Payload]:
    """The cost so far. UnacceptableError for one that is no decimal number."""
    name = check_given(command.transaction_id, "transaction_id")
    cost = cost_number(check_given(command.total_cost, "total_cost"))
    if cost is None:
        raise UnacceptableError("PropertyConstraintViolation", "total_cost", 'must be a decimal number such as "3.25"')
    return [{"totalCost": cost, "transactionId": check_length(name, _MOST_TRANSACTION_ID, "transaction_id")}]


def to_answer(_command: CostUpdatedRequest, _payloads: Sequence[Payload]) -> CostUpdatedResponse:
    """Nothing but that it arrived."""
    return CostUpdatedResponse()


OUTBOUND = Outbound(action="CostUpdated", to_calls=to_calls, to_answer=to_answer)
