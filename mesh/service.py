"""The frame of a gRPC service: its database, its two servers, its metrics, in the right order up and down."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import ModuleType

from sqlalchemy.exc import DBAPIError

from mesh.audit import chain_store
from mesh.audit.calls import CallAudit
from mesh.audit.linker import Linker, PassOn, to_outbox
from mesh.audit.verification import report
from mesh.contract.services import MESH_SERVICES, OPERATOR_SERVICES, OPTIONAL_OPERATOR_SERVICES
from mesh.database import migrate
from mesh.database.engine import Database, is_unavailable, make_engine
from mesh.database.retention import RetentionTask, older_than
from mesh.grpc.call_watch import UNAUDITED
from mesh.grpc.operator_interceptor import LastWords
from mesh.grpc.servers import AddServicer, GrpcServer, add_reflection, mesh_server, operator_server
from mesh.grpc.station_scopes import StationScopes
from mesh.identity.front_door import read_front_door_secrets
from mesh.identity.mesh_identity import MeshIdentity
from mesh.identity.operator_access import OperatorAccess
from mesh.identity.tickets import Tickets
from mesh.runtime.background import Background, keep
from mesh.runtime.logs import get_logger
from mesh.runtime.masking import mask_text
from mesh.runtime.metrics import serve_metrics
from mesh.runtime.process import EX_CONFIG, freeze_startup_objects, run
from mesh.runtime.settings import Environment, ServiceSettings, database_url
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import now_us
from mesh.tenant_export import ExportedTables, export_tenant
from mesh.tenant_storage import TRIMMED

log = get_logger(__name__)

_AUDIT_RETENTION_EVERY_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a service beside its frame."""

    access: OperatorAccess
    mesh: Sequence[AddServicer]
    operator: Sequence[AddServicer]
    # Where stations stand, for a service with methods about one of them.
    scopes: StationScopes | None = None
    background: Sequence[Background] = ()
    # Called first when the service stops, to end calls that would not end by themselves.
    on_stop: Sequence[Callable[[], None]] = ()
    # Passes linked audit entries on: to notification_svc, which has them as they are.
    pass_on_audit: PassOn = to_outbox
    # Of methods that take a ticket, and of streams for REST callers.
    tickets: Tickets | None = None
    last_words: LastWords | None = None


@dataclass(frozen=True, kw_only=True)
class RunningService:
    """A service that serves: its database and the ports it is bound to."""

    database: Database
    mesh_port: int
    operator_port: int
    metrics_port: int


Build = Callable[[Database, AsyncExitStack], Awaitable[Parts]]
"""Makes the parts of a service on its database; what must be closed goes onto the stack."""

BuildFactory = Callable[[Environment], Build]
"""Reads the settings of a service's own, and returns what builds it. Raises SettingError."""


def run_service(
    name: str,
    migrations: ModuleType,
    build_factory: BuildFactory,
    *,
    exported: ExportedTables,
    environ: Mapping[str, str],
) -> None:
    """Serves until a signal stops the process; with the argument `migrate`, migrates and exits.

    With `export` and a tenant's id it writes the tenant's rows to standard output and exits. With `verify-audit` it
    verifies the audit in its database, prints the result, and exits: 1 where there is a fault. `name` is "station",
    "transaction", "auth" or "notification". A wrong setting, or a database that is unavailable at the start, is
    reported in one line on standard error.
    """
    env = Environment(environ)
    match sys.argv[1:]:
        case []:
            work = partial(_serve, env=env, name=name, migrations=migrations, build_factory=build_factory)
        case ["migrate"]:
            work = partial(_migrate, env=env, name=name, migrations=migrations)
        case ["export", tenant_id]:
            work = partial(_export, env=env, name=name, exported=exported, tenant_id=tenant_id)
        case ["verify-audit"]:
            sys.exit(_verify_audit(env, name))
        case _:
            sys.stderr.write(f"usage: python -m {name}_svc [migrate | export TENANT | verify-audit]\n")
            sys.exit(2)
    with explaining_databases(f"{name}_svc"):
        run(f"{name}_svc", work, environ=environ)


@contextmanager
def explaining_databases(process: str) -> Iterator[None]:
    """Ends the process with one line on standard error where its database is unavailable at the start."""
    try:
        yield
    except DBAPIError as error:
        if not is_unavailable(error):
            raise
        reason = " ".join(str(error.orig).split())
        sys.stderr.write(f"{process}: cannot use the database: {mask_text(reason)}\n")
        sys.exit(1)


def read_settings(env: Environment, name: str) -> ServiceSettings:
    """The settings that each service has. Raises SettingError."""
    return replace(ServiceSettings.read(env, name), front_door_secrets=read_front_door_secrets(env))


async def _serve(
    stop: asyncio.Event, *, env: Environment, name: str, migrations: ModuleType, build_factory: BuildFactory
) -> None:
    settings = read_settings(env, name)
    build = build_factory(env)
    await serve(stop, settings, migrations, build)


async def _migrate(_stop: asyncio.Event, *, env: Environment, name: str, migrations: ModuleType) -> None:
    engine = make_engine(database_url(env, name), name)
    try:
        await asyncio.to_thread(migrate.upgrade, engine, migrations, name)
    finally:
        engine.dispose()
    log.info("migrated", schema=name)


