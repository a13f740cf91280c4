"""Quirks 1 to 9: how stations come in, and what keeps their sockets going."""

import asyncio
import json
import zlib
from contextlib import AsyncExitStack
from functools import partial

import grpc
import pytest
from csms.station.v1 import command_service_pb2, station_pb2, station_service_pb2
from grpc_status import rpc_status

from gateway.connection import keepalive_monitor, liveness
from gateway.service import start as start_gateway
from mesh.runtime.errors import MeshError, from_status
from tests.gateway.field.kit import STATION, Field, at, start, stop
from tests.gateway.raw_station import RawStation, basic
from tests.gateway.rig import TIMEOUT_S
from tests.waiting import eventually


async def test_quirk_01_no_subprotocol(field: Field) -> None:
    """1.6 is spoken, and a session keeps its data."""
    async with field.station(subprotocols=[]) as station:
        assert station.socket.subprotocol is None
        assert (await station.boot())["status"] == "Accepted"
        number = (await station.call("StartTransaction", start()))["transactionId"]
        await station.call("StopTransaction", stop(number))
        assert (await field.transaction(number)).energy_wh == 2_000
        assert (await field.resource()).connection.ocpp_version == "1.6"
        await field.expect_quirks(no_subprotocol=1)


@pytest.mark.parametrize("path", ["/ocpp//CP1", "///CP1", "///ocpp///CP1", "/ocpp/CP1/", "/ocpp/%43P1"])
async def test_quirk_02_odd_paths(field: Field, path: str) -> None:
    """The last segment that is not empty, decoded, is the id."""
    async with field.station(path) as station:
        assert (await station.boot())["status"] == "Accepted"
        assert (await field.resource()).connected
        await field.expect_quirks(odd_path=1)


async def test_quirk_03_probing_with_two_versions(field: Field) -> None:
    """The newest connection wins, whatever it speaks; what the older one said is kept."""
    async with field.station() as probe:
        await probe.boot()
        number = (await probe.call("StartTransaction", start()))["transactionId"]
        async with field.station(subprotocols=["ocpp2.0.1"]) as station:
            assert await probe.close_code() == 1008
            assert (await station.boot())["status"] == "Accepted"
            assert (await field.resource()).connection.ocpp_version == "2.0.1"
            assert (await field.transaction(number)).event_count == 1
            await field.expect_quirks(version_changed=1, half_open_socket=1, rebooted_soon=1)


