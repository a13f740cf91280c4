"""Quirks 18 to 23: sessions whose events come out of order, twice, or under no name. The energy is right."""

import json
from typing import Any

import pytest
from csms.transaction.v1 import transaction_service_pb2

from tests.gateway.field.kit import REGISTER, Field, at, metered, start, stop
from tests.waiting import until


@pytest.mark.parametrize("named", [-1, 0, 987_654])
async def test_quirk_18_a_stop_matched_to_the_open_transaction(field: Field, named: int) -> None:
    """The station's only open transaction whose tag and meter agree is meant."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start()))["transactionId"]
        await station.call("StopTransaction", stop(named))
        transaction = await field.transaction(number)
        assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ENDED
        assert (transaction.energy_wh, list(transaction.flags)) == (2_000, [])
        await field.expect_quirks(unknown_transaction=1)


@pytest.mark.parametrize("fields", [{"idTag": "SOMEBODY"}, {"meterStop": 10}])
async def test_quirk_18_a_stop_that_agrees_with_nothing_is_kept(field: Field, fields: dict[str, Any]) -> None:
    """Acknowledged, and listed as what belongs to no transaction; the open one stays open."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start()))["transactionId"]
        assert "idTagInfo" in await station.call("StopTransaction", stop(-1, **fields))
        assert (await field.transaction(number)).state == transaction_service_pb2.TRANSACTION_STATE_ACTIVE
        assert [found.transaction_id for found in await field.transactions()] == [str(number)]
        [kept] = await field.unmatched()
        assert kept.reason == transaction_service_pb2.UNMATCHED_REASON_AWAITING_START
        assert kept.event.event.transaction_id == "-1"
        await field.expect_quirks(unknown_transaction=1)


async def test_quirk_19_the_same_call_before_our_answer(field: Field) -> None:
    """One call and one answer; the same id again afterwards is a call, safe by its content."""
    begin = start()
    async with field.station() as station:
        await station.boot()
        service = field.mesh.transaction_service
        service.hold()
        frame = json.dumps([2, "1", "StartTransaction", begin])
        await station.send(frame)
        await until(lambda: service.waiting)
        await station.send(frame)
        await station.send(json.dumps([2, "2", "Heartbeat", {}]))
        service.release()
        first = await station.receive()
        assert first[:2] == [3, "1"]
        assert (await station.receive())[:2] == [3, "2"]
        await station.send(frame)
        assert await station.receive() == first
        assert len(await field.transactions()) == 1
        await field.expect_quirks(repeated_call=1, repeated_event=1)


async def test_quirk_19_message_ids_that_start_over(field: Field) -> None:
    """An id used before, with another content, is another call: old answers are never sent again."""
    numbers = []
    for connector in (1, 2):
        async with field.station() as station:
            await station.boot()
            await station.send(json.dumps([2, "1", "StartTransaction", start(connectorId=connector)]))
            answer = await station.receive()
            assert answer[:2] == [3, "1"]
            numbers.append(answer[2]["transactionId"])
    assert len(set(numbers)) == 2
    assert len(await field.transactions()) == 2


async def test_quirk_19_an_id_in_use_for_another_call(field: Field) -> None:
    """Both are answered, in their order."""
    async with field.station() as station:
        await station.boot()
        service = field.mesh.transaction_service
        service.hold()
        await station.send(json.dumps([2, "1", "StartTransaction", start()]))
        await until(lambda: service.waiting)
        await station.send(json.dumps([2, "1", "Authorize", {"idTag": "TAG-1"}]))
        service.release()
        answers = [await station.receive(), await station.receive()]
        assert [sorted(answer[2]) for answer in answers] == [["idTagInfo", "transactionId"], ["idTagInfo"]]
        await field.expect_quirks(message_id_reused=1)


async def test_quirk_20_a_retry_under_a_new_id(field: Field) -> None:
    """Found by its content: start, values and stop are on record once."""
    begin, time = start(), at(30)
    async with field.station() as station:
        await station.boot()
        numbers = {(await station.call("StartTransaction", begin))["transactionId"] for _ in range(2)}
        [number] = numbers
        values, end = metered({"value": "1500"}, time=time, transactionId=number), stop(number)
        for _ in range(2):
            await station.call("MeterValues", values)
        for _ in range(2):
            await station.call("StopTransaction", end)
        assert (await field.transaction(number)).event_count == 3
        assert len(await field.transactions()) == 1
        await field.expect_quirks(repeated_event=3)