def _verify_audit(env: Environment, name: str) -> int:
    """Verifies the chains of the service's own database; returns the exit status."""
    try:
        engine = make_engine(database_url(env, name), name)
        with closing(engine.connect()) as connection, connection.begin():
            lines, has_faults = report(chain_store.verify_all(connection, source=name))
    except SettingError as error:
        sys.stderr.write(f"{name}_svc: {error}\n")
        return EX_CONFIG
    except DBAPIError as error:
        sys.stderr.write(f"{name}_svc: cannot read the audit: {mask_text(' '.join(str(error.orig).split()))}\n")
        return EX_CONFIG
    engine.dispose()
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 1 if has_faults else 0


async def _export(
    _stop: asyncio.Event, *, env: Environment, name: str, exported: ExportedTables, tenant_id: str
) -> None:
    engine = make_engine(database_url(env, name), name)

    def write() -> None:
        for line in export_tenant(engine, exported, tenant_id):
            sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    try:
        await asyncio.to_thread(write)
    finally:
        engine.dispose()


async def start(
    stack: AsyncExitStack, settings: ServiceSettings, migrations: ModuleType, build: Build
) -> RunningService:
    """Starts a service, and adds its stops to `stack`: servers first, the parts that they depend on afterwards.

    Raises SettingError where a port is in use, MeshError or the database's own error where migrating fails.
    """
    database = Database(engine=make_engine(settings.database_url, settings.name))
    stack.push_async_callback(database.close)
    if settings.auto_migrate:
        await asyncio.to_thread(migrate.upgrade, database.engine, migrations, settings.name)
    parts = await build(database, stack)
    audit = CallAudit(database=database)
    mesh, operator = _servers(settings, parts, audit)
    for counted in (audit.refused, audit.reads):
        stack.push_async_callback(counted.close)
    for task in (*parts.access.background, *parts.background, *_audit_tasks(database, settings, parts, audit)):
        stack.push_async_callback(_cancel, asyncio.create_task(keep(task)))
    await mesh.start()
    stack.push_async_callback(mesh.stop)
    await operator.start(ready=False)
    stack.push_async_callback(operator.stop)
    stack.push_async_callback(_cancel, asyncio.create_task(_tell_ready(operator, parts.access)))
    for stopping in parts.on_stop:
        stack.callback(stopping)
    running = RunningService(
        database=database,
        mesh_port=mesh.port,
        operator_port=operator.port,
        metrics_port=serve_metrics(
            stack, settings.metrics_address, [UNAUDITED, TRIMMED, *([operator.limits] if operator.limits else [])]
        ),
    )
    log.info("serving", mesh_port=mesh.port, operator_port=operator.port, metrics_port=running.metrics_port)
    return running


async def serve(stop: asyncio.Event, settings: ServiceSettings, migrations: ModuleType, build: Build) -> None:
    """Runs a service until `stop` is set, then lets the calls in flight end."""
    async with AsyncExitStack() as stack:
        await start(stack, settings, migrations, build)
        freeze_startup_objects()
        await stop.wait()
        log.info("stopping")


async def _tell_ready(operator: GrpcServer, access: OperatorAccess) -> None:
    """Sets the operator port ready once the service can find its callers, who are known to auth_svc.

    The processes of a mesh start at the same time. Messages of stations, at the mesh port, do not depend on this.
    """
    await access.until_ready()
    await operator.tell(ready=True)
    log.info("ready for operators")


def _audit_tasks(database: Database, settings: ServiceSettings, parts: Parts, audit: CallAudit) -> Sequence[Background]:
    """The tasks of the audit: to count calls, to link entries, and to remove old ones."""
    linker = Linker(database=database, source=settings.name, pass_on=parts.pass_on_audit)
    retention = RetentionTask(
        database=database,
        clock=now_us,
        removals=[older_than(settings.audit_days, chain_store.remove_old)],
        every_s=_AUDIT_RETENTION_EVERY_S,
    )
    return (audit.refused.run, audit.reads.run, linker.run, retention.run)


def _servers(settings: ServiceSettings, parts: Parts, audit: CallAudit) -> tuple[GrpcServer, GrpcServer]:
    identity = MeshIdentity(settings.mesh)
    mesh = mesh_server(settings.mesh_address, identity=identity, services=MESH_SERVICES[settings.name])
    operator = operator_server(
        settings.operator_address,
        access=parts.access,
        services=OPERATOR_SERVICES[settings.name],
        scopes=parts.scopes,
        reflection_open=settings.reflection_open,
        call_rules=settings.call_rules,
        front_door_secrets=settings.front_door_secrets,
        watch=audit,
        tickets=parts.tickets,
        last_words=parts.last_words,
    )
    for add_servicer in parts.mesh:
        mesh.add(add_servicer)
    for add_servicer in parts.operator:
        operator.add(add_servicer)
    if settings.reflection:
        optional = {part: OPTIONAL_OPERATOR_SERVICES[part] for part in settings.optional_parts}
        add_reflection(operator, (name for names in (OPERATOR_SERVICES | optional).values() for name in names))
    return mesh, operator


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
