"""Whole conversations over a real socket, with a central system that is not ours either."""

import asyncio

import pytest
from ocpp.v16 import call

from simulator.live_fleet import run_all
from simulator.v16.core_actions import ECHO_VENDOR
from tests.simulator.central import central_system
from tests.simulator.running import booted, make_runner, plug_in, running, swipe, until


async def test_waits_until_it_is_accepted() -> None:
    """Pending and Rejected boots are followed by another after the interval, and by nothing else."""
    async with central_system() as central:
        central.boot_answers = [("Pending", 1), ("Rejected", 1)]
        async with running(central):
            await booted(central)
        assert central.actions()[:4] == ["BootNotification"] * 3 + ["StatusNotification"]
        assert [p["connector_id"] for p in central.of("StatusNotification")[:3]] == [0, 1, 2]


async def test_a_session_adds_up() -> None:
    """Authorize, start, samples, stop, in that order, with the energy that the meter counted."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: len(central.of("MeterValues")) >= 3)
        swipe(runner)
        await central.until(lambda: "StopTransaction" in central.actions())
        money = [a for a in central.actions() if a in ("Authorize", "StartTransaction", "StopTransaction")]
        assert money == ["Authorize", "StartTransaction", "StopTransaction"]
        start, stop = central.of("StartTransaction")[0], central.of("StopTransaction")[0]
        assert (start["meter_start"], start["id_tag"], stop["reason"]) == (1_000, "TAG", "Local")
        samples = central.of("MeterValues")
        assert {p["transaction_id"] for p in samples} == {stop["transaction_id"]} == {1}
        registers = [int(p["meter_value"][0]["sampled_value"][0]["value"]) for p in samples]
        assert registers == sorted(registers)
        assert stop["meter_stop"] == runner.station.connectors[1].meter.register_wh >= registers[-1] > 1_000
        assert [v["measurand"] for v in samples[0]["meter_value"][0]["sampled_value"]] == [
            "Energy.Active.Import.Register", "Power.Active.Import", "Voltage", "Current.Import", "SoC",
        ]  # fmt: skip


async def test_offline_messages_arrive_later_in_order_and_once() -> None:
    """A whole visit without a connection is reported afterwards, under the id that the late start gets."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        runner.station.tags.cache.remember("TAG", "Accepted", None)
        await central.shut()
        plug_in(runner)
        await until(lambda: not runner._online)
        swipe(runner)
        await until(lambda: len(runner.memory.transactions) >= 3)
        swipe(runner)
        waiting = len(runner.memory.transactions)
        await central.listen()
        await central.until(lambda: "StopTransaction" in central.actions())
        told = [(a, p) for a, p in central.heard if a in ("StartTransaction", "MeterValues", "StopTransaction")]
        assert [a for a, _ in told] == ["StartTransaction", *["MeterValues"] * (waiting - 2), "StopTransaction"]
        assert {p["transaction_id"] for a, p in told if a != "StartTransaction"} == {1}
        times = [p["meter_value"][0]["timestamp"] if "meter_value" in p else p["timestamp"] for _, p in told]
        assert times == sorted(times)
        assert central.of("BootNotification") == central.of("BootNotification")[:1]


async def test_a_message_cut_off_is_sent_again_first() -> None:
    """Losing the socket in the middle of a stop costs nothing: it comes again, before anything newer."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: "StartTransaction" in central.actions())
        central.cut_at = "StopTransaction"
        swipe(runner)
        await central.until(lambda: len(central.of("StopTransaction")) == 2)
        first, second = central.of("StopTransaction")
        assert first == second
        await until(lambda: not runner.memory.transactions)
        assert runner.memory.transactions.given_up == 0


async def test_a_failed_message_is_tried_again_as_configured() -> None:
    """A CALLERROR costs an attempt; the message after it waits for its turn."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        runner.station.configuration.change("TransactionMessageRetryInterval", "0")
        central.fail_next = ["StartTransaction", "StartTransaction"]
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: "MeterValues" in central.actions())
        assert len(central.of("StartTransaction")) == 3
        assert central.of("MeterValues")[0]["transaction_id"] == 3  # the answer to the third attempt


async def test_a_start_that_is_given_up_leaves_its_transaction_nameless() -> None:
    """After TransactionMessageAttempts the rest goes on under -1, as stations in the field do."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        runner.station.configuration.change("TransactionMessageRetryInterval", "0")
        runner.station.configuration.change("TransactionMessageAttempts", "2")
        central.fail_next = ["StartTransaction"] * 2
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: "MeterValues" in central.actions())
        swipe(runner)
        await central.until(lambda: "StopTransaction" in central.actions())
        assert len(central.of("StartTransaction")) == 2
        assert central.of("StopTransaction")[0]["transaction_id"] == -1


async def test_a_refused_tag_starts_nothing() -> None:
    """After Invalid there is no start; the vehicle stays Preparing."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        central.tag_status = "Invalid"
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: "Authorize" in central.actions())
        await central.command(call.TriggerMessage(requested_message="Heartbeat"))
        await central.until(lambda: "Heartbeat" in central.actions())
        assert "StartTransaction" not in central.actions()