@pytest.mark.parametrize(
    ("action", "payload", "kept"),
    [
        ("BootNotification", {"chargePointModel": "M", "chargePointVendor": "V"}, False),
        ("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Available"}, False),
        ("StartTransaction", {"connectorId": 1, "idTag": "T", "meterStart": 0, "timestamp": at()}, True),
        ("StopTransaction", {"transactionId": 1, "meterStop": 5, "timestamp": at()}, True),
        (
            "MeterValues",
            {"connectorId": 1, "meterValue": [{"timestamp": at(), "sampledValue": [{"value": "1"}]}]},
            True,
        ),
    ],
)
async def test_quirk_03_messages_of_1_6_over_2_0_1(field: Field, action: str, payload: object, kept: bool) -> None:
    """A clear CALLERROR and no disconnect; messages about transactions are in quarantine."""
    async with field.station(subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        await station.send(json.dumps([2, "x", action, payload]))
        refused = await station.receive()
        assert refused[:2] == [4, "x"]
        assert refused[3] == f"this is {action} of OCPP 1.6, and this connection speaks OCPP 2.0.1"
        assert "currentTime" in await station.call("Heartbeat", {})
        raws = [item.raw_message.raw for item in await field.quarantine()]
        assert [(raw.action, raw.reason, raw.ocpp_version) for raw in raws] == (
            [(action, "OTHER_VERSION", "1.6")] if kept else []
        )
        assert [json.loads(raw.payload) for raw in raws] == ([payload] if kept else [])
        quarantined = {"message_quarantined": 1} if kept else {}
        await field.expect_quirks(message_of_other_version=1, **quarantined)


async def test_quirk_04_no_pongs(field: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any frame proves life: a station that answers no ping is served on, and counted once."""
    monkeypatch.setattr(keepalive_monitor, "MOST_PING_AFTER_US", -1)
    monkeypatch.setattr(liveness, "PONG_WITHIN_US", 0)
    async with field.station() as station:
        station.never_pong()
        await station.boot()
        for _ in range(3):
            await field.mesh.gateway.keepalive_monitor.sweep()
            assert "currentTime" in await station.call("Heartbeat", {})
        await field.expect_quirks(no_pong=1)
        assert (await field.resource()).connected


async def test_quirk_05_half_open_socket(field: Field) -> None:
    """The new socket takes over; the late end of the old one, which never answers our close, changes nothing."""
    async with field.station() as old:
        await old.boot()
        number = (await old.call("StartTransaction", start()))["transactionId"]
        old.socket.transport.pause_reading()
        async with field.station() as new:
            await new.call("StopTransaction", stop(number))
            old.socket.transport.abort()
            transaction = await field.transaction(number)
            assert (transaction.energy_wh, list(transaction.flags)) == (2_000, [])
            command = asyncio.ensure_future(field.mesh.send_call(STATION, "ClearCache", {}))
            assert await new.answer({"status": "Accepted"}) == ["ClearCache", {}]
            assert await command == {"status": "Accepted"}
            assert (await field.resource()).connected
            await field.expect_quirks(half_open_socket=1)


async def test_quirk_05_half_open_at_another_gateway(field: Field) -> None:
    """station_svc has the gateway close the old socket, and count it, since it was open still; closed ones are not."""
    async with AsyncExitStack() as stack, field.station() as old:
        await old.boot()
        other = await start_gateway(stack, field.mesh.gateway_settings)
        await other.lease.acquired.wait()
        url = f"ws://127.0.0.1:{other.ocpp_port}/ocpp/{STATION}"
        async with RawStation(url) as new:
            assert "currentTime" in await new.call("Heartbeat", {})
            assert await old.close_code() == 1008
        await other.keepalive_monitor.sweep()
        async with RawStation(url) as again:
            await again.call("Heartbeat", {})
            expected = {"half_open_socket": 1}

            async def are_counted() -> bool:
                await other.keepalive_monitor.sweep()
                return await field.quirks() == expected

            await eventually(are_counted)


async def test_quirk_06_compressed_without_negotiation(field: Field) -> None:
    """RFC 6455, 5.2: a reserved bit that nobody negotiated closes with 1002; what came before is kept."""
    async with field.station() as station:
        await station.boot()
        number = (await station.call("StartTransaction", start()))["transactionId"]
        deflated = zlib.compress(b'[2,"x","Heartbeat",{}]', wbits=-15)
        station.send_raw(bytes([0xC1, 0x80 | len(deflated)]) + bytes(4) + deflated)
        assert await station.close_code() == 1002
    assert (await field.transaction(number)).event_count == 1
    async with field.station() as station:
        await station.call("StopTransaction", stop(number))
    assert (await field.transaction(number)).energy_wh == 2_000
    await field.expect_quirks(websocket_violation=1)


async def test_quirk_06_negotiated_compression_works(field: Field) -> None:
    """permessage-deflate (RFC 7692) for those who ask for it, both ways."""
    async with field.station(compression="deflate") as station:
        assert [extension.name for extension in station.socket.protocol.extensions] == ["permessage-deflate"]
        await station.boot()
        number = (await station.call("StartTransaction", start()))["transactionId"]
        await station.call("StopTransaction", stop(number))
        assert (await field.transaction(number)).energy_wh == 2_000
        await field.expect_quirks()


async def test_quirk_07_a_key_in_hexadecimal_or_decoded(field: Field) -> None:
    """Both forms of an AuthorizationKey open the socket; the decoded one is counted."""
    password = await field.mesh.create_station(STATION)
    async with field.station(headers=basic(STATION, password)) as station:
        await station.boot()
    await field.expect_quirks()
    decoded = basic(STATION, bytes.fromhex(password).decode("latin-1"), encoding="latin-1")
    async with field.station(headers=decoded) as station:
        assert "currentTime" in await station.call("Heartbeat", {})
        await field.expect_quirks(credential_decoded=1)


async def test_quirk_08_no_boot_after_a_reconnect(field: Field) -> None:
    """A station last accepted goes on as booted; one that is pending does not."""
    async with field.station() as station:
        await station.boot()
    async with field.station() as station:
        number = (await station.call("StartTransaction", start()))["transactionId"]
        assert number > 0
        await field.expect_quirks()  # 1.6 section 4.2 wants a boot after a restart, not after a reconnect
    await _set_status(field, station_pb2.REGISTRATION_STATUS_PENDING)
    async with field.station() as station:
        await station.send(json.dumps([2, "x", "Authorize", {"idTag": "TAG-1"}]))
        assert (await station.receive())[:3] == [4, "x", "SecurityError"]
        await field.expect_quirks(no_boot_notification=1)
        assert (await station.boot())["status"] == "Pending"
    await _set_status(field, station_pb2.REGISTRATION_STATUS_ACCEPTED)
    async with field.station() as station:
        assert (await station.boot())["status"] == "Accepted"
        await station.call("StopTransaction", stop(number))
    assert (await field.transaction(number)).energy_wh == 2_000


async def test_quirk_09_answers_no_call(field: Field) -> None:
    """CALL_TIMEOUT; flagged until it answers; an operator may have the socket closed, and it comes back."""
    async with field.station() as station:
        await station.boot()
        for count in (1, 2):
            assert await _time_out(field) == "CALL_TIMEOUT"
            assert (await station.receive())[2] == "ClearCache"
            assert "currentTime" in await station.call("Heartbeat", {})
            await eventually(partial(_is_flagged, field, count))
        [condition] = await field.conditions()
        assert condition.HasField("begin_time")
        request = station_service_pb2.CloseConnectionRequest(station_id=STATION)
        closed = await field.mesh.stations.CloseConnection(request, metadata=field.mesh.metadata, timeout=TIMEOUT_S)
        assert closed.epoch == (await field.resource()).connection.epoch
        assert await station.close_code() == 1012
    async with field.station() as station:
        await station.boot()
        assert await _is_flagged(field, 2)  # it has not answered yet
        command = asyncio.ensure_future(field.mesh.send_call(STATION, "ClearCache", {}))
        await station.answer({"status": "Accepted"})
        await command
        await eventually(lambda: _has_no_condition(field))
        await field.expect_quirks(call_unanswered=2, rebooted_soon=1)


async def test_quirk_09_a_late_answer_clears_the_flag(field: Field) -> None:
    async with field.station() as station:
        await station.boot()
        assert await _time_out(field) == "CALL_TIMEOUT"
        await eventually(lambda: _is_flagged(field, 1))
        await station.answer({"status": "Accepted"})
        await eventually(lambda: _has_no_condition(field))


async def test_a_connection_that_is_not_there_cannot_be_closed(field: Field) -> None:
    """CloseConnection of a station that is not connected, or unknown."""
    async with field.station() as station:
        await station.boot()
    await eventually(lambda: field.mesh.is_disconnected(STATION))
    for station_id, reason in ((STATION, "STATION_OFFLINE"), ("NOBODY", "STATION_NOT_FOUND")):
        request = station_service_pb2.CloseConnectionRequest(station_id=station_id)
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await field.mesh.stations.CloseConnection(request, metadata=field.mesh.metadata, timeout=TIMEOUT_S)
        assert _to_error(refusal.value).reason == reason


async def _time_out(field: Field) -> str:
    request = command_service_pb2.SendCallRequest(station_id=STATION, action="ClearCache", timeout_s=1)
    with pytest.raises(grpc.aio.AioRpcError) as failure:
        await field.mesh.commands.SendCall(request, metadata=field.mesh.metadata, timeout=TIMEOUT_S)
    return _to_error(failure.value).reason


def _to_error(error: grpc.aio.AioRpcError) -> MeshError:
    status = rpc_status.from_call(error)
    assert status is not None
    return from_status(status)


async def _is_flagged(field: Field, count: int) -> bool:
    found = [(condition.type, condition.unanswered_calls) for condition in await field.conditions()]
    return found == [(station_pb2.STATION_CONDITION_TYPE_UNRESPONSIVE, count)]


async def _has_no_condition(field: Field) -> bool:
    return not await field.conditions()


async def _set_status(field: Field, status: station_pb2.RegistrationStatus.ValueType) -> None:
    station = station_pb2.Station(station_id=STATION, registration_status=status)
    request = station_service_pb2.UpdateStationRequest(station=station)
    await field.mesh.stations.UpdateStation(request, metadata=field.mesh.metadata, timeout=TIMEOUT_S)
