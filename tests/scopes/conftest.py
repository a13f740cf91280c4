"""The four services, and callers who are limited to parts of a tenant."""

from collections.abc import AsyncIterator

import pytest

from tests.conftest import FakeClock
from tests.scopes.rig import ScopedMesh, populate, running


@pytest.fixture
def schemas() -> tuple[str, ...]:
    """The database has the schemas of all services."""
    return ("station", "transaction", "auth", "notification")


@pytest.fixture
async def scoped_mesh(
    database_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ScopedMesh]:
    """The services, with two towns in them."""
    async with running(database_url, clock, monkeypatch) as found:
        await populate(found)
        yield found
