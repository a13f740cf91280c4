"""A charging session over OCPP 2.0.1, from the socket to what an operator reads, on both databases."""

import asyncio
from typing import Any

import grpc
import pytest
from csms.station.v1 import command_service_pb2, station_pb2, station_service_pb2
from csms.transaction.v1 import transaction_event_pb2, transaction_service_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.runtime.errors import from_rpc_error
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually

TOKEN = {"idToken": "TAG-1", "type": "ISO14443"}


def _station(mesh: MeshRig, station_id: str = "CP1") -> RawStation:
    return RawStation(mesh.station_url(station_id), subprotocols=["ocpp2.0.1"])


def _event(
    seq_no: int, kind: str, minute: int, value: float | None = None, info: Any = None, **fields: Any
) -> dict[str, Any]:
    """An event of transaction tx-1, with the energy register in kWh where one is given."""
    time = f"2026-11-21T10:{minute:02d}:00Z"
    context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": time,
        "triggerReason": "MeterValuePeriodic" if kind == "Updated" else "Authorized",
        "seqNo": seq_no,
        "transactionInfo": {"transactionId": "tx-1"} | (info or {}),
        "evse": {"id": 1, "connectorId": 1},
    }
    if value is not None:
        energy = {"value": value, "context": context, "unitOfMeasure": {"unit": "kWh"}}
        power = {"value": 7200.5, "measurand": "Power.Active.Import", "context": context}
        payload["meterValue"] = [{"timestamp": time, "sampledValue": [energy, power]}]
    return payload | fields


def _session() -> list[dict[str, Any]]:
    """A session of 7501.25 Wh."""
    return [
        _event(0, "Started", 0, 1.0, idToken=TOKEN),
        _event(1, "Updated", 1, 2.5, {"chargingState": "Charging"}),
        _event(2, "Updated", 2, 4.75),
        _event(3, "Updated", 3, 7.125),
        _event(4, "Ended", 4, 8.50125, {"stoppedReason": "EVDisconnected"}, idToken=TOKEN),
    ]


async def _read(mesh: MeshRig, station_id: str = "CP1") -> transaction_service_pb2.Transaction:
    request = transaction_service_pb2.GetTransactionRequest(station_id=station_id, transaction_id="tx-1")
    response = await mesh.transactions.GetTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    transaction: transaction_service_pb2.Transaction = response.transaction
    return transaction


def _check_session(transaction: transaction_service_pb2.Transaction, *flags: str) -> None:
    assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ENDED
    assert transaction.energy_wh == 7501.25
    assert (transaction.meter_start_wh, transaction.meter_stop_wh) == (1000, 8501.25)
    assert transaction.stopped_reason == transaction_event_pb2.STOPPED_REASON_EV_DISCONNECTED
    assert transaction.start_time.ToJsonString() == "2026-11-21T10:00:00Z"
    assert transaction.end_time.ToJsonString() == "2026-11-21T10:04:00Z"
    assert (transaction.evse.evse_id, transaction.evse.connector_id) == (1, 1)
    assert (transaction.id_token.id_token, transaction.id_token.type) == ("TAG-1", "ISO14443")
    assert transaction.event_count == 5
    assert list(transaction.flags) == list(flags)


