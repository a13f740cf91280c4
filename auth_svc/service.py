"""auth_svc put together: its servicers, and what runs beside them."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress

from argon2 import PasswordHasher
from csms.auth.v1.api_key_service_pb2_grpc import add_ApiKeyServiceServicer_to_server
from csms.auth.v1.authorization_service_pb2_grpc import add_AuthorizationServiceServicer_to_server
from csms.auth.v1.caller_service_pb2_grpc import add_CallerServiceServicer_to_server
from csms.auth.v1.data_export_service_pb2_grpc import add_DataExportServiceServicer_to_server
from csms.auth.v1.driver_erasure_directory_service_pb2_grpc import (
    add_DriverErasureDirectoryServiceServicer_to_server,
)
from csms.auth.v1.driver_erasure_service_pb2_grpc import add_DriverErasureServiceServicer_to_server
from csms.auth.v1.id_token_service_pb2_grpc import add_IdTokenServiceServicer_to_server
from csms.auth.v1.invitation_service_pb2_grpc import add_InvitationServiceServicer_to_server
from csms.auth.v1.role_service_pb2_grpc import add_RoleServiceServicer_to_server
from csms.auth.v1.sign_in_service_pb2_grpc import add_SignInServiceServicer_to_server
from csms.auth.v1.tenant_directory_service_pb2_grpc import add_TenantDirectoryServiceServicer_to_server
from csms.auth.v1.tenant_service_pb2_grpc import add_TenantServiceServicer_to_server
from csms.auth.v1.user_service_pb2_grpc import add_UserServiceServicer_to_server
from csms.condition.v1.condition_source_service_pb2_grpc import add_ConditionSourceServiceServicer_to_server
from sqlalchemy.exc import IntegrityError

from auth_svc import driver_erasures, user_store
from auth_svc.administrator import ensure_administrator
from auth_svc.api_key_servicer import ApiKeyServicer
from auth_svc.authorization_servicer import AuthorizationServicer
from auth_svc.built_in_tenants import ensure_platform_administrator, ensure_tenants
from auth_svc.caller_changes import CallerChangeFeed
from auth_svc.caller_servicer import CallerServicer
from auth_svc.callers import DirectCallers, LocalDirectory
from auth_svc.certificate_parts import CertificateParts
from auth_svc.conditions import condition_queries
from auth_svc.data_export_servicer import DataExportServicer
from auth_svc.driver_erasure_servicer import DriverErasureDirectoryServicer, DriverErasureServicer
from auth_svc.driver_erasures import DriverErasures
from auth_svc.export import EXPORTED
from auth_svc.housekeeping import Housekeeper, retention_task
from auth_svc.id_token_servicer import IdTokenServicer
from auth_svc.invitation_servicer import InvitationServicer
from auth_svc.keys import SigningKeys
from auth_svc.login_checks import LoginChecks
from auth_svc.login_throttle import LoginThrottle
from auth_svc.models import metadata
from auth_svc.passwords import Passwords
from auth_svc.role_servicer import RoleServicer
from auth_svc.seen_tokens import SeenTokens
from auth_svc.session_limits import SessionLimits
from auth_svc.sessions import Sessions
from auth_svc.settings import AuthSettings
from auth_svc.sign_in_servicer import SignInServicer
from auth_svc.stored_keys import adopt_keys
from auth_svc.tenant_directory import KEPT_TABLES, LocalTenants, TenantDirectoryServicer, TenantErasures
from auth_svc.tenant_servicer import TenantServicer
from auth_svc.user_servicer import UserServicer
from mesh.audit import chain_store
from mesh.conditions.servicer import ConditionSourceServicer
from mesh.data_export import DataExports
from mesh.database.engine import Database
from mesh.database.retention import RetentionTask
from mesh.driver_erasure import DriverErasures as Erasing
from mesh.events.relay import open_relay
from mesh.grpc.servers import AddServicer
from mesh.identity.mesh_identity import MeshIdentity
from mesh.identity.operator_access import OperatorAccess
from mesh.identity.operators import TokenVerifier
from mesh.identity.tenants import TenantDirectory
from mesh.runtime.background import Background
from mesh.runtime.times import SECOND_US, Clock
from mesh.service import Parts
from mesh.tenant_erasure import TenantErasure


async def build(
    database: Database,
    stack: AsyncExitStack,
    *,
    settings: AuthSettings,
    clock: Clock,
    hasher: PasswordHasher,
    announce: Callable[[str], None],
) -> Parts:
    """Makes the first key and the first administrator where they are missing, and the servicers.

    `announce` gets the one line that has a generated password.
    """
    passwords = _passwords(hasher, stack)
    keys = SigningKeys(database=database, clock=clock, ring=settings.ring)
    await _prepare(database, keys, passwords, settings=settings, clock=clock, announce=announce)
    local_tenants = LocalTenants(database=database)
    tenants = await _tenant_directory(local_tenants)
    feed = stack.enter_context(CallerChangeFeed(database=database).following())
    directory = LocalDirectory(database=database, feed=feed, clock=clock)
    seen = _seen_tokens(database, stack, clock)
    certificates = CertificateParts(database, settings, clock)
    erasures = TenantErasures(database=database, clock=clock)
    mesh = _mesh(database, keys, seen=seen, tenants=tenants, settings=settings, clock=clock)
    drivers = DriverErasures(database=database, clock=clock)
    return Parts(
        access=_access(database, stack, directory, keys, clock, tenants=tenants),
        mesh=[*mesh, *_directories(directory, local_tenants, erasures, drivers), *certificates.mesh()],
        operator=[
            *_operators(database, passwords, keys, tenants, certificates, settings=settings, clock=clock),
            *_administration(database, passwords, clock),
            _tenants(database, passwords, tenants, settings, clock),
            *_privacy(database, drivers),
        ],
        background=[
            *_maintenance(database, stack, keys, seen, settings=settings, clock=clock),
            *_erasures(database, tenants, erasures, drivers),
        ],
        on_stop=[feed.stop, local_tenants.stop],
    )


def _passwords(hasher: PasswordHasher, stack: AsyncExitStack) -> Passwords:
    passwords = Passwords(hasher=hasher)
    stack.push_async_callback(passwords.close)
    return passwords


def _seen_tokens(database: Database, stack: AsyncExitStack, clock: Clock) -> SeenTokens:
    seen = SeenTokens(database=database, clock=clock)
    stack.push_async_callback(seen.flush)
    return seen


async def _tenant_directory(source: LocalTenants) -> TenantDirectory:
    tenants = TenantDirectory(source=source, wait_s=0.0)
    await tenants.refresh()
    return tenants


def _maintenance(
    database: Database,
    stack: AsyncExitStack,
    keys: SigningKeys,
    seen: SeenTokens,
    *,
    settings: AuthSettings,
    clock: Clock,
) -> Sequence[Background]:
    housekeeper = Housekeeper(database=database, keys=keys, clock=clock)
    relay = _relay(database, stack, settings, clock)
    return housekeeper.run, _retention(database, settings, clock).run, seen.run, *relay


def _erasures(
    database: Database, tenants: TenantDirectory, erasures: TenantErasures, drivers: DriverErasures
) -> Sequence[Background]:
    """Erase the rows of removed tenants, and drivers."""
    of_tenants = TenantErasure(
        erase_audit=[chain_store.erase_tenant],
        database=database,
        metadata=metadata,
        directory=tenants,
        report=erasures.report_own,
        keep=KEPT_TABLES,
    )
    of_drivers = Erasing(database=database, part="auth", tables=driver_erasures.TABLES, source=drivers)
    return of_tenants.run, of_drivers.run


def _users(
    database: Database,
    passwords: Passwords,
    keys: SigningKeys,
    tenants: TenantDirectory,
    *,
    settings: AuthSettings,
    clock: Clock,
) -> UserServicer:
    return UserServicer(
        database=database,
        passwords=passwords,
        logins=LoginChecks(database=database, passwords=passwords, throttle=LoginThrottle(clock=clock), clock=clock),
        limits=SessionLimits(clock=clock),
        sessions=Sessions(database=database, signer=keys, clock=clock, access_token_s=settings.access_token_s),
        keys=keys,
        tenants=tenants,
        clock=clock,
        open_registration=settings.open_registration,
    )


def _access(
    database: Database,
    stack: AsyncExitStack,
    directory: LocalDirectory,
    keys: SigningKeys,
    clock: Clock,
    *,
    tenants: TenantDirectory,
) -> OperatorAccess:
    callers = DirectCallers(directory=directory, database=database, clock=clock)
    stack.push_async_callback(callers.flush)
    verifier = TokenVerifier(keys=keys, clock_s=lambda: clock() / SECOND_US)
    return OperatorAccess(verifier=verifier, callers=callers, background=[callers.run], tenants=tenants)


async def _prepare(
    database: Database,
    keys: SigningKeys,
    passwords: Passwords,
    *,
    settings: AuthSettings,
    clock: Clock,
    announce: Callable[[str], None],
) -> None:
    """Makes what has to be there before the first call: a key, the forms of names, tenants, administrators."""
    await adopt_keys(database, settings.ring)
    await keys.maintain()
    await ensure_tenants(database, clock)
    with suppress(IntegrityError):  # a look-alike was added this moment: the next start comes back to it
        await database.write(user_store.fill_skeletons)
    await ensure_administrator(
        database=database, passwords=passwords, password=settings.admin_password, clock=clock, announce=announce
    )
    await ensure_platform_administrator(
        database=database, passwords=passwords, password=settings.platform_admin_password, clock=clock
    )


def _retention(database: Database, settings: AuthSettings, clock: Clock) -> RetentionTask:
    return retention_task(
        database=database,
        clock=clock,
        outbox_days=settings.outbox_days,
        certificate_days=settings.certificate_days,
    )


def _relay(database: Database, stack: AsyncExitStack, settings: AuthSettings, clock: Clock) -> Sequence[Background]:
    return open_relay(
        stack,
        database=database,
        address=settings.notification_address,
        identity=MeshIdentity(settings.mesh),
        clock=clock,
    )


def _mesh(
    database: Database,
    keys: SigningKeys,
    *,
    seen: SeenTokens,
    tenants: TenantDirectory,
    settings: AuthSettings,
    clock: Clock,
) -> list[AddServicer]:
    authorization = AuthorizationServicer(
        database=database,
        keys=keys,
        clock=clock,
        tenants=tenants,
        accept_unknown=settings.accept_unknown_tokens,
        admits_anyone=settings.admits_anyone,
        seen=seen,
        concurrency=settings.concurrency,
    )
    return [
        lambda server: add_AuthorizationServiceServicer_to_server(authorization, server),
        _conditions(database, authorization, clock),
    ]


def _conditions(database: Database, authorization: AuthorizationServicer, clock: Clock) -> AddServicer:
    """Finds conditions of id tokens and certificates, for notification_svc."""
    queries = condition_queries(accepts_unknown=authorization.accepts_unknown)
    servicer = ConditionSourceServicer(database=database, clock=clock, queries=queries)
    return lambda server: add_ConditionSourceServiceServicer_to_server(servicer, server)


def _tenants(
    database: Database, passwords: Passwords, directory: TenantDirectory, settings: AuthSettings, clock: Clock
) -> AddServicer:
    servicer = TenantServicer(
        database=database,
        passwords=passwords,
        directory=directory,
        clock=clock,
        admits_anyone=settings.admits_anyone,
    )
    return lambda server: add_TenantServiceServicer_to_server(servicer, server)


def _directories(
    callers: LocalDirectory, tenants: LocalTenants, erasures: TenantErasures, drivers: DriverErasures
) -> list[AddServicer]:
    """Callers, tenants and drivers to erase, for the other processes of the mesh."""
    of_callers = CallerServicer(directory=callers)
    of_tenants = TenantDirectoryServicer(tenants=tenants, erasures=erasures)
    of_drivers = DriverErasureDirectoryServicer(erasures=drivers)
    return [
        lambda server: add_CallerServiceServicer_to_server(of_callers, server),
        lambda server: add_TenantDirectoryServiceServicer_to_server(of_tenants, server),
        lambda server: add_DriverErasureDirectoryServiceServicer_to_server(of_drivers, server),
    ]


def _privacy(database: Database, drivers: DriverErasures) -> list[AddServicer]:
    """Exports, and erasures of drivers."""
    erasures = DriverErasureServicer(database=database, erasures=drivers)
    exports = DataExports(database=database, exported=EXPORTED, drivers=driver_erasures.EXPORTED)
    exporting = DataExportServicer(exports=exports)
    return [
        lambda server: add_DriverErasureServiceServicer_to_server(erasures, server),
        lambda server: add_DataExportServiceServicer_to_server(exporting, server),
    ]


def _administration(database: Database, passwords: Passwords, clock: Clock) -> list[AddServicer]:
    invitations = InvitationServicer(database=database, passwords=passwords, clock=clock)
    roles = RoleServicer(database=database, clock=clock)
    api_keys = ApiKeyServicer(database=database, clock=clock)
    sign_ins = SignInServicer(database=database, clock=clock)
    return [
        lambda server: add_RoleServiceServicer_to_server(roles, server),
        lambda server: add_ApiKeyServiceServicer_to_server(api_keys, server),
        lambda server: add_SignInServiceServicer_to_server(sign_ins, server),
        lambda server: add_InvitationServiceServicer_to_server(invitations, server),
    ]


def _operators(
    database: Database,
    passwords: Passwords,
    keys: SigningKeys,
    tenants: TenantDirectory,
    certificates: CertificateParts,
    *,
    settings: AuthSettings,
    clock: Clock,
) -> list[AddServicer]:
    users = _users(database, passwords, keys, tenants, settings=settings, clock=clock)
    id_tokens = IdTokenServicer(database=database, clock=clock)
    return [
        lambda server: add_UserServiceServicer_to_server(users, server),
        lambda server: add_IdTokenServiceServicer_to_server(id_tokens, server),
        certificates.operator(),
    ]
