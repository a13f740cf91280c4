"""Commands for a simulated 1.6 station, over a real socket, each message checked against the schemas."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from ocpp.v16 import call

from station_kit.times import format_time
from tests.simulator.central import Central, central_system
from tests.simulator.running import booted, plug_in, running, swipe, until


def soon(seconds: float = 3_600) -> str:
    """A time from now on."""
    return format_time(datetime.now(UTC) + timedelta(seconds=seconds))


def statuses(central: Central, connector_id: int = 1) -> list[str]:
    """The statuses that a connector reported."""
    return [p["status"] for p in central.of("StatusNotification") if p["connector_id"] == connector_id]


def profile(**given: Any) -> dict[str, Any]:
    """A profile of 4 kW for the transaction, with other fields where given."""
    schedule = {
        "charging_rate_unit": "W",
        "charging_schedule_period": [{"start_period": 0, "limit": 4000}],
        **given.pop("schedule", {}),
    }
    return {
        "charging_profile_id": 1,
        "stack_level": 0,
        "charging_profile_purpose": "TxProfile",
        "charging_profile_kind": "Relative",
        "charging_schedule": schedule,
        **given,
    }


def powers(central: Central) -> list[int]:
    """The power of each sample."""
    return [
        int(one["value"])
        for payload in central.of("MeterValues")
        for one in payload["meter_value"][0]["sampled_value"]
        if one["measurand"] == "Power.Active.Import"
    ]


async def test_a_reservation_over_the_wire() -> None:
    """Reserved is reported, the tag's start names it; another one is cancelled, another expires."""
    async with central_system() as central, running(central) as runner:
        await booted(central)

        def reserve(connector_id: int, reservation_id: int, expiry_date: str) -> Any:
            return call.ReserveNow(
                connector_id=connector_id, expiry_date=expiry_date, id_tag="TAG", reservation_id=reservation_id
            )

        assert (await central.command(reserve(1, 5, soon()))).status == "Accepted"
        assert (await central.command(reserve(1, 6, soon()))).status == "Occupied"
        await central.until(lambda: statuses(central)[-1] == "Reserved")
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: "StartTransaction" in central.actions())
        assert central.of("StartTransaction")[0]["reservation_id"] == 5
        assert (await central.command(call.CancelReservation(reservation_id=5))).status == "Rejected"
        assert (await central.command(reserve(2, 7, soon()))).status == "Accepted"
        assert (await central.command(call.CancelReservation(reservation_id=7))).status == "Accepted"
        assert (await central.command(reserve(2, 8, soon(0.5)))).status == "Accepted"
        expected = ["Available", "Reserved", "Available", "Reserved", "Available"]
        await central.until(lambda: statuses(central, 2) == expected)


async def test_a_reservation_for_a_group() -> None:
    """Another tag of the group is asked for, and may."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        central.tag_group = "FLEET"
        await central.command(
            call.ReserveNow(
                connector_id=1, expiry_date=soon(), id_tag="NOBODY", reservation_id=9, parent_id_tag="FLEET"
            )
        )
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: "StartTransaction" in central.actions())
        assert central.of("StartTransaction")[0]["reservation_id"] == 9


async def test_charging_profiles_over_the_wire() -> None:
    """A profile is set, told as a composite schedule in both units, followed, and cleared."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        send = central.command
        set_it = call.SetChargingProfile(connector_id=1, cs_charging_profiles=profile(transaction_id=1))
        assert (await send(set_it)).status == "Rejected"
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: "MeterValues" in central.actions())
        assert (await send(set_it)).status == "Accepted"
        found = await send(call.GetCompositeSchedule(connector_id=1, duration=600, charging_rate_unit="W"))
        assert (found.status, found.connector_id) == ("Accepted", 1)
        assert found.charging_schedule["duration"] == 600
        assert found.charging_schedule["charging_schedule_period"] == [
            {"start_period": 0, "limit": 4000, "number_phases": 3}
        ]
        amperes = await send(call.GetCompositeSchedule(connector_id=1, duration=600))
        assert amperes.charging_schedule["charging_rate_unit"] == "A"
        assert amperes.charging_schedule["charging_schedule_period"][0]["limit"] == Decimal("5.7")
        assert (await send(call.GetCompositeSchedule(connector_id=9, duration=600))).status == "Rejected"
        await central.until(lambda: powers(central)[-1] == 4_000)
        assert (await send(call.ClearChargingProfile(id=7))).status == "Unknown"
        assert (await send(call.ClearChargingProfile(charging_profile_purpose="TxProfile"))).status == "Accepted"
        await central.until(lambda: powers(central)[-1] == 11_000)


