"""One mesh for all tests of a file: each of them has stations of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.conformance.edge import Edge, running_edge


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    """The real gateway and services, on SQLite."""
    async with running_edge(tmp_path_factory.mktemp("mesh")) as found:
        yield found
