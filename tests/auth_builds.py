"""Builds auth_svc for meshes of tests, in this process."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

from argon2 import PasswordHasher

import auth_svc.service
from auth_svc.settings import AuthSettings
from mesh.database.engine import Database
from mesh.runtime.settings import Environment
from mesh.runtime.times import Clock
from mesh.service import Parts

# Cheap on purpose: what argon2id costs is not what these tests are about.
_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def auth_build(env: Environment, clock: Clock) -> Callable[[Database, AsyncExitStack], Awaitable[Parts]]:
    """The builder of auth_svc for `mesh.service.start`. Nobody is shown the administrator's password."""
    settings = AuthSettings.read(env)
    return partial(auth_svc.service.build, settings=settings, clock=clock, hasher=_HASHER, announce=lambda _line: None)
