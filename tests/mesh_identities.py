"""The keys of a mesh for tests: made once in each process of the run, and removed with it."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from deploy.mesh_keys import MeshKeys
from mesh.identity.front_door import read_front_door_secrets
from mesh.identity.mesh_identity import MeshIdentity
from mesh.runtime.settings import Environment, MeshSettings


@cache
def mesh_keys() -> MeshKeys:
    """The keys of the tests' mesh."""
    folder = Path(tempfile.mkdtemp(prefix="csms-test-keys-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    keys = MeshKeys(folder)
    keys.make()
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


def front_door_secret() -> str:
    """The secret by which Envoy proves itself in the tests' mesh."""
    [secret] = read_front_door_secrets(Environment(mesh_environment("gateway")))
    return secret
