"""A running notification_svc for each test, on both kinds of database."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.brokers import amqp_url, broker  # noqa: F401 - fixtures
from tests.conftest import FakeClock
from tests.notification_svc.rig import Notifications, start_notifications


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """A stack that is unwound at the end of the test."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def schemas() -> tuple[str, ...]:
    """The database has the schema of notification_svc."""
    return ("notification",)


@pytest.fixture
async def notifications(stack: AsyncExitStack, database_url: str, clock: FakeClock) -> Notifications:
    """notification_svc."""
    return await start_notifications(stack, database_url, clock)
