"""ReserveNow of 2.0.1."""

from typing import Any

import pytest
from csms.common.v1.id_token_pb2 import IdToken
from csms.station.v1 import reservation_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.ocpp.translation import UnacceptableError
from gateway.ocpp.v201 import reserve_now
from tests.gateway.v201 import helpers

NOON = Timestamp(seconds=1_767_268_800)  # 2026-01-01T12:00:00Z


def _command(**fields: Any) -> pb.ReserveNowRequest:
    given = {"id_token": IdToken(id_token="T", type="ISO14443"), "expire_time": NOON, "reservation_id": 7}
    return pb.ReserveNowRequest(**{**given, **fields})


MINIMAL = {
    "id": 7,
    "expiryDateTime": "2026-01-01T12:00:00.000Z",
    "idToken": {"idToken": "T", "type": "ISO14443"},
}


@pytest.mark.parametrize(
    ("command", "more"),
    [
        (_command(), {}),
        (_command(evse_id=2), {"evseId": 2}),
        (_command(connector_type="sType2"), {"connectorType": "sType2"}),
        (
            _command(group_id_token=IdToken(id_token="G" * 36)),
            {"groupIdToken": {"idToken": "G" * 36, "type": "Central"}},
        ),
    ],
)
def test_calls(command: pb.ReserveNowRequest, more: dict[str, Any]) -> None:
    assert helpers.to_calls("reserve_now", command) == [MINIMAL | more]


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (_command(evse_id=-1), "evse_id"),
        (_command(id_token=IdToken()), "id_token.id_token"),
        (_command(id_token=IdToken(id_token="T" * 37)), "id_token.id_token"),
        (_command(group_id_token=IdToken(id_token="G", type="Club")), "group_id_token.type"),
        (_command(connector_type="Schuko"), "connector_type"),
        (_command(connector_type="sType2", evse_id=1), "connector_type"),
        (_command(expire_time=Timestamp(seconds=2**60)), "expire_time"),
    ],
)
def test_a_command_that_201_cannot_express_is_refused_by_its_field(command: pb.ReserveNowRequest, field: str) -> None:
    with pytest.raises(UnacceptableError) as caught:
        helpers.to_calls("reserve_now", command)
    assert caught.value.field == field


def test_connector_types_are_those_of_the_schema() -> None:
    definitions = helpers.SCHEMAS.schema("ReserveNow", "request")["definitions"]
    assert set(definitions["ConnectorEnumType"]["enum"]) == reserve_now.CONNECTOR_TYPES


def test_answers() -> None:
    told = helpers.statuses_told("reserve_now", _command(), "ReserveNowStatusEnumType")
    names = {word: pb.ReserveNowStatus.Name(status) for word, status in told.items()}  # type: ignore[arg-type]
    assert names == {word: f"RESERVE_NOW_STATUS_{word.upper()}" for word in told}
    assert helpers.to_answer("reserve_now", _command(), {"status": "Accepted"}).reservation_id == 7
