"""Every action of every version, both ways, through the real edge: a raw socket, the gateway, the services.

The payloads are made from the official schemas, and every answer is held against them.
"""

import copy
import json
from functools import partial
from typing import Any

import pytest
from csms.gateway.v1.gateway_service_pb2 import CallResponse

from tests.conformance.catalogue import COMMAND_TABLES, COMMANDS, DIRECTIONS
from tests.conformance.commands import Maker
from tests.conformance.edge import Edge, answering, boot, check, examples
from tests.conformance.ocpp_table import VERSIONS, chooser, outbounds, tables
from tests.gateway.raw_station import RawStation

pytestmark = pytest.mark.asyncio(loop_scope="module")

FROM_STATION = [
    (folder, action)
    for folder, version in VERSIONS.items()
    for action in sorted(DIRECTIONS[version.label].from_station)
]
TO_STATION = [
    (folder, action) for folder, version in VERSIONS.items() for action in sorted(DIRECTIONS[version.label].to_station)
]
BY_COMMAND = [(folder, name) for folder, version in VERSIONS.items() for name in sorted(version.outbound)]


@pytest.mark.parametrize(("folder", "action"), FROM_STATION)
async def test_from_the_station(edge: Edge, folder: str, action: str) -> None:
    """Each payload that the schema allows gets a valid answer and is stored where docs/OCPP.md says."""
    version, station_id = VERSIONS[folder], edge.new_id()
    async with edge.station(version, station_id) as station:
        if action != "BootNotification":
            await boot(station, version)
        before = edge.tables(station_id)
        for payload in examples(version.label, action, "request"):
            answer = await _send(station, action, payload)
            if action in version.inbound:
                assert answer[0] == 3, (answer, payload)
                check(version.label, action, "response", answer[2])
            else:
                assert answer[:3] == [4, "x", "NotSupported"]
    assert edge.written(station_id, before) == set(tables(version, action) if action in version.inbound else ())


@pytest.mark.parametrize(("folder", "action"), TO_STATION)
async def test_to_the_station_as_it_is(edge: Edge, folder: str, action: str) -> None:
    """SendCall takes every action that stations know and hands the answer back unchanged; from a station none is."""
    version, station_id = VERSIONS[folder], edge.new_id()
    async with edge.station(version, station_id) as station:
        await boot(station, version)
        requests, responses = (examples(version.label, action, kind)[:2] for kind in ("request", "response"))
        for request, response in zip(requests, responses, strict=True):
            command = edge.mesh.send_call(station_id, action, request)
            found, calls = await answering(station, command, partial(_always, response))
            assert calls == [(action, request)]
            assert found == response
        if action not in DIRECTIONS[version.label].from_station:
            assert (await _send(station, action, requests[0]))[:3] == [4, "x", "NotSupported"]


@pytest.mark.parametrize(("folder", "name"), BY_COMMAND)
async def test_by_command(edge: Edge, folder: str, name: str) -> None:
    """From the contract's request to CALLs that the schema takes, and from every answer that it allows back."""
    version, station_id = VERSIONS[folder], edge.new_id()
    choose = chooser(version, name)
    maker = Maker(name, choose)
    async with edge.station(version, station_id) as station:
        await boot(station, version)
        before = edge.tables(station_id)
        commands = [maker.minimal(), maker.maximal(), *maker.every_word()]
        said = set()
        for command in commands:
            said.add(await _give(edge, station, name, command, count=0))
        for outbound in outbounds(version.outbound[name]):
            command = next(made for made in commands if choose(made) is outbound)
            for count in range(len(examples(version.label, outbound.action, "response"))):
                await _give(edge, station, name, command, count=count)
    assert said == {outbound.action for outbound in outbounds(version.outbound[name])}
    assert edge.written(station_id, before) == {*COMMANDS, *COMMAND_TABLES.get(name, ())}


async def _give(edge: Edge, station: RawStation, name: str, command: Any, *, count: int) -> str:
    """Gives a command; the station answers with the example of that number. Returns the action that it got."""
    label = str(station.socket.subprotocol).removeprefix("ocpp")

    def answer(action: str, payload: Any) -> Any:
        check(label, action, "request", payload)
        told = copy.deepcopy(examples(label, action, "response")[count])
        if action == "SetVariables":  # an answer about another variable says nothing of this one
            asked = payload["setVariableData"][0]
            told["setVariableResult"][0] |= {"component": asked["component"], "variable": asked["variable"]}
        if action == "SetVariableMonitoring":
            asked = payload["setMonitoringData"][0]
            named = {name: asked[name] for name in ("component", "variable", "type", "severity")}
            told["setMonitoringResult"][0] |= named
        return told

    found, calls = await answering(station, edge.command(station.url.rpartition("/")[2], name, command), answer)
    assert type(found) is type(getattr(CallResponse(), name))
    [action] = {action for action, _payload in calls}
    return action


def _always(told: Any, _action: str, _payload: Any) -> Any:
    return told


async def _send(station: RawStation, action: str, payload: Any) -> Any:
    await station.send(json.dumps([2, "x", action, payload]))
    return await station.receive()
