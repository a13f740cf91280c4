"""Transactions that their stations do not end: from the socket to what operators read and do, on both databases."""

import asyncio
import json
from typing import Any

import grpc
import pytest
from csms.auth.v1 import id_token_service_pb2
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub
from csms.station.v1 import command_service_pb2, station_service_pb2
from csms.station.v1.station_pb2 import Variable
from csms.transaction.v1 import transaction_event_pb2
from csms.transaction.v1 import transaction_service_pb2 as pb

from mesh.runtime.errors import from_rpc_error
from mesh.runtime.times import SECOND_US
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually
from transaction_svc.settings import HANGING_GRACE_US

ACTIVE, ENDED = pb.TRANSACTION_STATE_ACTIVE, pb.TRANSACTION_STATE_ENDED


async def _allow(mesh: MeshRig, *id_tags: str) -> None:
    """Lets each charge at one connector at a time."""
    stub = IdTokenServiceStub(mesh.auth_channel)
    for id_tag in id_tags:
        token = id_token_service_pb2.IdToken(id_token=id_tag, type="Central", max_concurrent_transactions=1)
        request = id_token_service_pb2.CreateIdTokenRequest(id_token=token)
        await stub.CreateIdToken(request, metadata=mesh.metadata, timeout=TIMEOUT_S)


async def _start(station: RawStation, connector: int = 1, *, id_tag: str = "TAG-1", minute: int = 0) -> Any:
    time = f"2026-11-21T10:{minute:02}:00Z"
    payload = {"connectorId": connector, "idTag": id_tag, "meterStart": 1_000, "timestamp": time}
    return await station.call("StartTransaction", payload)


async def _values(station: RawStation, number: int, wh: int, minute: int) -> None:
    sample = {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
    entry = {"timestamp": f"2026-11-21T10:{minute:02}:00Z", "sampledValue": [sample]}
    await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [entry]})


async def _stop(station: RawStation, number: int, wh: int, minute: int) -> None:
    time = f"2026-11-21T10:{minute:02}:00Z"
    await station.call("StopTransaction", {"transactionId": number, "meterStop": wh, "timestamp": time})


async def _charge(station: RawStation) -> int:
    """A session that goes on, with 500 Wh."""
    await station.boot()
    number: int = (await _start(station))["transactionId"]
    await _values(station, number, 1_500, 5)
    return number


async def _available(station: RawStation, minute: int | None = None, *, connector: int = 1) -> None:
    payload: dict[str, Any] = {"connectorId": connector, "errorCode": "NoError", "status": "Available"}
    if minute is not None:
        payload["timestamp"] = f"2026-11-21T10:{minute:02}:00Z"
    assert await station.call("StatusNotification", payload) == {}


async def _read(mesh: MeshRig, transaction_id: int | str) -> pb.Transaction:
    request = pb.GetTransactionRequest(station_id="CP1", transaction_id=str(transaction_id))
    response = await mesh.transactions.GetTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    transaction: pb.Transaction = response.transaction
    return transaction


async def _is_hanging(mesh: MeshRig, transaction_id: int | str) -> bool:
    return (await _read(mesh, transaction_id)).hanging


async def _has_ended(mesh: MeshRig, transaction_id: int | str) -> bool:
    return (await _read(mesh, transaction_id)).state == ENDED


