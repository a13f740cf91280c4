"""One mesh for the cases of a file."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.certification.tokens import TOKENS, create_token
from tests.gateway.rig import MeshRig, running_mesh


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MeshRig]:
    """The real gateway and services, with the tokens."""
    folder = tmp_path_factory.mktemp("mesh")
    async with running_mesh(f"sqlite:///{folder / 'test.db'}", CSMS_UNKNOWN_TOKENS="reject") as rig:
        for token in TOKENS:
            await create_token(rig, token)
        yield rig
