"""A mesh in one process for the tests of the edge."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.brokers import amqp_url, broker  # noqa: F401 - fixtures
from tests.gateway.rig import SCHEMAS, MeshRig, running_mesh


@pytest.fixture
def schemas() -> tuple[str, ...]:
    """The database has the schemas of the services that a gateway calls."""
    return SCHEMAS


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[MeshRig]:
    """The whole mesh on SQLite, for what does not depend on the database."""
    async with running_mesh(f"sqlite:///{tmp_path / 'test.db'}") as rig:
        yield rig


@pytest.fixture
async def mesh_on_both(database_url: str) -> AsyncIterator[MeshRig]:
    """The whole mesh, on SQLite and on PostgreSQL."""
    async with running_mesh(database_url) as rig:
        yield rig
