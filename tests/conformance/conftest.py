"""One mesh for all tests of a file: each of them has stations of its own."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import settings

from tests.conformance.edge import Edge, running_edge
from tests.waiting import PATIENCE_S


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def edge(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Edge]:
    """The real gateway and services, on SQLite; that a busy machine takes its time is no failure of theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gateway.batching.mesh_client.ATTEMPT_TIMEOUT_S", PATIENCE_S)
        patch.setattr("gateway.lease._FIRST_TIMEOUT_S", PATIENCE_S / 6)
        patch.setattr("gateway.websocket.admissions.OPENING_BUDGET_S", PATIENCE_S)
        # The fuzzers send nothing but bad frames, far more than any station may.
        patch.setattr("gateway.connection.station_budgets.MALFORMED_FRAMES_PER_MINUTE", 1_000_000)
        async with running_edge(tmp_path_factory.mktemp("mesh")) as found:
            yield found


# The profile of `make fuzz`: other frames each time, and more of them.
settings.register_profile(
    "fuzz",
    settings.get_profile("default"),
    max_examples=int(os.environ.get("CSMS_FUZZ_FRAMES", "20000")),
    print_blob=True,
)
