"""Gateways and services that come and go: stations reconnect, and nothing is lost.

See docs/DESIGN.md, "When a service is unavailable" and docs/DESIGN.md, "Fenced ownership".
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from websockets.exceptions import InvalidStatus

from gateway.connection import ingest_plan
from gateway.service import RunningGateway, start
from gateway.websocket import admissions
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually, until

START = {"connectorId": 1, "idTag": "T", "meterStart": 5, "timestamp": "2026-11-21T10:00:00Z"}


async def _gateway(mesh: MeshRig, stack: AsyncExitStack) -> RunningGateway:
    """One more gateway on the same services, on a stack of its own."""
    gateway = await start(stack, replace(mesh.gateway_settings, ocpp_port=0))
    async with asyncio.timeout(TIMEOUT_S):
        await gateway.lease.acquired.wait()
    return gateway


def _url(gateway: RunningGateway, station_id: str) -> str:
    return f"ws://127.0.0.1:{gateway.ocpp_port}/ocpp/{station_id}"


async def test_a_stopping_gateway_answers_what_it_has_read_and_says_1012(mesh: MeshRig) -> None:
    """SIGTERM: what is in flight is committed and answered, sockets close with 1012, the log is flushed."""
    async with AsyncExitStack() as stack:
        gateway = await _gateway(mesh, stack)
        async with RawStation(_url(gateway, "CP1")) as station:
            await station.boot()
            mesh.transaction_service.hold()
            await station.send(f'[2,"s","StartTransaction",{START}]'.replace("'", '"'))
            await until(lambda: mesh.transaction_service.waiting)
            stopping = asyncio.ensure_future(stack.aclose())
            mesh.transaction_service.release()
            answer = await station.receive()
            assert answer[:2] == [3, "s"]
            assert await station.close_code() == 1012
            await stopping
    assert await mesh.is_disconnected("CP1")
    actions = [message.action for message in await mesh.messages("CP1")]
    assert sorted(actions) == ["BootNotification"] * 2 + ["StartTransaction"] * 2


async def test_the_newest_connection_wins_over_another_gateway(mesh: MeshRig) -> None:
    """4.3: the older socket is closed wherever it is, and its late close changes nothing."""
    async with AsyncExitStack() as stack:
        other = await _gateway(mesh, stack)
        async with RawStation(mesh.station_url("CP1")) as old:
            await old.boot()
            async with RawStation(_url(other, "CP1")) as new:
                assert await old.close_code() == 1008
                await until(lambda: len(mesh.gateway.registry) == 0)
                assert "currentTime" in await new.call("Heartbeat", {})  # it goes on as booted (quirk 8)
                assert await mesh.is_connected("CP1")
                command = asyncio.ensure_future(mesh.send_call("CP1", "ClearCache", {}))
                await new.answer({"status": "Accepted"})
                assert await command == {"status": "Accepted"}


async def test_a_station_that_races_itself_ends_with_one_connection(mesh: MeshRig) -> None:
    """Many connections of one station over two gateways at once: one stays, and it is the one that is shown."""
    async with AsyncExitStack() as stack:
        other = await _gateway(mesh, stack)
        urls = [mesh.station_url("CP1"), _url(other, "CP1")] * 5
        stations = [RawStation(url) for url in urls]
        await asyncio.gather(*(station.__aenter__() for station in stations))
        await until(lambda: len(mesh.gateway.registry) + len(other.registry) == 1)
        holder = next(iter(mesh.gateway.registry), None) or next(iter(other.registry))
        assert await mesh.epoch("CP1") == holder.connection.epoch
        assert await mesh.is_connected("CP1")
        await asyncio.gather(*(station.socket.close() for station in stations))


async def test_a_service_that_restarts_within_the_budget_is_not_noticed(mesh: MeshRig) -> None:
    """A restart behind the gateway is invisible: the message waits, and is answered as if nothing had been."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        await mesh.transaction_service.stop()
        starting = asyncio.ensure_future(station.call("StartTransaction", START))
        batcher = mesh.batcher_of_transactions()
        await until(lambda: batcher.unavailable_for_s() > 0)
        await mesh.transaction_service.start()
        assert (await starting)["transactionId"] >= 1


async def test_beyond_the_budget_sockets_close_and_handshakes_are_refused_until_it_is_back(
    mesh: MeshRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1013, then 503, then all is well again; what the station kept is taken."""
    async with RawStation(mesh.station_url("CP1")) as station:
        await station.boot()
        await mesh.transaction_service.stop()
        for module in (ingest_plan, admissions):  # from here on only: other messages have the usual time
            monkeypatch.setattr(module, "STATION_BUDGET_S", 0.3)
        await station.send(f'[2,"s","StartTransaction",{START}]'.replace("'", '"'))
        assert await station.close_code() == 1013

    async def status() -> int:
        try:
            async with RawStation(mesh.station_url("CP1")):
                return 101
        except InvalidStatus as refusal:
            return refusal.response.status_code

    async def is_refused() -> bool:
        return await status() == 503

    async def is_accepted() -> bool:
        return await status() == 101

    await eventually(is_refused)
    await mesh.transaction_service.start()
    await eventually(is_accepted)
    monkeypatch.undo()
    async with RawStation(mesh.station_url("CP1")) as station:
        assert (await station.call("StartTransaction", START))["transactionId"] >= 1
