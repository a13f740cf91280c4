"""Sessions with stations on other people's libraries: neither side finds a fault in what the other says."""

from typing import Any

import pytest
from csms.station.v1 import station_service_pb2

from gateway.ocpp.translation import Routes
from mesh.contract.quirk_names import QuirkName
from tests.conformance.catalogue import DIRECTIONS
from tests.conformance.commands import Maker
from tests.conformance.edge import Edge, examples
from tests.conformance.foreign import STATIONS, ForeignStation
from tests.conformance.node import why_not
from tests.conformance.ocpp_table import VERSIONS, chooser, commands_by_action
from tests.gateway.rig import TIMEOUT_S

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIBRARIES = [
    pytest.param("ocpp-rpc", marks=pytest.mark.skipif(bool(why_not()), reason=why_not())),
    "ocpp",
]
# Made-up messages have odd meanings, which are counted: values as texts, transactions that nobody started. Their form
# is as it should be, or other quirks would be met.
ODDITIES = {
    QuirkName.CLOCK_SKEW,
    QuirkName.FRAMES_NOT_LOGGED,  # all messages of a version in a few seconds are more than a station may have logged
    QuirkName.METER_ROLLBACK,
    QuirkName.REBOOTED_SOON,
    QuirkName.REPEATED_EVENT,
    QuirkName.SAMPLED_VALUE_TEXT,
    QuirkName.SEQ_GAP,
    QuirkName.UNKNOWN_TRANSACTION,
    QuirkName.VALUES_AFTER_END,
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("folder", VERSIONS)
async def test_a_whole_session(edge: Edge, folder: str, library: str) -> None:
    """Every message that the version lets stations send, every command, least and most: no fault on either side."""
    version, station_id = VERSIONS[folder], edge.new_id()
    async with STATIONS[library](edge.mesh.station_url(station_id), version.ocpp.subprotocol) as station:
        await _say_everything(station, version)
        if folder == "v16":
            await _charge(station)
        told = await _be_told_everything(edge, station, station_id, version)
        assert set(station.commands) == told == DIRECTIONS[version.label].to_station
        assert station.faults == []
        assert await _quirks(edge, station_id) <= ODDITIES


async def _say_everything(station: ForeignStation, version: Routes) -> None:
    """BootNotification first, then every message, those that are not handled too."""
    actions = sorted(DIRECTIONS[version.label].from_station, key=lambda action: action != "BootNotification")
    for action in actions:
        for payload in examples(version.label, action, "request")[:2]:
            answer = await station.call(action, payload)
            if action not in version.inbound:
                assert answer == "NotSupported"
            else:
                assert not isinstance(answer, str), (action, answer, station.faults)


async def _charge(station: ForeignStation) -> None:
    """A session as drivers have it."""
    start = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": "2026-01-01T10:00:00Z"}
    started = await station.call("StartTransaction", start)
    number = started["transactionId"] if isinstance(started, dict) else started.transaction_id
    assert number > 0
    sample = {"timestamp": "2026-01-01T10:15:00Z", "sampledValue": [{"value": "2500"}]}
    await station.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [sample]})
    stop = {"transactionId": number, "meterStop": 5005, "timestamp": "2026-01-01T10:30:00Z", "reason": "EVDisconnected"}
    assert not isinstance(await station.call("StopTransaction", stop), str)


async def _be_told_everything(edge: Edge, station: ForeignStation, station_id: str, version: Routes) -> set[str]:
    """Every command by its RPC, every other action by SendCall, answered with the least and with the most."""
    told = set()
    for name in version.outbound:
        maker, choose = Maker(name, chooser(version, name)), chooser(version, name)
        for command in (maker.minimal(), maker.maximal(), *maker.every_word()):
            action = choose(command).action
            told.add(action)
            for answer in examples(version.label, action, "response")[:2]:
                await station.set_answers({action: answer})
                await edge.command(station_id, name, command)
    for action in DIRECTIONS[version.label].to_station - set(commands_by_action(version)):
        told.add(action)
        requests, responses = (examples(version.label, action, kind)[:2] for kind in ("request", "response"))
        for request, response in zip(requests, responses, strict=True):
            await station.set_answers({action: response})
            assert await edge.mesh.send_call(station_id, action, request) == response
    return told


async def _quirks(edge: Edge, station_id: str) -> set[str]:
    """The quirks that the gateway has counted for a station, reported to station_svc or not yet."""
    [session] = [found for found in edge.mesh.gateway.registry if found.connection.station_id == station_id]
    waiting: set[str] = set(session.reports.quirks)
    request = station_service_pb2.GetStationRequest(station_id=station_id)
    response: Any = await edge.mesh.stations.GetStation(request, metadata=edge.mesh.metadata, timeout=TIMEOUT_S)
    return waiting | set(response.station.quirks)
