"""The first administrator of a new system, so that somebody can log in."""

import secrets
from collections.abc import Callable

from auth_svc import user_store
from auth_svc.guessing import why_guessable
from auth_svc.normalization import MIN_PASSWORD
from auth_svc.passwords import Passwords
from auth_svc.user_store import User
from mesh.contract.tenants import DEFAULT_TENANT
from mesh.database.engine import Database
from mesh.identity.callers import Role
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock

log = get_logger(__name__)

USERNAME = "admin"
TENANT = DEFAULT_TENANT


async def ensure_administrator(
    *, database: Database, passwords: Passwords, password: str | None, clock: Clock, announce: Callable[[str], None]
) -> None:
    """Adds the user `admin` where there is no administrator. Safe with replicas that start together.

    Without a `password` one is made, and `announce` is called with a line that has it: once, by the process that
    added the user, after that is committed. A user who is there keeps the password; `password` is ignored then.
    """
    if await database.read(lambda connection: user_store.has_administrator(connection, TENANT)):
        await _compare(database, passwords, password)
        return
    chosen = password or secrets.token_urlsafe(12)
    user = User(
        tenant_id=TENANT,
        username=USERNAME,
        role=Role.ADMINISTRATOR,
        password_hash=await passwords.hash(chosen),
        create_us=clock(),
    )
    created = await database.write(lambda connection: user_store.create_first_administrator(connection, user))
    if not created:
        await _compare(database, passwords, password)
    elif password is None:
        announce(f"administrator login: {USERNAME} / {chosen}")
    elif len(password) < MIN_PASSWORD:
        log.warning("CSMS_ADMIN_PASSWORD is shorter than what other users need", least=MIN_PASSWORD)
    elif why := why_guessable(password, username=USERNAME):
        log.warning("CSMS_ADMIN_PASSWORD would not be taken from other users: change it", why=why)


async def _compare(database: Database, passwords: Passwords, password: str | None) -> None:
    """Says so where CSMS_ADMIN_PASSWORD is not what opens the door: people look for it there."""
    if password is None:
        return
    user = await database.read(lambda connection: user_store.get_user(connection, TENANT, USERNAME))
    if user is None:
        log.warning("CSMS_ADMIN_PASSWORD has no effect: there are administrators, and none is called admin")
    elif not await passwords.matches(password, user.password_hash):
        log.warning("CSMS_ADMIN_PASSWORD has no effect: the user admin has another password, and keeps it")
