"""A charge point for each case."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.certification.tokens import create_driver
from tests.certification.v16.charge_point import ChargePoint
from tests.gateway.rig import MeshRig


@pytest_asyncio.fixture(loop_scope="module")
async def offline(mesh: MeshRig, request: pytest.FixtureRequest) -> ChargePoint:
    """A charge point that is not connected yet. It is named by its case, and so is the driver who comes to it."""
    charge_point = ChargePoint(mesh, request.node.name.removeprefix("test_").upper())
    await create_driver(charge_point)
    return charge_point


@pytest_asyncio.fixture(loop_scope="module")
async def charge_point(offline: ChargePoint) -> AsyncIterator[ChargePoint]:
    """A charge point that has booted, its connectors available. At the end it is still served on the same socket."""
    async with offline.connected():
        socket = offline.station
        await offline.boot()
        yield offline
        if offline.station is socket:
            assert "currentTime" in await offline.call("Heartbeat")
