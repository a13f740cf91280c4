"""A feature, as it registers with the service. catalogue.py lists all, and service.py puts their parts together."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from sqlalchemy import Connection

from mesh.database.engine import Database
from mesh.grpc.servers import AddServicer
from mesh.grpc.types import Context
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.times import Clock
from station_svc.commands.evses import resolve_evse
from station_svc.commands.hooks import NO_HOOKS, CommandHooks, together
from station_svc.commands.sender import CommandSender
from station_svc.commands.socket_closer import SocketCloser
from station_svc.core.reports import Boot, Status, VersionChange
from station_svc.core.rows import Frame
from station_svc.core.storage import Storage
from station_svc.jobs.runner import JobKind
from station_svc.jobs.sender import JobSender

T = TypeVar("T")

ReportHandler = Callable[[Connection, Sequence[tuple[Frame, Any]]], None]
"""`handler(connection, reports)` records reports of one kind, a part of the transaction of a batch.

They come in the order of their stations, and of the frames of each; the stations exist and are locked. Frames may come
again, and late: the same (epoch, ordinal) must do the same. An error that it raises fails those reports alone.
"""

BootHandler = Callable[[Connection, Sequence[Boot]], None]
"""`handler(connection, boots)` follows boots that were recorded in the same transaction; their stations are locked."""

VersionChangeHandler = Callable[[Connection, Sequence[VersionChange]], None]
"""`handler(connection, changes)` follows stations that booted over another OCPP version, in the same transaction.

Their stations are locked. It may be called again for a boot that is repeated.
"""

StatusHandler = Callable[[Connection, Sequence[Status]], None]
"""`handler(connection, statuses)` follows connectors whose status became another one, in the same transaction."""

DueHandler = Callable[..., int]
"""`handler(connection, now_us=…, limit=…)` ends up to so many things whose time has come, and returns how many."""

Preparation = Callable[[Any, Context | None], Awaitable[CommandHooks]]
"""`await prepare(sent, context)` checks a command before it leaves, and may fill in what is sent, in place.

It returns what the command changes beside its own record. `context` is of an operator's call, None for a job. What is
filled in stays when it is prepared again. Raises MeshError for a command that is not sent.
"""


class Preparations:
    """The preparations of all commands, once all features are built: for jobs that give commands of any feature."""

    def __init__(self) -> None:
        self._by_rpc: dict[str, list[Preparation]] = {}

    def add(self, commands: Mapping[str, Preparation]) -> None:
        """Adds those of a feature, by RPC of CommandService."""
        for rpc, prepare in commands.items():
            self._by_rpc.setdefault(rpc, []).append(prepare)

    async def prepare(self, rpc: str, sent: Any, context: Context | None) -> CommandHooks:
        """Prepares a command, in place, as its RPC does."""
        if {"evse", "evse_id"} <= set(sent.DESCRIPTOR.fields_by_name):
            resolve_evse(sent)
        return together([await prepare(sent, context) for prepare in self._by_rpc[rpc]])


async def as_it_is(_sent: Any, _context: Context | None) -> CommandHooks:
    """The Preparation of a command that is sent as it is given, and changes nothing here."""
    return NO_HOOKS


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The resources that features are built from. `transactions` is None where there is no transaction_svc."""

    database: Database
    clock: Clock
    auth: grpc.aio.Channel
    tenants: TenantDirectory
    transactions: grpc.aio.Channel | None
    closer: SocketCloser
    sender: CommandSender  # for operators
    job_sender: JobSender
    preparations: Preparations


@dataclass(frozen=True, kw_only=True)
class FeatureParts:
    """The running parts of a feature: servicers on the operators' port, kinds of jobs by name, and commands.

    `commands` are by RPC of CommandService; where several features prepare one, their hooks are called in turn.
    """

    operator: Sequence[AddServicer] = ()
    jobs: Mapping[str, JobKind] = field(default_factory=dict)
    commands: Mapping[str, Preparation] = field(default_factory=dict)


def _no_parts(_resources: Resources) -> FeatureParts:
    return FeatureParts()


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One feature. `reports` are by field of csms.station.v1.ReportItem.report."""

    storage: Storage = field(default_factory=Storage)
    reports: Mapping[str, ReportHandler] = field(default_factory=dict)
    on_boots: BootHandler | None = None
    on_version_changes: VersionChangeHandler | None = None
    on_statuses: StatusHandler | None = None
    end_due: DueHandler | None = None
    build: Callable[[Resources], FeatureParts] = _no_parts


def merged(registered: Iterable[Mapping[str, T]]) -> dict[str, T]:
    """The mapping of all registrations of features under names. Raises ValueError where two have the same name."""
    found: dict[str, T] = {}
    for one in registered:
        if taken := found.keys() & one.keys():
            raise ValueError(f"registered twice: {', '.join(sorted(taken))}")
        found |= one
    return found