async def test_quirk_20_a_retry_in_2_0_1(field: Field) -> None:
    """By transaction, seqNo, kind and time."""
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        event = _event("Started", 0, at())
        for _ in range(2):
            await station.call("TransactionEvent", event)
        assert (await field.transaction("T1")).event_count == 1
        await field.expect_quirks(repeated_event=1)


@pytest.mark.parametrize("meter_stop", [-1, 500])
async def test_quirk_21_a_meter_stop_that_cannot_be(field: Field, meter_stop: int) -> None:
    """The energy comes from the samples that can be trusted; flagged."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start()))["transactionId"]
        for second, value in ((10, "1400"), (20, "1900")):
            sample = {"value": value, "measurand": REGISTER}
            await station.call("MeterValues", metered(sample, time=at(second), transactionId=number))
        await station.call("StopTransaction", stop(number, meterStop=meter_stop))
        transaction = await field.transaction(number)
        flags = ["meter_rollback"] if meter_stop < 0 else ["end_implausible", "meter_rollback"]
        assert (transaction.energy_wh, list(transaction.flags)) == (900, flags)
        await field.expect_quirks(meter_rollback=1)


async def test_quirk_21_a_counter_that_starts_over(field: Field) -> None:
    """The energy before and after is added up, and never negative."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start()))["transactionId"]
        for second, value in ((10, "1900"), (20, "0"), (30, "200")):
            sample = {"value": value, "measurand": REGISTER}
            await station.call("MeterValues", metered(sample, time=at(second), transactionId=number))
        await station.call("StopTransaction", stop(number, meterStop=300))
        transaction = await field.transaction(number)
        assert (transaction.energy_wh, list(transaction.flags)) == (1_200, ["meter_restart", "meter_rollback"])
        await field.expect_quirks(meter_rollback=1)


async def test_quirk_22_values_after_the_stop(field: Field) -> None:
    """Closing MeterValues are on record with the ended transaction, and change nothing of it."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start()))["transactionId"]
        await station.call("StopTransaction", stop(number))
        sample = {"value": "3001", "measurand": REGISTER, "context": "Transaction.End"}
        await station.call("MeterValues", metered(sample, time=at(61), transactionId=number))
        transaction = await field.transaction(number)
        assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ENDED
        assert transaction.event_count == 3
        assert transaction.energy_wh in {2_000, 2_001}
        stored = [event.event.meter_values[0].sampled_values[0].value for event in await field.events(number)]
        assert "3001" in stored
        await field.expect_quirks(values_after_end=1)


@pytest.mark.parametrize("numbers", [(0, 0, 0, 0), (0, 2, 5, 6)])
async def test_quirk_23_seq_nos_that_say_nothing(field: Field, numbers: tuple[int, ...]) -> None:
    """All events are kept, in the order of their times where the numbers say nothing."""
    kinds = ("Started", "Updated", "Updated", "Ended")
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        for step, (kind, number) in enumerate(zip(kinds, numbers, strict=True)):
            await station.call("TransactionEvent", _event(kind, number, at(step), register=1_000 + 100 * step))
        transaction = await field.transaction("T1")
        assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ENDED
        assert (transaction.event_count, transaction.energy_wh) == (4, 300)
        assert list(transaction.flags) == ["seq_gap"]
        told = [event.event.meter_values[0].sampled_values[0].value for event in await field.events("T1")]
        assert [float(value) for value in told] == [1000, 1100, 1200, 1300]
        await field.expect_quirks(seq_gap=1)


def _event(kind: str, seq_no: int, time: str, register: int = 1_000) -> dict[str, Any]:
    """A TransactionEvent of 2.0.1."""
    return {
        "eventType": kind,
        "timestamp": time,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "T1"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": time, "sampledValue": [{"value": register, "measurand": REGISTER}]}],
    }
