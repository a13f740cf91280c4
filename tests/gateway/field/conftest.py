"""The field: a real mesh on SQLite, and beside the station with the quirk one that behaves."""

from collections.abc import AsyncIterator

import pytest

from tests.gateway.field.kit import Field
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import MeshRig


@pytest.fixture
async def field(mesh: MeshRig) -> AsyncIterator[Field]:
    """The mesh; whatever the test does, a well-behaved station is served on its socket and has no quirk counted."""
    async with RawStation(mesh.station_url("BYSTANDER")) as bystander:
        await bystander.boot()
        yield Field(mesh)
        assert "currentTime" in await bystander.call("Heartbeat", {})
        assert await Field(mesh).quirks("BYSTANDER") == {}
