"""Block B, provisioning. The steps are our reading of the standard; only the names are known."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
import pytest_asyncio
from csms.common.v1.evse_pb2 import EvseRef
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import (
    device_model_pb2,
    device_model_service_pb2,
    network_profile_pb2,
    station_pb2,
    station_service_pb2,
)
from csms.station.v1.device_model_service_pb2_grpc import DeviceModelServiceStub
from google.protobuf.field_mask_pb2 import FieldMask

from station_kit.v201 import messages as v201
from tests.certification.played_station import now
from tests.certification.v201.station import ChargingStation
from tests.conformance.edge import check
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPTED = {"status": "Accepted"}
PENDING, REJECTED = station_pb2.REGISTRATION_STATUS_PENDING, station_pb2.REGISTRATION_STATUS_REJECTED


# Registration


async def _set_registration(station: ChargingStation, status: station_pb2.RegistrationStatus.ValueType) -> None:
    changed = station_pb2.Station(station_id=station.station_id, registration_status=status)
    request = station_service_pb2.UpdateStationRequest(
        station=changed, update_mask=FieldMask(paths=["registration_status"])
    )
    await station.mesh.stations.UpdateStation(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)


@pytest_asyncio.fixture(loop_scope="module")
async def newcomer(offline: ChargingStation) -> AsyncIterator[ChargingStation]:
    """A station that is known, connected, and has not booted."""
    request = station_service_pb2.CreateStationRequest(station_id=offline.station_id, security_profile=0)
    await offline.mesh.stations.CreateStation(request, metadata=offline.mesh.metadata, timeout=TIMEOUT_S)
    await _set_registration(offline, PENDING)
    async with offline.connected():
        yield offline


async def _boot(station: ChargingStation, reason: str = "PowerUp") -> str:
    """Sends a boot; returns its status."""
    answer = await station.send(v201.boot_notification(vendor="Vendor", model="Model", reason=reason))
    assert answer["interval"] > 0
    status: str = answer["status"]
    return status


async def _error_of(station: ChargingStation, action: str, payload: Any) -> str:
    """The code of the CALLERROR to a message."""
    await station.station.send(json.dumps([2, "refused", action, payload]))
    answer = await station.station.receive()
    assert answer[:2] == [4, "refused"], answer
    code: str = answer[2]
    return code


async def test_tc_b_01_csms(station: ChargingStation) -> None:
    """B01: the boot is accepted with an interval (in `station`), and the station sends a Heartbeat (at its end)."""
    assert (await station.resource()).registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED


async def test_tc_b_02_csms(newcomer: ChargingStation) -> None:
    """B02: while it is pending, variables are set and read, and a report is asked for; then it is accepted."""
    assert await _boot(newcomer) == "Pending"
    await _set(newcomer, ("OCPPCommCtrlr", "HeartbeatInterval", "300"))
    await _get(newcomer, ("OCPPCommCtrlr", "HeartbeatInterval", "300"))
    await _base_report(newcomer, "FULL_INVENTORY")
    await _set_registration(newcomer, station_pb2.REGISTRATION_STATUS_ACCEPTED)
    assert await _boot(newcomer) == "Accepted"
    await newcomer.status("Available")


@pytest.mark.parametrize("status", [PENDING, REJECTED])
async def test_tc_b_30_csms(newcomer: ChargingStation, status: station_pb2.RegistrationStatus.ValueType) -> None:
    """B02.FR.09, B03.FR.07: SecurityError to all but a boot, known or not, valid or not."""
    await _set_registration(newcomer, status)
    assert await _boot(newcomer) == station_pb2.RegistrationStatus.Name(status).rpartition("_")[2].title()
    valid = v201.status_notification(status="Available", timestamp=now())
    for action, payload in (valid, ("Authorize", {}), ("NotifyEvent", {}), ("MakeCoffee", {})):
        assert await _error_of(newcomer, action, payload) == "SecurityError"


@pytest.mark.parametrize("status", [PENDING, REJECTED])
async def test_tc_b_31_csms(newcomer: ChargingStation, status: station_pb2.RegistrationStatus.ValueType) -> None:
    """B02, B03: a boot is triggered, and accepted."""
    await _set_registration(newcomer, status)
    assert await _boot(newcomer) != "Accepted"
    await _set_registration(newcomer, station_pb2.REGISTRATION_STATUS_ACCEPTED)
    trigger = command.MESSAGE_TRIGGER_BOOT_NOTIFICATION
    action, payload, _told = await newcomer.told("TriggerMessage", ACCEPTED, requested_message=trigger)
    assert (action, payload) == ("TriggerMessage", {"requestedMessage": "BootNotification"})
    assert await _boot(newcomer, "Triggered") == "Accepted"
    await newcomer.status("Available")


# Variables

Named = tuple[str, str, str]
"""Component, variable and value."""


def _names(one: Named) -> dict[str, Any]:
    return {"component": {"name": one[0]}, "variable": {"name": one[1]}}


def _variables(named: Sequence[Named]) -> list[dict[str, str]]:
    return [{"component": component, "variable": name, "value": value} for component, name, value in named]


async def _get(station: ChargingStation, *named: Named) -> None:
    """An operator reads variables; one CALL asks for all of them."""
    results = [{"attributeStatus": "Accepted", "attributeValue": one[2], **_names(one)} for one in named]
    answer = {"getVariableResult": results}
    action, payload, told = await station.told("GetVariables", answer, variables=_variables(named))
    assert (action, payload) == ("GetVariables", {"getVariableData": [_names(one) for one in named]})
    assert [one.variable.value for one in told.results] == [one[2] for one in named]


async def _set(station: ChargingStation, *named: Named, status: str = "Accepted") -> Any:
    """An operator sets variables; one CALL has all of them. Returns the response."""
    answer = {"setVariableResult": [{"attributeStatus": status, **_names(one)} for one in named]}
    action, payload, told = await station.told("SetVariables", answer, variables=_variables(named))
    assert action == "SetVariables"
    assert payload == {"setVariableData": [{**_names(one), "attributeValue": one[2]} for one in named]}
    return told


OFFLINE: Named = ("OCPPCommCtrlr", "OfflineThreshold", "60")
PREAUTHORIZE: Named = ("AuthCtrlr", "AuthorizeRemoteStart", "true")


async def test_tc_b_06_csms(station: ChargingStation) -> None:
    """B06: one variable is read."""
    await _get(station, OFFLINE)


async def test_tc_b_07_csms(station: ChargingStation) -> None:
    """B06: two variables are read at once."""
    await _get(station, OFFLINE, PREAUTHORIZE)


async def test_tc_b_08_csms(station: ChargingStation) -> None:
    """B06.FR.05: no more variables in one CALL than ItemsPerMessage, which the station was asked for."""
    named = [("OCPPCommCtrlr", f"V{number}", str(number)) for number in range(5)]
    asked: list[int] = []

    def answer(payload: Any) -> Any:
        data = payload["getVariableData"]
        if data[0]["variable"]["name"] == "ItemsPerMessage":
            values = {"ItemsPerMessage": "4", "BytesPerMessage": "5000"}
        else:
            asked.append(len(data))
            values = {name: value for _component, name, value in named}
        results = [
            {"attributeStatus": "Accepted", "attributeValue": values[one["variable"]["name"]], **one} for one in data
        ]
        return {"getVariableResult": results}

    told = await _served(station, "GetVariables", answer, calls=3, variables=_variables(named))
    assert asked == [4, 1]
    assert [one.variable.value for one in told.results[:5]] == ["0", "1", "2", "3", "4"]


async def _served(station: ChargingStation, rpc: str, answer: Any, *, calls: int, **fields: Any) -> Any:
    """An operator gives a command that is several CALLs, each answered by `answer(payload)`; the response."""
    request = getattr(command, f"{rpc}Request")(station_id=station.station_id, **fields)
    method = getattr(station.mesh.commands, rpc)
    task = asyncio.ensure_future(method(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S))
    for _ in range(calls):
        _two, message_id, action, payload = await station.station.receive()
        check("2.0.1", action, "request", payload)
        await station.station.reply(message_id, answer(payload))
    return await task


async def test_tc_b_09_csms(station: ChargingStation) -> None:
    """B05: one variable is set; a restart that it needs is shown."""
    told = await _set(station, OFFLINE, status="RebootRequired")
    assert told.results[0].status == command.SET_VARIABLE_STATUS_REBOOT_REQUIRED
    request = station_service_pb2.ListVariablesRequest(station_id=station.station_id)

    async def waits() -> bool:
        page = await station.mesh.stations.ListVariables(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
        [found] = page.variables
        waiting: bool = found.reboot_required
        return waiting

    assert await waits()
    await station.boot("RemoteReset")
    assert not await waits()


async def test_tc_b_10_csms(station: ChargingStation) -> None:
    """B05: two variables are set at once."""
    await _set(station, OFFLINE, PREAUTHORIZE)


# Reports


def _data(number: int) -> dict[str, Any]:
    return {
        "component": {"name": "EVSE", "evse": {"id": 1}},
        "variable": {"name": f"V{number}"},
        "variableAttribute": [{"value": str(number)}],
        "variableCharacteristics": {"dataType": "integer", "supportsMonitoring": False},
    }


async def _report_arrives(station: ChargingStation, number: int) -> None:
    """The station sends two parts, and the operator sees them as a complete report and as variables."""
    for seq_no in range(2):
        part = {"requestId": number, "generatedAt": now(), "seqNo": seq_no, "reportData": [_data(seq_no)]}
        assert await station.call("NotifyReport", **part, tbc=seq_no == 0) == {}
    service: Any = DeviceModelServiceStub(station.mesh.station_channel)
    request = device_model_service_pb2.GetVariableReportRequest(
        station_id=station.station_id, variable_report_id=number
    )
    answer = await service.GetVariableReport(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    report = answer.variable_report
    assert (report.state, report.received_parts) == (device_model_pb2.VARIABLE_REPORT_STATE_COMPLETE, 2)
    listed = await station.mesh.stations.ListVariables(
        station_service_pb2.ListVariablesRequest(station_id=station.station_id, filter="evse_id = 1"),
        metadata=station.mesh.metadata,
        timeout=TIMEOUT_S,
    )
    assert [(one.variable, one.value) for one in listed.variables] == [("V0", "0"), ("V1", "1")]


async def _base_report(station: ChargingStation, base: str) -> None:
    """B07: a base report is requested, and arrives in parts."""
    action, payload, told = await station.told("GetBaseReport", ACCEPTED, report_base=f"REPORT_BASE_{base}")
    number = payload["requestId"]
    word = "".join(part.title() for part in base.split("_"))
    assert (action, payload) == ("GetBaseReport", {"requestId": number, "reportBase": word})
    assert told.variable_report_id == number
    await _report_arrives(station, number)


async def test_tc_b_12_csms(station: ChargingStation) -> None:
    """B07: the configuration."""
    await _base_report(station, "CONFIGURATION_INVENTORY")


async def test_tc_b_13_csms(station: ChargingStation) -> None:
    """B07: all variables."""
    await _base_report(station, "FULL_INVENTORY")


async def test_tc_b_14_csms(station: ChargingStation) -> None:
    """B07: the summary."""
    await _base_report(station, "SUMMARY_INVENTORY")


async def test_tc_b_18_csms(station: ChargingStation) -> None:
    """B08: a report by criteria, components and variables."""
    action, payload, _told = await station.told(
        "GetReport",
        ACCEPTED,
        component_criteria=[device_model_pb2.COMPONENT_CRITERION_PROBLEM],
        variables=[station_pb2.Variable(component="EVSE", evse=EvseRef(evse_id=1), variable="AvailabilityState")],
    )
    number = payload["requestId"]
    named = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "AvailabilityState"}}
    assert (action, payload) == (
        "GetReport",
        {"requestId": number, "componentCriteria": ["Problem"], "componentVariable": [named]},
    )
    await _report_arrives(station, number)


# Reset


async def _reset(station: ChargingStation, kind: str, status: str = "Accepted", *, evse_id: int = 0) -> None:
    """An operator restarts the station or an EVSE."""
    evse = {"evse": EvseRef(evse_id=evse_id)} if evse_id else {}
    type_ = command.RESET_TYPE_ON_IDLE if kind == "OnIdle" else command.RESET_TYPE_IMMEDIATE
    action, payload, told = await station.told("Reset", {"status": status}, type=type_, **evse)
    assert (action, payload) == ("Reset", {"type": kind} | ({"evseId": evse_id} if evse_id else {}))
    assert told.status == command.ResetStatus.Value(f"RESET_STATUS_{status.upper()}")


async def test_tc_b_20_csms(station: ChargingStation) -> None:
    """B11: no transaction; it restarts at once."""
    await _reset(station, "OnIdle")
    await station.boot("RemoteReset")


async def test_tc_b_21_csms(station: ChargingStation) -> None:
    """B12: a transaction goes on; it restarts when that has ended."""
    await station.charge()
    await _reset(station, "OnIdle", "Scheduled")
    await station.stop()
    await station.is_ended()
    await station.boot("ScheduledReset")


async def test_tc_b_22_csms(station: ChargingStation) -> None:
    """B12: a transaction is ended for an immediate restart."""
    await station.charge()
    await _reset(station, "Immediate")
    await station.stop("ResetCommand", "ImmediateReset")
    await station.is_ended("ImmediateReset")
    await station.boot("RemoteReset")


async def test_tc_b_25_csms(station: ChargingStation) -> None:
    """B11: one EVSE without a transaction."""
    await _reset(station, "OnIdle", evse_id=1)
    await station.status("Unavailable")
    await station.status("Available")


async def test_tc_b_26_csms(station: ChargingStation) -> None:
    """B12: one EVSE, once its transaction has ended."""
    await station.charge()
    await _reset(station, "OnIdle", "Scheduled", evse_id=1)
    await station.stop()
    await station.is_ended()
    await station.status("Available")


async def test_tc_b_27_csms(station: ChargingStation) -> None:
    """B12: one EVSE, whose transaction is ended for it."""
    await station.charge()
    await _reset(station, "Immediate", evse_id=1)
    await station.stop("ResetCommand", "ImmediateReset")
    await station.is_ended("ImmediateReset")
    await station.status("Available")


# Network profiles

PROFILE: Mapping[str, Any] = {
    "ocpp_version": network_profile_pb2.NETWORK_OCPP_VERSION_OCPP20,
    "ocpp_csms_url": "ws://127.0.0.1/ocpp",
    "message_timeout_s": 30,
    "security_profile": 1,
    "ocpp_interface": network_profile_pb2.OCPP_INTERFACE_WIRED0,
}


async def _set_profile(station: ChargingStation, status: str) -> Sequence[Any]:
    """An operator sets slot 1; returns the profiles that are listed then."""
    profile = network_profile_pb2.NetworkConnectionProfile(
        **PROFILE,
        apn=network_profile_pb2.ApnSettings(
            apn="internet", password="s3cret", authentication=network_profile_pb2.APN_AUTHENTICATION_PAP
        ),
    )
    action, payload, told = await station.told(
        "SetNetworkProfile", {"status": status}, configuration_slot=1, connection_data=profile
    )
    assert (action, payload["configurationSlot"]) == ("SetNetworkProfile", 1)
    assert payload["connectionData"]["apn"]["apnPassword"] == "s3cret"
    assert told.status == network_profile_pb2.SetNetworkProfileStatus.Value(
        f"SET_NETWORK_PROFILE_STATUS_{status.upper()}"
    )
    service: Any = DeviceModelServiceStub(station.mesh.station_channel)
    request = device_model_service_pb2.ListNetworkProfilesRequest(station_id=station.station_id)
    page = await service.ListNetworkProfiles(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    found: Sequence[Any] = page.network_profiles
    return found


async def test_tc_b_42_csms(station: ChargingStation) -> None:
    """B09: a profile is set, and listed without its secrets."""
    [found] = await _set_profile(station, "Accepted")
    assert (found.configuration_slot, found.connection_data.ocpp_csms_url) == (1, "ws://127.0.0.1/ocpp")
    assert (found.connection_data.apn.apn, found.connection_data.apn.password) == ("internet", "")


async def test_tc_b_44_csms(station: ChargingStation) -> None:
    """B09: the station could not store it: the slot has none."""
    assert await _set_profile(station, "Failed") == []


async def test_tc_b_58_csms(offline: ChargingStation) -> None:
    """OCPP-J part 4, 3.1.2: of the sub-protocols that it offers one is chosen; without a known one it is closed."""
    async with offline.connected(subprotocols=("ocpp0.1", "ocpp2.0.1")):
        assert str(offline.station.socket.subprotocol) == "ocpp2.0.1"
        await offline.boot()
    async with offline.connected(subprotocols=("ocpp0.1",)):
        assert offline.station.socket.subprotocol is None
        assert await offline.station.close_code() == 1002
