"""Runs the gateway and all services in one process: `python -m deploy.all_in_one`; for small fleets.

They are the same parts with the same ports, and find each other in the process in place of the network
(mesh/grpc/in_process.py). A mesh without load takes a third of the memory, and a message of a quiet fleet less CPU;
but there is one event loop for all, and they fail and restart together (docs/PERFORMANCE.md, "Layouts").

Settings are those of the parts; CSMS_MESH_KEYS names the folder with the keys of all of them (deploy/mesh_keys.py).
"""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

import structlog

import auth_svc.__main__
import auth_svc.migrations
import gateway.__main__
import gateway.service
import notification_svc.__main__
import notification_svc.migrations
import station_svc.__main__
import station_svc.migrations
import transaction_svc.__main__
import transaction_svc.migrations
from deploy.mesh_keys import MeshKeys
from deploy.process_settings import environment_with_keys
from gateway.settings import GatewaySettings
from gateway.workers import WorkerProcesses
from mesh import service
from mesh.grpc.in_process import InProcessServers
from mesh.runtime.logs import get_logger
from mesh.runtime.process import freeze_startup_objects, run
from mesh.runtime.settings import Environment, ServiceSettings
from mesh.runtime.startup_errors import SettingError
from mesh.service import Build, explaining_databases, read_settings

log = get_logger(__name__)

PROCESS = "all_in_one"


@dataclass(frozen=True, kw_only=True)
class _Service:
    settings: ServiceSettings
    migrations: ModuleType
    build: Build


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The settings of all parts. Services stop in the reverse order, those last that others send to."""

    services: tuple[_Service, ...]
    gateway: GatewaySettings

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Parts":
        """Reads them, each part's from its own settings and keys. Raises SettingError."""
        keys = MeshKeys(Path(Environment(environ).text("CSMS_MESH_KEYS")))
        of = {
            name: Environment(environment_with_keys(name, environ, keys.settings(name)))
            for name in ("auth", "notification", "transaction", "station", "gateway")
        }
        own = {
            "auth": (auth_svc.migrations, auth_svc.__main__.read_build),
            "notification": (notification_svc.migrations, notification_svc.__main__.read_build),
            "transaction": (transaction_svc.migrations, transaction_svc.__main__.read_build),
            "station": (station_svc.migrations, station_svc.__main__.read_build),
        }
        services = tuple(
            _Service(settings=read_settings(of[name], name), migrations=migrations, build=read_build(of[name]))
            for name, (migrations, read_build) in own.items()
        )
        gateway = GatewaySettings.read(of["gateway"])
        if gateway.workers > 1:
            raise SettingError(
                f"CSMS_GATEWAY_WORKERS={gateway.workers}: all parts in one process have one gateway; run the parts as "
                "processes of their own"
            )
        return cls(services=services, gateway=gateway)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses at which they call each other."""
        return (*(one.settings.mesh_address for one in self.services), self.gateway.mesh_address)


async def start(stack: AsyncExitStack, parts: Parts) -> None:
    """Starts all parts, and adds their stops to `stack`. Raises SettingError, or the database's own error."""
    stack.enter_context(InProcessServers(parts.addresses).shared())
    for one in parts.services:
        _name_logs(f"{one.settings.name}_svc")
        await service.start(stack, one.settings, one.migrations, one.build)
    _name_logs("gateway")
    running = await gateway.service.start(stack, parts.gateway)
    gateway.__main__.reload_on_hang_up(stack, running, WorkerProcesses(count=0))
    _name_logs(PROCESS)


def _name_logs(part: str) -> None:
    """Has the lines of all that is started from now on carry this name."""
    structlog.contextvars.bind_contextvars(process=part)


async def _serve(stop: asyncio.Event, *, environ: Mapping[str, str]) -> None:
    parts = Parts.read(environ)
    async with AsyncExitStack() as stack:
        await start(stack, parts)
        freeze_startup_objects()
        await stop.wait()
        log.info("stopping")


def main() -> None:
    """Runs all parts with the settings of this process's environment."""
    with explaining_databases(PROCESS):
        run(PROCESS, partial(_serve, environ=os.environ), environ=os.environ)


if __name__ == "__main__":
    main()
