"""A charging session over OCPP 1.6, from the socket to what an operator reads, on both databases."""

import asyncio

import grpc
import pytest
from csms.station.v1 import command_service_pb2, security_event_service_pb2, station_service_pb2
from csms.station.v1.security_event_service_pb2_grpc import SecurityEventServiceStub
from csms.transaction.v1 import transaction_event_pb2, transaction_service_pb2
from grpc_status import rpc_status

from mesh.runtime.errors import from_status
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually


async def _charge(station: RawStation, *, meter_start: int, meter_stop: int) -> int:
    """One session with five meter values; returns the transaction's number."""
    await station.boot()
    for status in ("Available", "Preparing"):
        await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": status})
    await station.call("Authorize", {"idTag": "TAG-1"})
    started = await station.call(
        "StartTransaction",
        {"connectorId": 1, "idTag": "TAG-1", "meterStart": meter_start, "timestamp": "2026-11-21T10:00:00Z"},
    )
    number: int = started["transactionId"]
    for step in range(1, 6):
        wh = meter_start + (meter_stop - meter_start) * step / 6
        sample = {"value": f"{wh:.3f}", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        entry = {"timestamp": f"2026-11-21T10:0{step}:00Z", "sampledValue": [sample]}
        await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [entry]})
    await station.call(
        "StopTransaction",
        {
            "transactionId": number,
            "meterStop": meter_stop,
            "timestamp": "2026-11-21T10:06:00Z",
            "idTag": "TAG-1",
            "reason": "Local",
        },
    )
    return number


async def test_a_session_is_told_exactly(mesh_on_both: MeshRig) -> None:
    """The operator reads what the station sent: energy, times, reason, and every frame."""
    mesh = mesh_on_both
    async with RawStation(mesh.station_url("CP1")) as station:
        number = await _charge(station, meter_start=1_000, meter_stop=8_501)
    request = transaction_service_pb2.GetTransactionRequest(station_id="CP1", transaction_id=str(number))
    response = await mesh.transactions.GetTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    transaction = response.transaction
    assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ENDED
    assert transaction.energy_wh == 7_501
    assert (transaction.meter_start_wh, transaction.meter_stop_wh) == (1_000, 8_501)
    assert transaction.stopped_reason == transaction_event_pb2.STOPPED_REASON_LOCAL
    assert transaction.start_time.ToJsonString() == "2026-11-21T10:00:00Z"
    assert transaction.end_time.ToJsonString() == "2026-11-21T10:06:00Z"
    assert transaction.event_count == 7
    await eventually(lambda: _has_every_frame(mesh))


async def test_the_samples_of_a_whole_day_come_with_the_stop(mesh_on_both: MeshRig) -> None:
    """A sample a minute, seven measurands each: nearly a megabyte in one frame, stored exactly."""
    mesh = mesh_on_both
    measurands = ("Energy.Active.Import.Register", "Power.Active.Import", "SoC", *["Voltage", "Current.Import"] * 2)
    data = [
        {
            "timestamp": f"2026-11-21T{minute // 60:02}:{minute % 60:02}:00Z",
            "sampledValue": [
                {"value": f"{1_000 + minute}.0", "measurand": name, "context": "Sample.Periodic"} for name in measurands
            ],
        }
        for minute in range(1_440)
    ]
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        start = {"connectorId": 1, "idTag": "TAG-1", "meterStart": 1_000, "timestamp": "2026-11-21T00:00:00Z"}
        number = (await station.call("StartTransaction", start))["transactionId"]
        stop = {"transactionId": number, "meterStop": 2_440, "timestamp": "2026-11-22T00:00:00Z"}
        assert len(str(data)) > 900_000
        await station.call("StopTransaction", stop | {"transactionData": data})
    request = transaction_service_pb2.GetTransactionRequest(station_id="CP1", transaction_id=str(number))
    response = await mesh.transactions.GetTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    assert response.transaction.state == transaction_service_pb2.TRANSACTION_STATE_ENDED
    assert response.transaction.energy_wh == 1_440


