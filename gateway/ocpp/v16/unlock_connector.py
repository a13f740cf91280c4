"""UnlockConnector, 1.6 section 5.18."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import UnlockConnectorRequest, UnlockConnectorResponse

from gateway.ocpp.enums import UNLOCK_STATUSES
from gateway.ocpp.translation import Outbound, Payload, UnacceptableError
from gateway.ocpp.v16.parts import to_connector_id


def to_calls(command: UnlockConnectorRequest) -> Sequence[Payload]:
    """The connector to unlock; UnacceptableError for the station as a whole."""
    connector_id = to_connector_id(command.evse, "evse")
    if not connector_id:
        raise UnacceptableError("PropertyConstraintViolation", "evse.evse_id", "must name an EVSE, from 1")
    return [{"connectorId": connector_id}]


def to_answer(_command: UnlockConnectorRequest, payloads: Sequence[Payload]) -> UnlockConnectorResponse:
    """The outcome."""
    [payload] = payloads
    return UnlockConnectorResponse(status=UNLOCK_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="UnlockConnector", to_calls=to_calls, to_answer=to_answer)
