"""The keys of a mesh for tests: made once in each process of the run, and removed with it."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import grpc

from deploy.mesh_keys import MeshKeys
from mesh.contract.options import callers_of
from mesh.contract.published import contract_files
from mesh.contract.services import MESH_SERVICES
from mesh.identity.key_files import OPTIONAL_PARTS
from mesh.identity.mesh_identity import MeshIdentity
from mesh.runtime.settings import Environment, MeshSettings


@cache
def mesh_keys() -> MeshKeys:
    """The keys of the tests' mesh."""
    folder = Path(tempfile.mkdtemp(prefix="csms-test-keys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    keys = MeshKeys(folder)
    keys.make(OPTIONAL_PARTS)
    return keys


def mesh_environment(part: str) -> dict[str, str]:
    """The settings by which a process of this part proves itself in the tests' mesh."""
    return dict(mesh_keys().settings(part))


def mesh_settings(part: str) -> MeshSettings:
    """The same, read."""
    return MeshSettings.read(Environment(mesh_environment(part)), part)


@cache
def identity_of(part: str) -> MeshIdentity:
    """A process of this part in the tests' mesh."""
    return MeshIdentity(mesh_settings(part))


class _AsSomeCaller(grpc.aio.UnaryUnaryClientInterceptor):
    """Proves for each call a part that may make it, by the contract."""

    def __init__(self, to: str) -> None:
        callers = callers_of(contract_files(), MESH_SERVICES[to])
        self._proofs = {method: identity_of(min(parts)).proofs(to) for method, parts in callers.items()}

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        method = client_call_details.method
        proofs = self._proofs[method if isinstance(method, str) else method.decode()]
        metadata = grpc.aio.Metadata(*(client_call_details.metadata or ()), *proofs())
        return await continuation(client_call_details._replace(metadata=metadata), request)


def open_callers_channel(address: str, to: str) -> grpc.aio.Channel:
    """A channel to the mesh port of the part `to`: each unary call is one of a part that may make it."""
    return grpc.aio.insecure_channel(address, interceptors=[_AsSomeCaller(to)])
