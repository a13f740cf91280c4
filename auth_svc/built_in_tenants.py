"""The tenants that every system has, and the first platform administrator."""

from functools import partial

from sqlalchemy import Connection

from auth_svc import tenant_store, user_store
from auth_svc.passwords import Passwords
from auth_svc.tenant_store import TenantRow
from auth_svc.user_store import User
from mesh.contract.tenants import DEFAULT_TENANT, PLATFORM_TENANT
from mesh.database.engine import Database
from mesh.identity.callers import Role
from mesh.identity.tenants import TenantState
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock

log = get_logger(__name__)

PLATFORM_USERNAME = "platform"
_NAMES = {DEFAULT_TENANT: "Default tenant", PLATFORM_TENANT: "Platform administrators"}


def new_tenant(tenant_id: str, *, now_us: int, **values: str | int) -> TenantRow:
    """A tenant that is active and has no quotas and settings but those given."""
    columns: dict[str, str | int] = {
        "display_name": "",
        "host_name": "",
        "state": int(TenantState.ACTIVE),
        **dict.fromkeys(("max_stations", "max_messages_per_second", "max_storage_days", "max_stored_rows"), 0),
        **dict.fromkeys(("onboarding", "unknown_id_tokens", "message_log_days", "event_days"), 0),
        **values,
    }
    return TenantRow(tenant_id=tenant_id, create_us=now_us, update_us=now_us, **columns)  # type: ignore[arg-type]


async def ensure_tenants(database: Database, clock: Clock) -> None:
    """Adds the tenants `default` and `platform` where they are missing. Safe with replicas that start together."""

    def add(connection: Connection) -> None:
        for tenant_id, name in _NAMES.items():
            tenant_store.add_tenant(connection, new_tenant(tenant_id, now_us=clock(), display_name=name))

    await database.write(add)


async def ensure_platform_administrator(
    *, database: Database, passwords: Passwords, password: str | None, clock: Clock
) -> None:
    """Adds the user `platform` of the tenant `platform`, where a password is set and that tenant has no user."""
    if password is None:
        return
    has_users = partial(user_store.list_users, tenant_id=PLATFORM_TENANT, after_key="", limit=1)
    if await database.read(has_users):
        return
    user = User(
        tenant_id=PLATFORM_TENANT,
        username=PLATFORM_USERNAME,
        role=Role.PLATFORM_ADMINISTRATOR,
        password_hash=await passwords.hash(password),
        create_us=clock(),
    )
    if await database.write(lambda connection: user_store.create_user(connection, user)):
        log.info("first platform administrator added", username=PLATFORM_USERNAME)
