"""A station for each case."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.certification.tokens import create_driver
from tests.certification.v201.station import ChargingStation
from tests.gateway.rig import MeshRig


@pytest_asyncio.fixture(loop_scope="module")
async def offline(mesh: MeshRig, request: pytest.FixtureRequest) -> ChargingStation:
    """A station that is not connected yet. It is named by its case, and so is the driver who comes to it."""
    station = ChargingStation(mesh, request.node.name.removeprefix("test_").upper())
    await create_driver(station)
    return station


@pytest_asyncio.fixture(loop_scope="module")
async def station(offline: ChargingStation) -> AsyncIterator[ChargingStation]:
    """A station that has booted, its connectors available. At the end it is still served on the same socket."""
    async with offline.connected():
        socket = offline.station
        await offline.boot()
        yield offline
        if offline.station is socket:
            assert "currentTime" in await offline.call("Heartbeat")
