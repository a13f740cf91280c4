"""Quarantine from a raw socket to what an operator mends, and stations that are not accepted, on both databases."""

import json
from collections.abc import Sequence
from typing import Any

import grpc
import pytest
from csms.gateway.v1.gateway_service_pb2 import TranslateMessageRequest
from csms.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub
from csms.station.v1 import station_pb2, station_service_pb2
from csms.transaction.v1.transaction_service_pb2 import (
    QUARANTINE_STATE_OPEN,
    QUARANTINE_STATE_RECORDED,
    TRANSACTION_STATE_ACTIVE,
    TRANSACTION_STATE_ENDED,
    MendQuarantinedItemRequest,
    QuarantinedItem,
)

from mesh.runtime.errors import MeshError, from_rpc_error
from tests.gateway.field.kit import STATION, Field, at, metered, start, stop
from tests.gateway.raw_station import RawStation, basic
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.mesh_identities import open_callers_channel

PENDING, REJECTED = station_pb2.REGISTRATION_STATUS_PENDING, station_pb2.REGISTRATION_STATUS_REJECTED
ACCEPTED = station_pb2.REGISTRATION_STATUS_ACCEPTED


@pytest.fixture
def field(mesh_on_both: MeshRig) -> Field:
    """The operator's side."""
    return Field(mesh_on_both)


async def mend(field: Field, item: QuarantinedItem, payload: dict[str, Any]) -> QuarantinedItem:
    """Mends as an operator."""
    request = MendQuarantinedItemRequest(quarantine_id=item.quarantine_id, reason="read from the meter")
    request.payload.update(payload)
    mesh = field.mesh
    response = await mesh.transactions.MendQuarantinedItem(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    return response.item


async def refused_mend(field: Field, item: QuarantinedItem, payload: dict[str, Any]) -> MeshError:
    """Why a mend is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await mend(field, item, payload)
    return from_rpc_error(caught.value)


async def set_status(field: Field, status: station_pb2.RegistrationStatus.ValueType) -> None:
    """As an operator does."""
    station = station_pb2.Station(station_id=STATION, registration_status=status)
    request = station_service_pb2.UpdateStationRequest(station=station)
    await field.mesh.stations.UpdateStation(request, metadata=field.mesh.metadata, timeout=TIMEOUT_S)


async def ask(station: RawStation, action: str, payload: dict[str, Any]) -> Any:
    """The answer's payload, or the code of the CALLERROR."""
    await station.send(json.dumps([2, action, action, payload]))
    answer = await station.receive()
    return answer[2]


def reasons(items: Sequence[QuarantinedItem]) -> list[tuple[str, str]]:
    """Action and reason of raw messages, oldest first."""
    return [(item.raw_message.raw.action, item.reason) for item in reversed(items)]


async def test_an_unreadable_start_is_mended(field: Field) -> None:
    """1.6: it was answered number 0; mended, it is an open transaction, and the stop that names 0 ends it."""
    broken = start(meterStart="1000 Wh", timestamp=at(-600))
    async with field.station() as station:
        await station.boot()
        assert (await station.call("StartTransaction", broken))["transactionId"] == 0
        [item] = await field.quarantine()
        error = await refused_mend(field, item, broken)
        assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "SCHEMA_VIOLATION")
        assert error.metadata["ocpp_error_code"] == "TypeConstraintViolation"
        done = await mend(field, item, broken | {"meterStart": 1000})
        assert (done.state, done.raw_message, done.mends[0].username) == (
            QUARANTINE_STATE_RECORDED,
            item.raw_message,
            "admin",
        )
        begun = await field.transaction(done.transaction_id)
        assert (begun.state, begun.meter_start_wh) == (TRANSACTION_STATE_ACTIVE, 1000)
        [event] = await field.events(done.transaction_id)
        assert (event.epoch, event.receive_time) == (item.raw_message.epoch, item.raw_message.receive_time)
        await station.call("StopTransaction", stop(0))
    ended = await field.transaction(done.transaction_id)
    assert (ended.state, ended.energy_wh) == (TRANSACTION_STATE_ENDED, 2000)
    assert len(await field.transactions()) == 1


async def test_a_message_of_another_version_is_run_again_in_it(field: Field) -> None:
    """1.6 over 2.0.1: refused to the station, and recorded by the translator of its own version."""
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        assert await ask(station, "StartTransaction", start()) == "NotSupported"
    [item] = await field.quarantine()
    done = await mend(field, item, start(meterStart=1234))
    assert (await field.transaction(done.transaction_id)).meter_start_wh == 1234