async def _has_every_frame(mesh: MeshRig) -> bool:
    request = station_service_pb2.ListMessagesRequest(station_id="CP1", page_size=100)
    response = await mesh.stations.ListMessages(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    ordinals = sorted(message.ordinal for message in response.messages)
    return ordinals == list(range(1, 23))  # eleven calls and their answers


async def test_a_remote_start_reaches_the_socket_and_its_answer_comes_back(mesh_on_both: MeshRig) -> None:
    """An operator's command in 2.x words becomes a 1.6 CALL."""
    mesh = mesh_on_both
    request = command_service_pb2.RequestStartTransactionRequest(station_id="CP1", evse_id=2)
    request.id_token.id_token = "TAG-1"
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        command = asyncio.ensure_future(
            mesh.commands.RequestStartTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        )
        assert await station.answer({"status": "Rejected"}) == [
            "RemoteStartTransaction",
            {"connectorId": 2, "idTag": "TAG-1"},
        ]
        assert (await command).status == command_service_pb2.REQUEST_START_STOP_STATUS_REJECTED
    await eventually(lambda: mesh.is_disconnected("CP1"))
    with pytest.raises(grpc.aio.AioRpcError) as offline:
        await mesh.commands.RequestStartTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    assert _reason(offline.value) == "STATION_OFFLINE"
    request.station_id = "NOBODY"
    with pytest.raises(grpc.aio.AioRpcError) as unknown:
        await mesh.commands.RequestStartTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    assert _reason(unknown.value) == "STATION_NOT_FOUND"


async def test_a_security_event_is_read_by_the_operator(mesh_on_both: MeshRig) -> None:
    """From the socket, in 1.6's word, to the operator's list, in the word of 2.x."""
    mesh = mesh_on_both
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        payload = {
            "type": "InvalidCentralSystemCertificate",
            "timestamp": "2026-11-21T10:00:00Z",
            "techInfo": "expired",
        }
        assert await station.call("SecurityEventNotification", payload) == {}
    stub = SecurityEventServiceStub(mesh.station_channel)
    request = security_event_service_pb2.ListSecurityEventsRequest(station_id="CP1")
    response = await stub.ListSecurityEvents(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    [event] = response.security_events
    assert (event.type, event.tech_info) == ("InvalidCsmsCertificate", "expired")
    assert event.event_time.ToJsonString() == "2026-11-21T10:00:00Z"


async def test_any_call_is_checked_before_it_leaves(mesh: MeshRig) -> None:
    """SendCall: whole numbers are integers again, and what the schema forbids is not sent."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        command = asyncio.ensure_future(
            mesh.send_call(
                "CP1",
                "ReserveNow",
                {
                    "connectorId": 1,
                    "expiryDate": "2026-11-21T12:00:00Z",
                    "idTag": "T",
                    "reservationId": 7,
                },
            )
        )
        sent = await station.answer({"status": "Accepted"})
        assert sent[1]["reservationId"] == 7
        assert isinstance(sent[1]["reservationId"], int)
        assert await command == {"status": "Accepted"}
        for action, payload, reason in (
            ("ReserveNow", {"connectorId": 1}, "INVALID_PAYLOAD"),
            ("GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}, "NOT_IN_VERSION"),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await mesh.send_call("CP1", action, payload)
            assert _reason(refusal.value) == reason
        assert "currentTime" in await station.call("Heartbeat", {})


async def test_an_answer_that_cannot_be_passed_on_is_said_to_be_one(mesh: MeshRig) -> None:
    """SendCall hands the answer back as it is; what no number of ours can hold is INVALID_ANSWER."""
    status = "1" + "0" * 400
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        command = asyncio.ensure_future(mesh.send_call("CP1", "ClearCache", {}))
        call = await station.receive()
        await station.send(f'[3,"{call[1]}",{{"status":{status}}}]')
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await command
        assert _reason(refusal.value) == "INVALID_ANSWER"
        assert "currentTime" in await station.call("Heartbeat", {})


def _reason(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)
    assert status is not None
    return from_status(status).reason
