"""Messages that belong to no transaction, and starts sent again, from the socket to what an operator reads."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from csms.transaction.v1.transaction_service_pb2 import (
    TRANSACTION_STATE_ACTIVE,
    TRANSACTION_STATE_ENDED,
    UNMATCHED_REASON_AWAITING_START,
    UNMATCHED_REASON_UNKNOWN_TRANSACTION_ID,
)

from gateway.service import start as start_gateway
from tests.gateway.field.kit import REGISTER, Field, at, metered, start, stop
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig, running_mesh
from tests.waiting import until


def reg(value: int, seconds: float, number: int, **fields: Any) -> dict[str, Any]:
    """MeterValues with the energy register."""
    sample = {"value": str(value), "measurand": REGISTER, "unit": "Wh"}
    return metered(sample, time=at(seconds), transactionId=number, **fields)


async def test_values_of_a_start_that_comes_late(mesh_on_both: MeshRig) -> None:
    """`MeterValues id 0 REG 2000 at -5s; Start 1000 at -3600s`: the start is ACTIVE, and the values are its own."""
    field = Field(mesh_on_both)
    async with field.station() as station:
        await station.boot()
        await station.call("MeterValues", reg(2_000, -5, 0))
        assert list(await field.transactions()) == []
        number = (await station.call("StartTransaction", start(timestamp=at(-3600))))["transactionId"]
        [found] = await field.transactions()
        assert (found.transaction_id, found.state) == (str(number), TRANSACTION_STATE_ACTIVE)
        assert (found.event_count, found.energy_wh, list(found.flags)) == (2, 1_000, [])
        assert list(await field.unmatched()) == []


@pytest.mark.parametrize("action", ["MeterValues", "StopTransaction"])
async def test_numbers_that_nobody_gave(mesh_on_both: MeshRig, action: str) -> None:
    """-1, 0, 2147483647 and 4242 on one connector make no transaction: not three ACTIVE, and no token is held."""
    field = Field(mesh_on_both)
    numbers = (-1, 0, 2147483647, 4242)
    async with field.station() as station:
        await station.boot()
        for step, number in enumerate(numbers):
            payload = (
                reg(1_000, step - 60, number) if action == "MeterValues" else stop(number, timestamp=at(step - 60))
            )
            await station.call(action, payload)
        assert list(await field.transactions()) == []
        kept = {each.event.event.transaction_id: each.reason for each in await field.unmatched()}
        assert kept == {
            "-1": UNMATCHED_REASON_AWAITING_START,
            "0": UNMATCHED_REASON_AWAITING_START,
            "2147483647": UNMATCHED_REASON_UNKNOWN_TRANSACTION_ID,
            "4242": UNMATCHED_REASON_UNKNOWN_TRANSACTION_ID,
        }
        # The drivers' tag is free.
        started = await station.call("StartTransaction", start(timestamp=at()))
        assert started["idTagInfo"]["status"] != "ConcurrentTx"


async def test_a_session_whose_start_went_into_quarantine(mesh_on_both: MeshRig) -> None:
    """It is answered 0, and the station charges under that: all is kept, and one transaction once there is a start."""
    field = Field(mesh_on_both)
    async with field.station() as station:
        await station.boot()
        broken = start(timestamp=at(-900)) | {"meterStart": "much"}
        assert (await station.call("StartTransaction", broken))["transactionId"] == 0
        await station.call("MeterValues", reg(1_400, -800, 0))
        await station.call("StopTransaction", stop(0, timestamp=at(-700), meterStop=1_500))
        assert list(await field.transactions()) == []
        assert len(await field.unmatched()) == 2
        # As when an operator mends it: the same start, readable now.
        number = (await station.call("StartTransaction", start(timestamp=at(-900))))["transactionId"]
        found = await field.transaction(number)
        assert (found.state, found.energy_wh, found.event_count) == (TRANSACTION_STATE_ENDED, 500, 3)
        assert list(await field.unmatched()) == []


async def test_a_fleet_that_moves_here_in_mid_session(database_url: str) -> None:
    """Events with numbers of the other back end stay apart, also when ours reach the same number."""
    async with running_mesh(database_url, CSMS_FIRST_TRANSACTION_ID="5000") as mesh:
        field = Field(mesh)
        async with field.station() as station:
            await station.boot()
            for number, connector in ((17, 1), (5000, 2)):
                await station.call("MeterValues", reg(90_000, -600, number, connectorId=connector))
            await station.call("StopTransaction", stop(17, timestamp=at(-500), meterStop=91_000))
            # The driver of the second connector goes on under the other back end's number; one begins beside him.
            number = (await station.call("StartTransaction", start(timestamp=at(-400), idTag="NEW")))["transactionId"]
            assert number == 5000
            await station.call("MeterValues", reg(90_500, -550, 5000, connectorId=2))
            [found] = await field.transactions()
            assert (found.state, found.event_count, found.energy_wh) == (TRANSACTION_STATE_ACTIVE, 1, 0)
            await station.call("MeterValues", reg(1_200, -300, number))
            await station.call("StopTransaction", stop(number, timestamp=at(-200), meterStop=1_300, idTag="NEW"))
            found = await field.transaction(number)
            assert (found.state, found.event_count, found.energy_wh) == (TRANSACTION_STATE_ENDED, 3, 300)
            kept = [(each.event.event.transaction_id, each.reason) for each in await field.unmatched()]
            assert sorted(number for number, _reason in kept) == ["17", "17", "5000", "5000"]
            assert {reason for _number, reason in kept} == {UNMATCHED_REASON_UNKNOWN_TRANSACTION_ID}


async def test_updates_without_a_start_in_2_0_1(mesh_on_both: MeshRig) -> None:
    """Not ACTIVE and in nobody's way; when the start comes, the transaction is whole."""
    field = Field(mesh_on_both)
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        await station.call("TransactionEvent", event("Started", 0, "first", 1_000, -900))
        await station.call("TransactionEvent", event("Updated", 1, "second", 2_500, -100))
        [found] = await field.transactions()
        assert (found.transaction_id, found.state) == ("first", TRANSACTION_STATE_ACTIVE)
        [kept] = await field.unmatched()
        assert (kept.event.event.transaction_id, kept.reason) == ("second", UNMATCHED_REASON_AWAITING_START)
        await station.call("TransactionEvent", event("Started", 0, "second", 2_000, -400))
        second = await field.transaction("second")
        assert (second.state, second.energy_wh, list(second.flags)) == (TRANSACTION_STATE_ACTIVE, 500, [])
        assert (await field.transaction("first")).state == TRANSACTION_STATE_ENDED
        assert list(await field.unmatched()) == []