async def test_an_event_of_2_0_1_is_mended(field: Field) -> None:
    """Its sequence number stood there as text."""
    event = {
        "eventType": "Started",
        "timestamp": at(),
        "triggerReason": "CablePluggedIn",
        "seqNo": "first",
        "transactionInfo": {"transactionId": "tx-1"},
        "meterValue": [{"timestamp": at(), "sampledValue": [{"value": 12.5}]}],
    }
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        assert await station.call("TransactionEvent", event) == {}
    [item] = await field.quarantine()
    done = await mend(field, item, event | {"seqNo": 0})
    assert (done.state, done.transaction_id) == (QUARANTINE_STATE_RECORDED, "tx-1")
    assert '"value":12.5' in done.mends[0].payload


@pytest.mark.parametrize("status", [PENDING, REJECTED])
async def test_an_open_session_goes_on_while_the_station_is_not_accepted(
    field: Field, status: station_pb2.RegistrationStatus.ValueType
) -> None:
    """It has to connect again, with a boot or without: its session is recorded, all else gets SecurityError."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start(timestamp=at(-600))))["transactionId"]
        await set_status(field, status)
        assert await station.close_code() == 1008
    async with field.station() as station:
        await station.call("MeterValues", metered({"value": "1200"}, time=at(-500), transactionId=number))
        assert (await station.boot())["status"] == {PENDING: "Pending", REJECTED: "Rejected"}[status]
        await station.call("MeterValues", metered({"value": "1500"}, time=at(-400), transactionId=number))
        assert await ask(station, "Heartbeat", {}) == "SecurityError"
    async with field.station() as station:
        assert await ask(station, "StartTransaction", start(connectorId=2, idTag="TAG-2")) == "SecurityError"
        assert await ask(station, "MeterValues", metered({"value": "7"})) == "SecurityError"
        assert await ask(station, "Authorize", {"idTag": "TAG-1"}) == "SecurityError"
        for _repeat in range(2):
            answer = await station.call("StopTransaction", stop(number, timestamp=at(-60)))
            assert answer == {"idTagInfo": {"status": "Accepted"}}
    found = await field.transaction(number)
    assert (found.state, found.energy_wh, found.event_count) == (TRANSACTION_STATE_ENDED, 2000, 4)
    assert len(await field.transactions()) == 1
    assert not await field.meter_values()
    assert reasons(await field.quarantine()) == [
        ("StartTransaction", "STATION_NOT_ACCEPTED"),
        ("MeterValues", "STATION_NOT_ACCEPTED"),
    ]


async def test_a_message_of_a_station_that_was_never_accepted_is_kept(field: Field) -> None:
    """In whatever form: SecurityError, in quarantine once, and recorded when an operator says so."""
    password = await field.mesh.create_station(STATION)
    await set_status(field, PENDING)
    async with field.station(headers=basic(STATION, password)) as station:
        unreadable = stop(0, meterStop="x")
        messages = [("StartTransaction", start()), ("StopTransaction", unreadable), ("StopTransaction", stop(7))]
        for action, payload in [*messages, messages[0]]:
            assert await ask(station, action, payload) == "SecurityError"
    items = await field.quarantine()
    assert {item.state for item in items} == {QUARANTINE_STATE_OPEN}
    assert sorted(reasons(items)) == sorted((action, "STATION_NOT_ACCEPTED") for action, _payload in messages)
    assert not await field.transactions()
    [first] = [item for item in items if item.raw_message.raw.action == "StartTransaction"]
    done = await mend(field, first, json.loads(first.raw_message.raw.payload))
    assert (await field.transaction(done.transaction_id)).state == TRANSACTION_STATE_ACTIVE


async def test_what_a_gateway_does_not_translate(field: Field) -> None:
    """Only messages about transactions, of versions that are served."""
    mesh = field.mesh
    channel = open_callers_channel(f"127.0.0.1:{mesh.gateway.mesh_port}", "gateway")
    stub = GatewayServiceStub(channel)
    for label, action, payload, reason in (
        ("1.6", "Authorize", '{"idTag":"T"}', "UNSUPPORTED_ACTION"),
        ("1.6", "TransactionEvent", "{}", "UNSUPPORTED_ACTION"),
        ("1.5", "StartTransaction", "{}", "UNSUPPORTED_ACTION"),
        ("1.6", "StartTransaction", "{", "SCHEMA_VIOLATION"),
        ("1.6", "StartTransaction", "[1]", "SCHEMA_VIOLATION"),
        ("2.0.1", "MeterValues", "[" * 5_000, "SCHEMA_VIOLATION"),
    ):
        request = TranslateMessageRequest(ocpp_version=label, action=action, payload=payload)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.TranslateMessage(request, timeout=TIMEOUT_S)
        assert from_rpc_error(caught.value).reason == reason
    await channel.close()
