"""Conversations of a 2.0.1 station over a real socket, with a central system that is not ours either.

The library holds every message of both sides against the official schemas.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from ocpp.v201 import call

from simulator.runner import Runner
from simulator.v201.control_actions import ECHO_VENDOR
from simulator.v201.dialect import Dialect201
from tests.simulator.central_201 import Central201, central_system_201
from tests.simulator.running import plug_in, running, swipe, until

TOKEN = {"id_token": "TAG", "type": "ISO14443"}
LATER = "2035-01-31T12:00:00.000Z"


@asynccontextmanager
async def connected(*boot_answers: tuple[str, int]) -> AsyncIterator[tuple[Central201, Runner]]:
    async with central_system_201() as central:
        central.boot_answers = [*boot_answers]
        async with running(central, dialect=Dialect201()) as runner:
            await central.until(lambda: len(central.of("StatusNotification")) >= 2 or bool(boot_answers))
            yield central, runner


def _events(central: Central201) -> list[tuple[str, str]]:
    return [(one["event_type"], one["trigger_reason"]) for one in central.of("TransactionEvent")]


def _registers(central: Central201) -> list[float]:
    values = [value for one in central.of("TransactionEvent") for value in one.get("meter_value", ())]
    return [value["sampled_value"][0]["value"] for value in values]


async def test_a_session_adds_up() -> None:
    """Authorize, Started, states, samples, Ended: numbered from 0 on, with the energy that the meter counted."""
    async with connected() as (central, runner):
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: _events(central).count(("Updated", "MeterValuePeriodic")) >= 3)
        swipe(runner)
        await central.until(lambda: ("Ended", "StopAuthorized") in _events(central))
        events = central.of("TransactionEvent")
        assert _events(central)[:2] == [("Started", "Authorized"), ("Updated", "ChargingStateChanged")]
        assert [one["seq_no"] for one in events] == list(range(len(events)))
        assert len({one["transaction_info"]["transaction_id"] for one in events}) == 1
        assert events[0]["evse"] == {"id": 1, "connector_id": 1}
        assert events[1]["transaction_info"]["charging_state"] == "Charging"
        assert events[-1]["transaction_info"]["stopped_reason"] == "Local"
        registers = _registers(central)
        assert registers == sorted(registers)
        assert registers[0] == 1_000
        assert registers[-1] == runner.station.connectors[1].meter.register_wh > 1_000


async def test_offline_events_arrive_later_in_order_marked_as_offline() -> None:
    async with connected() as (central, runner):
        runner.station.tags.cache.remember("TAG", "Accepted", None)
        await central.shut()
        await until(lambda: not runner.is_online)
        plug_in(runner)
        swipe(runner)
        await until(lambda: len(runner.memory.transactions) >= 3)
        swipe(runner)
        await central.listen()
        await central.until(lambda: ("Ended", "StopAuthorized") in _events(central))
        events = central.of("TransactionEvent")
        assert [one["seq_no"] for one in events] == list(range(len(events)))
        assert all(one["offline"] for one in events)
        assert len(central.of("BootNotification")) == 1


async def test_a_refused_token_ends_the_transaction_that_it_began() -> None:
    """It was accepted by the cache while offline."""
    async with connected() as (central, runner):
        runner.station.configuration.set("LocalPreAuthorize", "true")
        runner.station.tags.cache.remember("TAG", "Accepted", None)
        central.token_status = "Blocked"
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: ("Ended", "Deauthorized") in _events(central))


async def test_a_remote_start_is_named_and_a_remote_stop_has_its_reason() -> None:
    async with connected() as (central, runner):
        plug_in(runner)
        start = call.RequestStartTransaction(id_token=TOKEN, remote_start_id=77, evse_id=1)
        assert (await central.ask(start)).status == "Accepted"
        await central.until(lambda: ("Started", "RemoteStart") in _events(central))
        info = central.of("TransactionEvent")[0]["transaction_info"]
        assert info["remote_start_id"] == 77
        name = info["transaction_id"]
        status = await central.ask(call.GetTransactionStatus(transaction_id=name))
        assert status.ongoing_indicator is True
        assert (await central.ask(call.UnlockConnector(evse_id=1, connector_id=1))).status == (
            "OngoingAuthorizedTransaction"
        )
        assert (await central.ask(call.RequestStopTransaction(transaction_id=name))).status == "Accepted"
        await central.until(lambda: ("Ended", "RemoteStop") in _events(central))
        assert (await central.ask(call.RequestStopTransaction(transaction_id="none"))).status == "Rejected"


async def test_a_pending_station_reports_what_it_is_asked_for_and_no_more() -> None:
    """B02: the parts of a report; then a trigger of BootNotification."""
    async with connected(("Pending", 60)) as (central, _runner):
        await central.until(lambda: bool(central.of("BootNotification")))
        report = call.GetBaseReport(request_id=5, report_base="FullInventory")
        assert (await central.ask(report)).status == "Accepted"
        await central.until(lambda: any(not one["tbc"] for one in central.of("NotifyReport")))
        assert not central.of("StatusNotification")
        await central.ask(call.TriggerMessage(requested_message="BootNotification"))
        await central.until(lambda: len(central.of("StatusNotification")) == 2)


async def test_a_base_report_comes_in_numbered_parts() -> None:
    async with connected() as (central, _runner):
        await central.ask(call.GetBaseReport(request_id=9, report_base="FullInventory"))
        await central.until(lambda: any(not one["tbc"] for one in central.of("NotifyReport")))
        parts = central.of("NotifyReport")
        assert [one["seq_no"] for one in parts] == list(range(len(parts)))
        assert [one["tbc"] for one in parts] == [True] * (len(parts) - 1) + [False]
        assert {one["request_id"] for one in parts} == {9}
        entries = [entry for one in parts for entry in one["report_data"]]
        places = [str((entry["component"], entry["variable"])) for entry in entries]
        assert len(places) == len(set(places)) > 40
        empty = call.GetReport(request_id=10, component_variable=[{"component": {"name": "None"}}])
        assert (await central.ask(empty)).status == "EmptyResultSet"


async def test_variables_are_read_and_changed() -> None:
    """A password may not be read; a ping interval waits for a restart."""

    def variable(component: str, name: str, **more: Any) -> dict[str, Any]:
        return {"component": {"name": component}, "variable": {"name": name}, **more}

    async with connected() as (central, runner):
        wanted = [
            variable("OCPPCommCtrlr", "HeartbeatInterval"),
            variable("SecurityCtrlr", "BasicAuthPassword"),
            variable("OCPPCommCtrlr", "None"),
            variable("None", "HeartbeatInterval"),
        ]
        found = (await central.ask(call.GetVariables(get_variable_data=wanted))).get_variable_result
        statuses = [one["attribute_status"] for one in found]
        assert statuses == ["Accepted", "Rejected", "UnknownVariable", "UnknownComponent"]
        assert found[0]["attribute_value"] == "300"
        changes = [
            variable("OCPPCommCtrlr", "HeartbeatInterval", attribute_value="60"),
            variable("OCPPCommCtrlr", "WebSocketPingInterval", attribute_value="20"),
            variable("OCPPCommCtrlr", "HeartbeatInterval", attribute_value="often"),
            variable("TxCtrlr", "TxStartPoint", attribute_value="Authorized"),
        ]
        results = (await central.ask(call.SetVariables(set_variable_data=changes))).set_variable_result
        statuses = [one["attribute_status"] for one in results]
        assert statuses == ["Accepted", "RebootRequired", "Rejected", "Rejected"]
        assert runner.station.configuration.number("HeartbeatInterval") == 60


async def test_a_fault_is_an_alarm_that_its_end_clears() -> None:
    async with connected() as (central, runner):
        runner.station.set_faulted(2, faulted=True, error_code="GroundFailure")
        runner.collect()
        await central.until(lambda: len(central.of("NotifyEvent")) == 1)
        runner.station.set_faulted(2, faulted=False)
        runner.collect()
        await central.until(lambda: len(central.of("NotifyEvent")) == 2)
        begin, end = [one["event_data"][0] for one in central.of("NotifyEvent")]
        assert (begin["cleared"], begin["tech_code"], begin["component"]["evse"]["id"]) == (False, "GroundFailure", 2)
        assert (end["cleared"], end["cause"]) == (True, begin["event_id"])


async def test_a_reset_on_idle_waits_for_the_transaction() -> None:
    async with connected() as (central, runner):
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: ("Started", "Authorized") in _events(central))
        assert (await central.ask(call.Reset(type="OnIdle"))).status == "Scheduled"
        swipe(runner)
        await central.until(lambda: len(central.of("BootNotification")) == 2)
        assert _events(central)[-1] == ("Ended", "StopAuthorized")


async def test_a_reset_at_once_ends_the_transaction() -> None:
    async with connected() as (central, runner):
        plug_in(runner)
        swipe(runner)
        await central.until(lambda: ("Started", "Authorized") in _events(central))
        assert (await central.ask(call.Reset(type="Immediate"))).status == "Accepted"
        await central.until(lambda: ("Ended", "ResetCommand") in _events(central))


async def test_charging_profiles_are_set_reported_and_cleared() -> None:
    schedule = {"id": 1, "charging_rate_unit": "A", "charging_schedule_period": [{"start_period": 0, "limit": 8.1}]}
    profile = {
        "id": 4,
        "stack_level": 1,
        "charging_profile_purpose": "TxDefaultProfile",
        "charging_profile_kind": "Relative",
        "charging_schedule": [schedule],
    }
    async with connected() as (central, _runner):
        answer = await central.ask(call.SetChargingProfile(evse_id=1, charging_profile=profile))
        assert answer.status == "Accepted"
        asked = call.GetChargingProfiles(request_id=3, charging_profile={"stack_level": 1})
        assert (await central.ask(asked)).status == "Accepted"
        await central.until(lambda: bool(central.of("ReportChargingProfiles")))
        [report] = central.of("ReportChargingProfiles")
        assert (report["request_id"], report["evse_id"], report["tbc"]) == (3, 1, False)
        [reported] = report["charging_profile"]
        assert reported["charging_schedule"][0]["charging_schedule_period"][0]["limit"] == 8.1
        composite = await central.ask(call.GetCompositeSchedule(duration=60, evse_id=1))
        assert composite.schedule["charging_rate_unit"] == "A"
        assert (await central.ask(call.ClearChargingProfile(charging_profile_id=4))).status == "Accepted"
        assert (await central.ask(call.ClearChargingProfile(charging_profile_id=4))).status == "Unknown"
        assert (await central.ask(asked)).status == "NoProfiles"


async def test_monitors_and_display_messages_are_kept_and_reported() -> None:
    monitor = {
        "value": 9_000.0,
        "type": "UpperThreshold",
        "severity": 5,
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": "Power"},
    }
    message = {"id": 1, "priority": "AlwaysFront", "message": {"format": "UTF8", "content": "Ladepause"}}
    async with connected() as (central, _runner):
        [result] = (await central.ask(call.SetVariableMonitoring(set_monitoring_data=[monitor]))).set_monitoring_result
        assert (result["status"], result["id"]) == ("Accepted", 1)
        await central.ask(call.GetMonitoringReport(request_id=6))
        await central.until(lambda: bool(central.of("NotifyMonitoringReport")))
        [reported] = central.of("NotifyMonitoringReport")[0]["monitor"]
        assert reported["variable_monitoring"][0]["value"] == 9_000
        cleared = await central.ask(call.ClearVariableMonitoring(id=[1, 2]))
        assert [one["status"] for one in cleared.clear_monitoring_result] == ["Accepted", "NotFound"]
        assert (await central.ask(call.GetMonitoringReport(request_id=7))).status == "EmptyResultSet"
        assert (await central.ask(call.SetDisplayMessage(message=message))).status == "Accepted"
        await central.ask(call.GetDisplayMessages(request_id=8))
        await central.until(lambda: bool(central.of("NotifyDisplayMessages")))
        assert central.of("NotifyDisplayMessages")[0]["message_info"][0]["message"]["content"] == "Ladepause"
        unknown = {**message, "id": 2, "transaction_id": "none"}
        assert (await central.ask(call.SetDisplayMessage(message=unknown))).status == "UnknownTransaction"
        assert (await central.ask(call.ClearDisplayMessage(id=1))).status == "Accepted"


async def test_files_are_moved_with_their_request_ids() -> None:
    async with connected() as (central, _runner):
        log = {"remote_location": "file:///nowhere-at-all"}
        assert (await central.ask(call.GetLog(log=log, log_type="DiagnosticsLog", request_id=21))).status == "Accepted"
        await central.until(lambda: len(central.of("LogStatusNotification")) >= 2)
        assert {one["request_id"] for one in central.of("LogStatusNotification")} == {21}
        firmware = {"location": "https://example.com/fw-9.9.9.bin", "retrieve_date_time": "2026-01-31T12:00:00Z"}
        assert (await central.ask(call.UpdateFirmware(request_id=22, firmware=firmware))).status == "Accepted"
        await central.until(lambda: "Installed" in [one["status"] for one in central.of("FirmwareStatusNotification")])
        assert {one["request_id"] for one in central.of("FirmwareStatusNotification")} == {22}


TOKEN_16 = {"id_token": TOKEN, "id_token_info": {"status": "Accepted"}}
COMMANDS: list[tuple[Any, dict[str, Any]]] = [
    (call.CancelReservation(reservation_id=1), {"status": "Rejected"}),
    (call.ChangeAvailability(operational_status="Inoperative", evse={"id": 1}), {"status": "Accepted"}),
    (call.ChangeAvailability(operational_status="Operative", evse={"id": 9}), {"status": "Rejected"}),
    (call.ClearCache(), {"status": "Accepted"}),
    (call.CostUpdated(total_cost=1.5, transaction_id="T"), {}),
    (call.CustomerInformation(request_id=1, report=True, clear=True, id_token=TOKEN), {"status": "Accepted"}),
    (call.DataTransfer(vendor_id="none"), {"status": "UnknownVendorId"}),
    (call.DataTransfer(vendor_id=ECHO_VENDOR, data={"a": [1]}), {"status": "Accepted", "data": {"a": [1]}}),
    (call.GetInstalledCertificateIds(), {"status": "NotFound"}),
    (call.GetLocalListVersion(), {"version_number": 0}),
    (call.InstallCertificate(certificate_type="V2GRootCertificate", certificate="x"), {"status": "Rejected"}),
    (call.ReserveNow(id=3, expiry_date_time=LATER, id_token=TOKEN, evse_id=1), {"status": "Accepted"}),
    (
        call.SendLocalList(version_number=3, update_type="Full", local_authorization_list=[TOKEN_16]),
        {"status": "Accepted"},
    ),
    (call.SetMonitoringBase(monitoring_base="All"), {"status": "Accepted"}),
    (call.SetMonitoringLevel(severity=10), {"status": "Rejected"}),
    (call.TriggerMessage(requested_message="PublishFirmwareStatusNotification"), {"status": "NotImplemented"}),
    (call.UnlockConnector(evse_id=1, connector_id=1), {"status": "Unlocked"}),
]


@pytest.mark.parametrize(("command", "expected"), COMMANDS, ids=[type(one[0]).__name__ for one in COMMANDS])
async def test_commands_are_answered(command: Any, expected: dict[str, Any]) -> None:
    async with connected() as (central, _runner):
        answer = await central.ask(command)
        assert {key: value for key, value in vars(answer).items() if value is not None} == expected