async def test_each_generation_is_read_as_it_is_listed(mesh_on_both: MeshRig) -> None:
    """A 2.0.1 station that starts over with its names."""
    field = Field(mesh_on_both)
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        for use in (1, 2):
            begin = use * 1_000 - 5_000
            await station.call("TransactionEvent", event("Started", 0, "T1", use * 1_000, begin))
            await station.call("TransactionEvent", event("Ended", 1, "T1", use * 1_100, begin + 100))
    listed = await field.transactions()
    assert sorted(found.generation for found in listed) == [1, 2]
    for found in listed:
        assert await field.transaction("T1", generation=found.generation) == found
        assert found.energy_wh == 100 * found.generation
        assert len(await field.events("T1", generation=found.generation)) == 2


async def test_a_start_sent_three_times_with_new_times_through_two_gateways(mesh_on_both: MeshRig) -> None:
    """The answer is lost twice: the first two arrive at once, the third later. One transaction with one number."""
    mesh, field = mesh_on_both, Field(mesh_on_both)
    async with AsyncExitStack() as stack:
        other = await start_gateway(stack, replace(mesh.gateway_settings, ocpp_port=0))
        async with asyncio.timeout(TIMEOUT_S):
            await other.lease.acquired.wait()
        service = mesh.transaction_service
        async with field.station() as station:
            await station.boot()
            service.hold()
            await station.send(f'[2,"1","StartTransaction",{_json(start(timestamp=at(-60)))}]')
            await until(lambda: service.waiting == 1)
        async with RawStation(f"ws://127.0.0.1:{other.ocpp_port}/ocpp/CP1") as station:
            await station.boot()
            await station.send(f'[2,"1","StartTransaction",{_json(start(timestamp=at(-59)))}]')
            await until(lambda: service.waiting == 2)
            service.release()
            answer = await station.receive()
            assert answer[:2] == [3, "1"]
            number = answer[2]["transactionId"]
            again = await station.call("StartTransaction", start(timestamp=at(-58)))
            assert again["transactionId"] == number
            [found] = await field.transactions()
            assert (found.transaction_id, found.state) == (str(number), TRANSACTION_STATE_ACTIVE)
            await station.call("StopTransaction", stop(number, timestamp=at(), meterStop=1_500))
            [found] = await field.transactions()
            assert (found.state, found.energy_wh, list(found.flags)) == (TRANSACTION_STATE_ENDED, 500, [])
            # With a stop between, the same again is another one.
            after = await station.call("StartTransaction", start(timestamp=at(1)))
            assert after["transactionId"] != number


def _json(payload: dict[str, Any]) -> str:
    return str(payload).replace("'", '"')


def event(kind: str, seq_no: int, name: str, register: int, seconds: float) -> dict[str, Any]:
    """A TransactionEvent of 2.0.1."""
    return {
        "eventType": kind,
        "timestamp": at(seconds),
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": name},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": at(seconds), "sampledValue": [{"value": register, "measurand": REGISTER}]}],
    }