async def test_a_session_is_told_exactly(mesh_on_both: MeshRig) -> None:
    """The operator reads what the station sent: energy, times, reason, token, and every frame."""
    mesh = mesh_on_both
    async with _station(mesh) as station:
        assert station.socket.subprotocol == "ocpp2.0.1"
        assert (await station.boot())["status"] == "Accepted"
        status = {"timestamp": "2026-11-21T10:00:00Z", "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}
        assert await station.call("StatusNotification", status) == {}
        assert "status" in (await station.call("Authorize", {"idToken": TOKEN}))["idTokenInfo"]
        answers = [await station.call("TransactionEvent", event) for event in _session()]
        assert ["idTokenInfo" in answer for answer in answers] == [True, False, False, False, True]
    _check_session(await _read(mesh))
    await eventually(lambda: _has_every_frame(mesh))


async def _has_every_frame(mesh: MeshRig) -> bool:
    request = station_service_pb2.ListMessagesRequest(station_id="CP1", page_size=100)
    response = await mesh.stations.ListMessages(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    return sorted(message.ordinal for message in response.messages) == list(range(1, 17))  # eight calls, their answers


@pytest.mark.parametrize(
    "order",
    [
        pytest.param([0, 0, 1, 2, 1, 3, 4, 4, 0], id="repeated"),
        pytest.param([4, 2, 0, 3, 1], id="shuffled"),
        pytest.param([3, 4, 4, 0, 2, 1, 3], id="both"),
    ],
)
async def test_any_order_and_any_repeats_come_to_the_same(mesh_on_both: MeshRig, order: list[int]) -> None:
    """4.1 and 4.2: an event counts once and in its place, whenever it comes."""
    events = _session()
    async with _station(mesh_on_both) as station:
        await station.boot()
        for index in order:
            await station.call("TransactionEvent", events[index])
    _check_session(await _read(mesh_on_both))


async def test_an_offline_batch_is_taken_up(mesh_on_both: MeshRig) -> None:
    """Offline events come later and are marked so; some of them had arrived before."""
    mesh, events = mesh_on_both, _session()
    async with _station(mesh) as station:
        await station.boot()
        for event in events[:2]:
            await station.call("TransactionEvent", event)
    assert (await _read(mesh)).state == transaction_service_pb2.TRANSACTION_STATE_ACTIVE
    async with _station(mesh) as station:  # quirk 8: without another boot
        for event in events[1:]:  # the answer to one was lost
            await station.call("TransactionEvent", event | {"offline": True})
    _check_session(await _read(mesh))


async def test_a_remote_start_reaches_the_socket_and_names_its_transaction(mesh_on_both: MeshRig) -> None:
    """An operator's command in 2.0.1's words, and the station's answer whole."""
    mesh = mesh_on_both
    request = command_service_pb2.RequestStartTransactionRequest(station_id="CP1", evse_id=2)
    request.id_token.id_token = "TAG-1"
    request.id_token.type = "ISO14443"
    async with _station(mesh) as station:
        await station.boot()
        command = asyncio.ensure_future(
            mesh.commands.RequestStartTransaction(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        )
        action, payload = await station.answer(
            {"status": "Accepted", "transactionId": "tx-1", "statusInfo": {"reasonCode": "TxInProgress"}}
        )
        remote_start_id = payload.pop("remoteStartId")
        assert (action, payload) == ("RequestStartTransaction", {"evseId": 2, "idToken": TOKEN})
        assert 0 < remote_start_id < 2**31
        answer = await command
        assert answer.status == command_service_pb2.REQUEST_START_STOP_STATUS_ACCEPTED
        assert (answer.transaction_id, answer.status_info.reason_code) == ("tx-1", "TxInProgress")
        assert answer.remote_start_id == remote_start_id
        started = _event(0, "Started", 0, 1.0, {"remoteStartId": remote_start_id}, triggerReason="RemoteStart")
        await station.call("TransactionEvent", started | {"idToken": TOKEN})
    found = await _read(mesh)
    assert (found.state, found.remote_start_id) == (transaction_service_pb2.TRANSACTION_STATE_ACTIVE, remote_start_id)


async def test_variables_are_set_read_and_remembered(mesh: MeshRig) -> None:
    """SetVariables and GetVariables in one CALL each."""
    async with _station(mesh) as station:
        await station.boot()
        name = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        request = command_service_pb2.SetVariablesRequest(station_id="CP1")
        request.variables.add(component="OCPPCommCtrlr", variable="HeartbeatInterval", value="60")
        setting = asyncio.ensure_future(mesh.commands.SetVariables(request, metadata=mesh.metadata, timeout=TIMEOUT_S))
        sent = await station.answer({"setVariableResult": [name | {"attributeStatus": "Accepted"}]})
        assert sent == ["SetVariables", {"setVariableData": [name | {"attributeValue": "60"}]}]
        [result] = (await setting).results
        assert (result.status, result.variable.value) == (command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED, "60")
    listing = station_service_pb2.ListVariablesRequest(station_id="CP1")
    response = await mesh.stations.ListVariables(listing, metadata=mesh.metadata, timeout=TIMEOUT_S)
    assert [(found.variable, found.value) for found in response.variables] == [("HeartbeatInterval", "60")]


async def test_a_station_probes_with_16_and_comes_back_with_201(mesh_on_both: MeshRig) -> None:
    """Quirk 3: the newest connection wins, in whichever version, and is asked for its device model."""
    mesh = mesh_on_both
    async with RawStation(mesh.station_url("CP1")) as probe:
        await probe.boot()
        async with _station(mesh) as station:
            assert 1000 <= await probe.close_code() < 5000
            assert (await station.boot())["status"] == "Accepted"
            assert (await station.answer({"status": "Accepted"}))[0] == "GetBaseReport"
            for event in _session():
                await station.call("TransactionEvent", event)
            assert await mesh.is_connected("CP1")
            assert await _version(mesh) == "2.0.1"
    _check_session(await _read(mesh))


async def _version(mesh: MeshRig) -> str:
    request = station_service_pb2.GetStationRequest(station_id="CP1")
    response = await mesh.stations.GetStation(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
    version: str = response.station.connection.ocpp_version
    return version


async def test_payloads_of_16_get_a_clear_error_and_the_connection_goes_on(mesh: MeshRig) -> None:
    """Quirk 3: what does not fit says why, and disturbs nothing."""
    async with _station(mesh) as station:
        for index, (action, payload, code) in enumerate(
            (
                (
                    "BootNotification",
                    '{"chargePointModel":"M","chargePointVendor":"V"}',
                    "OccurrenceConstraintViolation",
                ),
                ("Authorize", '{"idTag":"T"}', "SecurityError"),
                ("StartTransaction", '{"connectorId":1}', "SecurityError"),
            )
        ):
            await station.send(f'[2,"x{index}","{action}",{payload}]')
            answer = await station.receive()
            assert answer[:3] == [4, f"x{index}", code]
            assert answer[3]
        await station.boot()
        await station.call("TransactionEvent", _session()[0])
        await station.send('[2,"late","Authorize",{"idTag":"T"}]')
        assert (await station.receive())[:3] == [4, "late", "OccurrenceConstraintViolation"]
        assert "currentTime" in await station.call("Heartbeat", {})


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [
        (["ocpp1.6", "ocpp2.0.1"], "ocpp1.6"),
        (["ocpp2.0.1", "ocpp1.6"], "ocpp2.0.1"),
        (["ocpp2.1", "OCPP2.0.1", "ocpp1.6"], "OCPP2.0.1"),
    ],
)
async def test_the_station_s_order_decides_over_versions(mesh: MeshRig, offered: list[str], spoken: str) -> None:
    """The first of those that are spoken here, answered in the letters that it was offered in."""
    async with RawStation(mesh.station_url("CP1"), subprotocols=offered) as station:
        assert station.socket.subprotocol == spoken
        assert (await station.boot())["status"] == "Accepted"


async def test_a_station_can_be_pinned_to_a_version(mesh: MeshRig) -> None:
    """The first version that it offers does not matter; without the pinned one the socket is closed."""
    await mesh.create_station("CP1")
    changed = station_pb2.Station(station_id="CP1", pinned_ocpp_version="1.6", security_profile=0)
    mask = FieldMask(paths=["pinned_ocpp_version", "security_profile"])
    request = station_service_pb2.UpdateStationRequest(station=changed, update_mask=mask)
    response = await mesh.stations.UpdateStation(request, metadata=mesh.metadata, timeout=60)
    assert response.station.pinned_ocpp_version == "1.6"
    async with RawStation(mesh.station_url("CP1"), subprotocols=["ocpp2.0.1", "ocpp1.6"]) as station:
        assert station.socket.subprotocol == "ocpp1.6"
        assert (await station.boot())["status"] == "Accepted"
    async with RawStation(mesh.station_url("CP1"), subprotocols=["ocpp2.0.1"]) as station:
        assert station.socket.subprotocol is None
        assert await station.close_code() == 1002
    async with RawStation(mesh.station_url("CP1"), subprotocols=[]) as station:
        assert (await station.boot())["status"] == "Accepted"


async def test_meter_values_of_no_transaction_are_taken(mesh: MeshRig) -> None:
    """J01: clock-aligned values, of an EVSE and of the main meter."""
    value = {"timestamp": "2026-11-21T10:00:00Z", "sampledValue": [{"value": 1234.5, "context": "Sample.Clock"}]}
    async with _station(mesh) as station:
        await station.boot()
        for evse_id in (0, 1):
            assert await station.call("MeterValues", {"evseId": evse_id, "meterValue": [value]}) == {}


async def test_a_value_that_the_version_lacks_is_refused_by_its_field(mesh: MeshRig) -> None:
    """DiagnosticsStatusNotification is a message of 1.6 alone."""
    async with _station(mesh) as station:
        await station.boot()
        request = command_service_pb2.TriggerMessageRequest(
            station_id="CP1", requested_message=command_service_pb2.MESSAGE_TRIGGER_DIAGNOSTICS_STATUS_NOTIFICATION
        )
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await mesh.commands.TriggerMessage(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        error = from_rpc_error(refusal.value)
        assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
        assert error.metadata["field"] == "requested_message"