async def test_a_remote_start_with_a_profile() -> None:
    """That transaction follows it; one of the wrong purpose starts nothing."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        plug_in(runner)
        wrong = profile(charging_profile_purpose="TxDefaultProfile")
        remote = call.RemoteStartTransaction(id_tag="APP", connector_id=1, charging_profile=wrong)
        assert (await central.command(remote)).status == "Rejected"
        remote = call.RemoteStartTransaction(id_tag="APP", connector_id=1, charging_profile=profile())
        assert (await central.command(remote)).status == "Accepted"
        await central.until(lambda: len(powers(central)) >= 2)
        assert set(powers(central)) == {4_000}


async def test_a_recurring_profile_is_understood() -> None:
    """With all its fields; without a rhythm it makes no sense."""
    async with central_system() as central, running(central):
        await booted(central)
        daily = profile(
            charging_profile_purpose="TxDefaultProfile",
            charging_profile_kind="Recurring",
            recurrency_kind="Daily",
            valid_from="2026-01-01T00:00:00Z",
            valid_to="2100-01-01T00:00:00Z",
            schedule={
                "charging_rate_unit": "A",
                "start_schedule": "2026-01-01T00:00:00Z",
                "duration": 86_400,
                "min_charging_rate": 6.0,
                "charging_schedule_period": [{"start_period": 0, "limit": 10.1, "number_phases": 1}],
            },
        )
        sent = call.SetChargingProfile(connector_id=0, cs_charging_profiles=daily)
        assert (await central.command(sent)).status == "Accepted"
        found = await central.command(call.GetCompositeSchedule(connector_id=2, duration=60))
        assert found.charging_schedule["charging_schedule_period"] == [
            {"start_period": 0, "limit": Decimal("10.1"), "number_phases": 1}
        ]
        del daily["recurrency_kind"]
        sent = call.SetChargingProfile(connector_id=0, cs_charging_profiles=daily)
        assert (await central.command(sent)).status == "Rejected"


async def test_local_lists_over_the_wire() -> None:
    """Full, differential, an old version, switched off; a listed tag starts offline."""
    async with central_system() as central, running(central) as runner:
        await booted(central)
        send = central.command

        async def version() -> int:
            return int((await send(call.GetLocalListVersion())).list_version)

        async def update(number: int, kind: str, *entries: dict[str, Any]) -> str:
            sent = call.SendLocalList(list_version=number, update_type=kind, local_authorization_list=list(entries))
            return str((await send(sent)).status)

        listed = {"id_tag": "TAG", "id_tag_info": {"status": "Accepted", "parent_id_tag": "FLEET"}}
        assert await version() == 0
        assert await update(2, "Full", listed, {"id_tag": "B", "id_tag_info": {"status": "Blocked"}}) == "Accepted"
        assert await update(2, "Differential", {"id_tag": "B"}) == "VersionMismatch"
        assert await update(3, "Differential", {"id_tag": "B"}) == "Accepted"
        assert await update(4, "Full", listed, listed) == "Failed"
        assert await version() == 3
        await central.shut()
        plug_in(runner)
        await until(lambda: not runner._online)
        swipe(runner)
        await until(lambda: runner.station.connectors[1].transaction is not None)
        await central.listen()
        await central.until(lambda: "StartTransaction" in central.actions())
        assert "Authorize" not in central.actions()
        await until(lambda: runner._online)
        await send(call.ChangeConfiguration(key="LocalAuthListEnabled", value="false"))
        assert await version() == -1
        assert await update(5, "Full", listed) == "NotSupported"


async def test_a_new_key_is_used_at_once() -> None:
    """AuthorizationKey: answered, then another connection with the new key; told as a security event; no boot."""
    async with central_system() as central, running(central, password="old") as runner:
        await booted(central)
        changed = await central.command(call.ChangeConfiguration(key="AuthorizationKey", value="new-key"))
        assert changed.status == "Accepted"
        await central.until(lambda: central.connections == 2)
        assert central.credentials == ["CP001:old", "CP001:new-key"]
        await central.until(lambda: "ReconfigurationOfSecurityParameters" in _types(central))
        assert _types(central)[0] == "StartupOfTheDevice"
        assert len(central.of("BootNotification")) == 1
        assert runner.station.configuration.text("AuthorizationKey") == "new-key"


def _types(central: Central) -> list[str]:
    return [payload["type"] for payload in central.of("SecurityEventNotification")]


@pytest.mark.parametrize(
    ("asked", "follows"),
    [
        ("BootNotification", {"firmware_version": "1"}),
        ("Heartbeat", {}),
        ("StatusNotification", {"connector_id": 2, "status": "Available"}),
        ("MeterValues", {"connector_id": 2}),
        ("FirmwareStatusNotification", {"status": "Idle"}),
        ("DiagnosticsStatusNotification", {"status": "Idle"}),
    ],
)
async def test_triggers(asked: str, follows: dict[str, Any]) -> None:
    """Every message that TriggerMessage can ask for follows the answer."""
    async with central_system() as central, running(central):
        await booted(central)
        before = len(central.of(asked))
        trigger = call.TriggerMessage(requested_message=asked, connector_id=2)
        assert (await central.command(trigger)).status == "Accepted"
        await central.until(lambda: len(central.of(asked)) > before)
        assert follows.items() <= central.of(asked)[-1].items()


@pytest.mark.parametrize(
    ("asked", "action", "follows"),
    [
        ("BootNotification", "BootNotification", {"firmware_version": "1"}),
        ("Heartbeat", "Heartbeat", {}),
        ("StatusNotification", "StatusNotification", {"connector_id": 2}),
        ("MeterValues", "MeterValues", {"connector_id": 2}),
        ("FirmwareStatusNotification", "SignedFirmwareStatusNotification", {"status": "Idle"}),
        ("LogStatusNotification", "LogStatusNotification", {"status": "Idle"}),
        ("SignChargePointCertificate", "SignCertificate", {}),
    ],
)
async def test_extended_triggers(asked: str, action: str, follows: dict[str, Any]) -> None:
    """Every message that ExtendedTriggerMessage can ask for follows the answer."""
    async with central_system() as central, running(central):
        await booted(central)
        before = len(central.of(action))
        trigger = call.ExtendedTriggerMessage(requested_message=asked, connector_id=2)
        assert (await central.command(trigger)).status == "Accepted"
        await central.until(lambda: len(central.of(action)) > before)
        assert follows.items() <= central.of(action)[-1].items()
