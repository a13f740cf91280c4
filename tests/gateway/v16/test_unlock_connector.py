"""UnlockConnector of 1.6."""

import pytest
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import command_service_pb2
from csms.station.v1.command_service_pb2 import UnlockConnectorRequest

from gateway.ocpp.translation import UnacceptableError
from tests.gateway.v16 import helpers


@pytest.mark.parametrize("evse", [EvseRef(evse_id=2), EvseRef(evse_id=2, connector_id=1)])
def test_calls(evse: EvseRef) -> None:
    """1.6's connector n is EVSE n with connector 1, which 0 stands for."""
    assert helpers.to_calls("unlock_connector", UnlockConnectorRequest(evse=evse)) == [{"connectorId": 2}]


@pytest.mark.parametrize(
    ("evse", "field"),
    [
        (None, "evse.evse_id"),
        (EvseRef(), "evse.evse_id"),
        (EvseRef(evse_id=-1), "evse.evse_id"),
        (EvseRef(evse_id=1, connector_id=2), "evse.connector_id"),
        (EvseRef(connector_id=1), "evse.connector_id"),
    ],
)
def test_impossible(evse: EvseRef | None, field: str) -> None:
    """There must be a connector, and one that 1.6 can name."""
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("unlock_connector", UnlockConnectorRequest(evse=evse))
    assert caught.value.field == field


def test_answers() -> None:
    """Every word of the station has its status."""
    told = {
        word: helpers.to_answer("unlock_connector", UnlockConnectorRequest(), {"status": word}).status
        for word in helpers.answer_words("UnlockConnector")
    }
    assert told == {
        "Unlocked": command_service_pb2.UNLOCK_STATUS_UNLOCKED,
        "UnlockFailed": command_service_pb2.UNLOCK_STATUS_UNLOCK_FAILED,
        "NotSupported": command_service_pb2.UNLOCK_STATUS_NOT_SUPPORTED,
    }
