"""UnlockConnector, F05."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import UnlockConnectorRequest, UnlockConnectorResponse

from gateway.ocpp.enums import UNLOCK_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v2.parts import evse_payload, status_info


def to_calls(command: UnlockConnectorRequest) -> Sequence[Payload]:
    """The connector to unlock, the first where only an EVSE is named; UnacceptableError for the station as a whole."""
    evse = evse_payload(command.evse, "evse")
    if evse is None:
        raise UnacceptableError("PropertyConstraintViolation", "evse.evse_id", "must name an EVSE, from 1")
    return [{"evseId": evse["id"], "connectorId": evse.get("connectorId", 1)}]


def to_answer(_command: UnlockConnectorRequest, payloads: Sequence[Payload]) -> UnlockConnectorResponse:
    """The outcome."""
    [payload] = payloads
    return UnlockConnectorResponse(status=UNLOCK_STATUSES[payload["status"]], status_info=status_info(payload))


OUTBOUND = Outbound(action="UnlockConnector", to_calls=to_calls, to_answer=to_answer)