async def test_a_start_refused_afterwards_is_stopped() -> None:
    """A remote start skips Authorize; where its start is answered Blocked it stops as DeAuthorized."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        central.tag_status = "Blocked"
        plug_in(runner)
        answer = await central.command(call.RemoteStartTransaction(id_tag="APP", connector_id=1))
        assert answer.status == "Accepted"
        await central.until(lambda: "StopTransaction" in central.actions())
        assert central.of("StopTransaction")[0]["reason"] == "DeAuthorized"


async def test_remote_stop_knows_only_its_own_transactions() -> None:
    """A number from elsewhere is refused; the right one stops with reason Remote."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        plug_in(runner)
        await central.command(call.RemoteStartTransaction(id_tag="APP", connector_id=1))
        await central.until(lambda: "MeterValues" in central.actions())
        assert (await central.command(call.RemoteStopTransaction(transaction_id=77))).status == "Rejected"
        assert (await central.command(call.RemoteStopTransaction(transaction_id=1))).status == "Accepted"
        await central.until(lambda: "StopTransaction" in central.actions())
        assert central.of("StopTransaction")[0]["reason"] == "Remote"


@pytest.mark.parametrize(("kind", "reason"), [("Soft", "SoftReset"), ("Hard", "HardReset")])
async def test_reset_really_restarts(kind: str, reason: str) -> None:
    """The socket closes, another opens, the station boots again, and the transaction's stop arrives with its reason."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: "MeterValues" in central.actions())
        assert (await central.command(call.Reset(type=kind))).status == "Accepted"
        await central.until(lambda: len(central.of("BootNotification")) == 2 and "StopTransaction" in central.actions())
        assert central.connections == 2
        assert central.of("StopTransaction")[0]["reason"] == reason
        boots = [i for i, action in enumerate(central.actions()) if action == "BootNotification"]
        stopped = central.actions().index("StopTransaction")
        assert (stopped < boots[1]) is (kind == "Soft")


async def test_switching_a_fleet_off_leaves_no_transaction_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stops are sent, with reason PowerLoss, before the sockets close."""
    monkeypatch.setattr("simulator.live_fleet.SWITCH_OFF_S", 60)
    async with central_system() as central:
        runner = make_runner(central)
        stop = asyncio.Event()
        fleet = asyncio.create_task(run_all([runner], stop))
        await booted(central)
        plug_in(runner)
        await central.command(call.RemoteStartTransaction(id_tag="APP", connector_id=1))
        await central.until(lambda: "MeterValues" in central.actions())
        stop.set()
        await asyncio.wait_for(fleet, 120)
        assert central.of("StopTransaction")[0]["reason"] == "PowerLoss"
        assert not runner.memory.transactions


async def test_configuration_as_a_real_station_has_it() -> None:
    """Known, unknown, read-only and write-only keys; a heartbeat interval counts at once."""
    async with central_system() as central, running(central):
        await booted(central)
        found = await central.command(call.GetConfiguration(key=["NumberOfConnectors", "AuthorizationKey", "Nope"]))
        assert found.unknown_key == ["Nope"]
        assert found.configuration_key == [
            {"key": "NumberOfConnectors", "readonly": True, "value": "2"},
            {"key": "AuthorizationKey", "readonly": False},
        ]
        assert len((await central.command(call.GetConfiguration())).configuration_key) > 20
        changes = {"Nope": "NotSupported", "NumberOfConnectors": "Rejected", "WebSocketPingInterval": "RebootRequired"}
        for key, expected in (changes | {"HeartbeatInterval": "Accepted"}).items():
            assert (await central.command(call.ChangeConfiguration(key=key, value="1"))).status == expected
        await central.until(lambda: len(central.of("Heartbeat")) >= 2)


async def test_runner_commands() -> None:
    """Availability, unlock, cache, triggers and data transfers."""
    async with central_system() as central, running(central):
        await booted(central)
        send = central.command
        assert (await send(call.ChangeAvailability(connector_id=2, type="Inoperative"))).status == "Accepted"
        await central.until(lambda: central.of("StatusNotification")[-1]["status"] == "Unavailable")
        assert (await send(call.UnlockConnector(connector_id=9))).status == "NotSupported"
        assert (await send(call.ClearCache())).status == "Accepted"
        assert (await send(call.TriggerMessage(requested_message="MeterValues", connector_id=1))).status == "Accepted"
        await central.until(lambda: "MeterValues" in central.actions())
        asked = central.of("MeterValues")[0]["meter_value"][0]["sampled_value"]
        assert {value["context"] for value in asked} == {"Trigger"}
        assert (await send(call.TriggerMessage(requested_message="MeterValues", connector_id=9))).status == "Rejected"
        assert (await send(call.DataTransfer(vendor_id="nobody"))).status == "UnknownVendorId"
        assert (await send(call.DataTransfer(vendor_id=ECHO_VENDOR, data="ping"))).data == "ping"
