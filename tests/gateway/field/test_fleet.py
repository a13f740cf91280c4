"""Quirks 24 and 25: stations that boot again and again, and all at once."""

import asyncio
import json
from contextlib import AsyncExitStack

from csms.station.v1 import command_service_pb2, station_pb2, station_service_pb2

from gateway.ocpp.translation import IngestRpc
from tests.gateway.field.kit import STATION, Field
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S
from tests.waiting import eventually

STORM = 300


async def test_quirk_24_a_reboot_after_each_configuration_change(field: Field) -> None:
    """A change that an operator asks for is sent once; a boot by itself is answered, and has nothing sent."""
    for round_ in range(3):
        async with field.station() as station:
            assert (await station.boot())["status"] == "Accepted"
            # Nothing comes between: what the station gets next is the answer to what it sends next.
            assert "currentTime" in await station.call("Heartbeat", {})
            change = asyncio.ensure_future(_set_variable(field, str(round_)))
            told = await station.answer({"status": "RebootRequired"})
            assert told == ["ChangeConfiguration", {"key": "HeartbeatInterval", "value": str(round_)}]
            await change
    async with field.station() as station:
        await station.boot()
        await field.expect_quirks(rebooted_soon=3)
        await eventually(lambda: _is_logged(field, "BootNotification", 4))  # the log may be a moment behind
        await eventually(lambda: _is_logged(field, "ChangeConfiguration", 3))


async def test_quirk_25_a_storm_of_stations(field: Field) -> None:
    """All are let in and accepted, in far fewer batches than there are stations."""
    openings, boots = field.mesh.gateway.mesh.openings, field.mesh.gateway.mesh.batchers[IngestRpc.BOOTS]
    counts_before = openings.items, openings.batches, boots.items, boots.batches
    async with AsyncExitStack() as stack:

        async def arrive(number: int) -> str:
            station = await stack.enter_async_context(RawStation(field.mesh.station_url(f"STORM-{number}")))
            status: str = (await station.boot())["status"]
            return status

        answers = await asyncio.gather(*(arrive(number) for number in range(STORM)))
        assert answers == ["Accepted"] * STORM
        assert len(field.mesh.gateway.registry) == STORM + 1
        counts = openings.items, openings.batches, boots.items, boots.batches
        let_in, in_batches, booted, in_boot_batches = (
            after - before for after, before in zip(counts, counts_before, strict=True)
        )
        assert (let_in, booted) == (STORM, STORM)
        assert in_batches < STORM / 2
        assert in_boot_batches < STORM / 2


async def test_quirk_25_those_told_to_come_back_do_not_come_all_at_once(field: Field) -> None:
    """The retry interval of stations that are not accepted yet is jittered by a quarter."""
    intervals = []
    for number in range(12):
        station_id = f"PENDING-{number}"
        async with RawStation(field.mesh.station_url(station_id)) as station:
            await station.boot()
        pending = station_pb2.Station(
            station_id=station_id, registration_status=station_pb2.REGISTRATION_STATUS_PENDING
        )
        request = station_service_pb2.UpdateStationRequest(station=pending)
        await field.mesh.stations.UpdateStation(request, metadata=field.mesh.metadata, timeout=TIMEOUT_S)
        async with RawStation(field.mesh.station_url(station_id)) as station:
            answer = await station.boot()
        assert answer["status"] == "Pending"
        intervals.append(answer["interval"])
    assert all(45 <= interval <= 75 for interval in intervals)
    assert len(set(intervals)) > 1


async def test_variables_that_were_set_are_told_where_a_later_one_failed(field: Field) -> None:
    """1.6 sets them one by one: each has its own result, and those that the station took are remembered."""
    async with field.station() as station:
        await station.boot()
        change = asyncio.ensure_future(_set_variables(field, ("A", "1"), ("B", "2"), ("C", "3")))
        await station.answer({"status": "Accepted"})
        refused = await station.receive()
        await station.send(json.dumps([4, refused[1], "InternalError", "no room", {}]))
        assert (await station.answer({"status": "Accepted"}))[1] == {"key": "C", "value": "3"}
        answer = await change
        assert [(result.variable.variable, result.status) for result in answer.results] == [
            ("A", command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED),
            ("B", command_service_pb2.SET_VARIABLE_STATUS_REJECTED),
            ("C", command_service_pb2.SET_VARIABLE_STATUS_ACCEPTED),
        ]
        assert answer.results[1].status_info.reason_code == "CALL_ERROR"
        assert "no room" in answer.results[1].status_info.additional_info
        request = station_service_pb2.ListVariablesRequest(station_id=STATION)
        kept = await field.mesh.stations.ListVariables(request, metadata=field.mesh.metadata, timeout=TIMEOUT_S)
        assert {variable.variable: variable.value for variable in kept.variables} == {"A": "1", "C": "3"}


async def _is_logged(field: Field, action: str, count: int) -> bool:
    """Whether the log has so many CALLs of an action."""
    frames = [json.loads(message.payload) for message in await field.mesh.messages(STATION)]
    found = len([frame for frame in frames if frame[0] == 2 and frame[2] == action])
    assert found <= count
    return found == count


async def _set_variable(field: Field, value: str) -> command_service_pb2.SetVariablesResponse:
    return await _set_variables(field, ("HeartbeatInterval", value))


async def _set_variables(field: Field, *pairs: tuple[str, str]) -> command_service_pb2.SetVariablesResponse:
    request = command_service_pb2.SetVariablesRequest(
        station_id=STATION, variables=[station_pb2.Variable(variable=key, value=value) for key, value in pairs]
    )
    return await field.mesh.commands.SetVariables(request, metadata=field.mesh.metadata, timeout=TIMEOUT_S)