async def _pass_grace(mesh: MeshRig, grace_s: int = HANGING_GRACE_US // SECOND_US + 60) -> None:
    """Lets the grace period pass at transaction_svc, which looks at once what is due."""
    mesh.transaction_service.ahead_us += grace_s * SECOND_US
    await mesh.transaction_service.stop()
    await mesh.transaction_service.start()


async def test_a_charger_that_rebooted(mesh_on_both: MeshRig) -> None:
    """Its session hangs at once, and its tag is free; after the grace period it ends; the late stop corrects it."""
    mesh = mesh_on_both
    await _allow(mesh, "TAG-1")
    async with RawStation(mesh.station_url("CP1")) as station:
        number = await _charge(station)
        assert (await _start(station, 2))["idTagInfo"]["status"] == "ConcurrentTx"
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        await eventually(lambda: _is_hanging(mesh, number))
        assert (await _start(station, 3))["idTagInfo"]["status"] == "Accepted"
        assert (await _read(mesh, number)).state == ACTIVE
        await _pass_grace(mesh)
        await eventually(lambda: _has_ended(mesh, number))
        found = await _read(mesh, number)
        assert (found.energy_wh, found.end_origin) == (500, pb.TRANSACTION_END_ORIGIN_ABANDONED)
        assert found.end_time.ToJsonString() == "2026-11-21T10:05:00Z"
        await _stop(station, number, 1_600, 6)
        found = await _read(mesh, number)
        assert (found.energy_wh, found.end_origin) == (600, pb.TRANSACTION_END_ORIGIN_STATION)
        assert list(found.flags) == ["late_stop"]


async def _read_attempts(mesh: MeshRig, station: RawStation, attempts: int, interval_s: int) -> None:
    """An operator reads how often the station repeats messages about transactions."""
    values = {"TransactionMessageAttempts": attempts, "TransactionMessageRetryInterval": interval_s}
    request = command_service_pb2.GetVariablesRequest(
        station_id="CP1", variables=[Variable(component="ChargingStation", variable=name) for name in values]
    )
    items = [{"key": name, "readonly": False, "value": str(value)} for name, value in values.items()]
    answer, call = await asyncio.gather(
        mesh.commands.GetVariables(request, metadata=mesh.metadata, timeout=TIMEOUT_S),
        station.answer({"configurationKey": items}),
    )
    assert call == ["GetConfiguration", {"key": list(values)}]
    assert [result.variable.value for result in answer.results] == [str(value) for value in values.values()]


async def test_a_station_whose_attempts_are_known(mesh_on_both: MeshRig) -> None:
    """Its session is ended once no message can come any more, which is sooner than by the setting."""
    mesh = mesh_on_both
    async with RawStation(mesh.station_url("CP1")) as station:
        number = await _charge(station)
        await _read_attempts(mesh, station, 5, 600)
        await station.boot()
        await eventually(lambda: _is_hanging(mesh, number))
        await _pass_grace(mesh, 5 * 60 + 600 * (1 + 2 + 3 + 4) - 120)
        second = (await _start(station, 2, id_tag="OTHER", minute=10))["transactionId"]
        await _available(station, 12, connector=2)
        await eventually(lambda: _is_hanging(mesh, second))
        assert (await _read(mesh, number)).state == ACTIVE
        await _pass_grace(mesh, 180)
        await eventually(lambda: _has_ended(mesh, number))
        found = await _read(mesh, number)
        assert (found.energy_wh, found.end_origin) == (500, pb.TRANSACTION_END_ORIGIN_ABANDONED)
        assert (await _read(mesh, second)).hanging
        await _pass_grace(mesh, 5 * 60 + 600 * (1 + 2 + 3 + 4))
        await eventually(lambda: _has_ended(mesh, second))
        await _values(station, number, 1_700, 20)
        found = await _read(mesh, number)
        assert (found.state, found.energy_wh, list(found.flags)) == (ACTIVE, 700, [])


async def test_a_connector_that_is_available_again(mesh_on_both: MeshRig) -> None:
    """The station has lost its session; what it kept of it does not show that it goes on, what it measures now does."""
    mesh = mesh_on_both
    async with RawStation(mesh.station_url("CP1")) as station:
        number = await _charge(station)
        await _available(station, 8, connector=2)
        await _available(station, 10)
        await eventually(lambda: _is_hanging(mesh, number))
        await _values(station, number, 1_700, 7)
        assert (await _read(mesh, number)).hanging
        await _values(station, number, 1_800, 11)
        found = await _read(mesh, number)
        assert (found.state, found.hanging, found.energy_wh) == (ACTIVE, False, 800)
        await _stop(station, number, 1_900, 12)
        found = await _read(mesh, number)
        assert (found.energy_wh, list(found.flags)) == (900, [])


async def test_a_session_of_2_0_1(mesh_on_both: MeshRig) -> None:
    """StatusNotification and BootNotification of 2.0.1 mark in the same way; an event after them removes the mark."""
    mesh = mesh_on_both

    def event(kind: str, seq_no: int, minute: int, wh: float) -> dict[str, Any]:
        time = f"2026-11-21T10:{minute:02}:00Z"
        return {
            "eventType": kind,
            "timestamp": time,
            "triggerReason": "MeterValuePeriodic",
            "seqNo": seq_no,
            "transactionInfo": {"transactionId": "tx-1"},
            "evse": {"id": 1, "connectorId": 1},
            "meterValue": [{"timestamp": time, "sampledValue": [{"value": wh}]}],
        }

    free = {"connectorStatus": "Available", "evseId": 1, "connectorId": 1, "timestamp": "2026-11-21T10:05:00Z"}
    async with RawStation(mesh.station_url("CP1"), subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        await station.call("TransactionEvent", event("Started", 0, 0, 100))
        await station.call("StatusNotification", free)
        await eventually(lambda: _is_hanging(mesh, "tx-1"))
        await station.call("TransactionEvent", event("Updated", 1, 6, 200))
        assert not (await _read(mesh, "tx-1")).hanging
        await station.boot()
        await eventually(lambda: _is_hanging(mesh, "tx-1"))
        await _pass_grace(mesh)
        await eventually(lambda: _has_ended(mesh, "tx-1"))
        await station.call("TransactionEvent", event("Ended", 2, 9, 250))
        found = await _read(mesh, "tx-1")
        assert (found.energy_wh, found.end_origin) == (150, pb.TRANSACTION_END_ORIGIN_STATION)


async def test_no_station_waits_for_transaction_svc(mesh: MeshRig) -> None:
    """Boots and statuses are answered while it is unavailable; it is notified of them afterwards."""
    async with RawStation(mesh.station_url("CP1")) as station:
        number = await _charge(station)
        await mesh.transaction_service.stop()
        assert (await station.boot())["status"] == "Accepted"
        await _available(station)
        assert await mesh.is_connected("CP1")
        await mesh.transaction_service.start()
        await eventually(lambda: _is_hanging(mesh, number))


async def test_an_operator_ends_a_session(mesh_on_both: MeshRig) -> None:
    """By who and why; it holds no tag any more; the station's late stop still counts."""
    mesh = mesh_on_both
    await _allow(mesh, "TAG-1")

    async def end(transaction_id: int, reason: str = "the charger was taken down") -> pb.Transaction:
        request = pb.EndTransactionRequest(station_id="CP1", transaction_id=str(transaction_id), reason=reason)
        response = await mesh.transactions.EndTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        transaction: pb.Transaction = response.transaction
        return transaction

    async with RawStation(mesh.station_url("CP1")) as station:
        number = await _charge(station)
        ended = await end(number)
        assert (ended.state, ended.energy_wh, ended.believed_meter_stop_wh) == (ENDED, 500, 1500)
        assert ended.end_origin == pb.TRANSACTION_END_ORIGIN_OPERATOR
        assert ended.stopped_reason == transaction_event_pb2.STOPPED_REASON_OPERATOR
        assert (ended.operator_end.username, ended.operator_end.reason) == ("admin", "the charger was taken down")
        assert await end(number) == ended
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await end(number, "another reason")
        error = from_rpc_error(refused.value)
        assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "TRANSACTION_ENDED")
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await end(number + 77)
        assert from_rpc_error(unknown.value).reason == "TRANSACTION_NOT_FOUND"
        assert (await _start(station, 2, minute=6))["idTagInfo"]["status"] == "Accepted"
        await _stop(station, number, 1_550, 7)
        found = await _read(mesh, number)
        assert (found.energy_wh, found.end_origin) == (550, pb.TRANSACTION_END_ORIGIN_STATION)
        assert found.operator_end == ended.operator_end


async def test_a_deleted_station_s_sessions_end(mesh_on_both: MeshRig) -> None:
    """Though nobody asks for it; those of a station that is added anew go on."""
    mesh = mesh_on_both
    await _allow(mesh, "TAG-1")
    async with RawStation(mesh.station_url("CP1")) as station:
        number = await _charge(station)
        request = station_service_pb2.DeleteStationRequest(station_id="CP1")
        await mesh.stations.DeleteStation(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    await eventually(lambda: _has_ended(mesh, number))
    found = await _read(mesh, number)
    assert (found.energy_wh, found.end_origin) == (500, pb.TRANSACTION_END_ORIGIN_STATION_DELETED)
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        again = await _start(station, minute=30)
        assert again["idTagInfo"]["status"] == "Accepted"
        assert not (await _read(mesh, again["transactionId"])).hanging


async def test_lists_are_filtered_by_what_hangs(mesh_on_both: MeshRig) -> None:
    """And by flag, energy and end."""
    mesh = mesh_on_both

    async def listed(text: str) -> set[str]:
        request = pb.ListTransactionsRequest(filter=text)
        response = await mesh.transactions.ListTransactions(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        return {found.transaction_id for found in response.transactions}

    async with RawStation(mesh.station_url("CP1")) as station:
        first = await _charge(station)
        second = (await _start(station, minute=10))["transactionId"]
        third = (await _start(station, 2, id_tag="OTHER", minute=10))["transactionId"]
        await _stop(station, third, 3_000, 20)
        await _available(station)
        await eventually(lambda: _is_hanging(mesh, second))
    one, two, three = str(first), str(second), str(third)
    expected = {
        "hanging = true": {two},
        "hanging = false": {one, three},
        'flags:"superseded"': {one},
        "NOT flags:superseded": {two, three},
        "energy_wh > 500": {three},
        "energy_wh >= 500 AND energy_wh < 1999.5": {one},
        'end_time > "2026-11-21T10:15:00Z"': {three},
    }
    assert {text: await listed(text) for text in expected} == expected
    assert json.dumps(sorted(await listed("state = ENDED"))) == json.dumps(sorted([one, three]))
