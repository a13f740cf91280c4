"""One mesh for the cases of a file."""

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from gateway.settings import TlsSettings
from tests.certification.tokens import TOKENS, create_token
from tests.gateway.rig import MeshRig, running_mesh_with


@pytest.fixture(scope="module")
def further_settings() -> Mapping[str, str]:
    """Settings of the mesh; a file of cases that needs some overrides this."""
    return {}


@pytest.fixture(scope="module")
def tls() -> TlsSettings | None:
    """TLS of the gateway; a file of cases that needs it overrides this."""
    return None


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def mesh(
    tmp_path_factory: pytest.TempPathFactory, further_settings: Mapping[str, str], tls: TlsSettings | None
) -> AsyncIterator[MeshRig]:
    """The real gateway and services, with the tokens."""
    folder = tmp_path_factory.mktemp("mesh")
    url, settings = f"sqlite:///{folder / 'test.db'}", {"CSMS_UNKNOWN_TOKENS": "reject", **further_settings}
    async with running_mesh_with(url, tls, settings) as rig:
        for token in TOKENS:
            await create_token(rig, token)
        yield rig
