"""A relay in a process of its own, for tests that kill it."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any

from mesh.database.engine import Database, make_engine
from mesh.events import relay
from mesh.grpc.channels import open_channel
from mesh.identity.mesh_identity import MeshIdentity
from mesh.runtime.settings import MeshSettings
from mesh.runtime.times import now_us

SCHEMA = "station"
# Not counted: they run for each row of a batch, and change nothing.
_PER_ROW = frozenset({"_to_item", "_cut", "<listcomp>"})


def relay_until_killed(url: str, address: str, mesh: MeshSettings, lines: int | None) -> None:
    """Relays the outbox at `url`; with `lines`, dies by SIGKILL before the relay's so-manieth line is executed."""
    if lines is not None:
        sys.settrace(_killer(lines))
    asyncio.run(_relay(url, address, mesh))


async def _relay(url: str, address: str, mesh: MeshSettings) -> None:
    async with open_channel(address, identity=MeshIdentity(mesh), to="notification") as channel:
        database = Database(engine=make_engine(url, SCHEMA))
        await relay.Relay(
            database=database, channel=channel, source="station", clock=now_us, poll_s=0.02, linger_s=0.001
        ).run()


def _killer(lines: int) -> Callable[[FrameType, str, Any], Any]:
    executed = count(1)

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename != relay.__file__ or frame.f_code.co_name in _PER_ROW:
            return None
        if event == "line" and next(executed) == lines:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    return trace
