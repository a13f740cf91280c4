"""`python -m auth_svc reset-password NAME [TENANT]`: where no administrator can log in."""

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from argon2 import PasswordHasher
from sqlalchemy.exc import DBAPIError

from auth_svc import user_store
from auth_svc.normalization import MAX_USERNAME, is_plain
from auth_svc.passwords import Passwords
from auth_svc.temporary_passwords import VALID_S, TemporaryPassword, TemporaryPasswords
from mesh.contract.tenants import DEFAULT_TENANT
from mesh.database.engine import Database, make_engine
from mesh.runtime.errors import MeshError
from mesh.runtime.masking import mask_text
from mesh.runtime.process import EX_CONFIG
from mesh.runtime.settings import Environment, database_url
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import now_us

EX_USAGE = 2


def reset_password(arguments: Sequence[str], *, environ: Mapping[str, str], announce: Callable[[str], None]) -> int:
    """Gives the user that the command line names a temporary password; returns the exit status.

    The user's sign-ins end, in running services within 5 s. `announce` gets the line that has the password.
    """
    if len(arguments) not in (1, 2):
        return _fail("usage: python -m auth_svc reset-password NAME [TENANT]", EX_USAGE)
    name, tenant_id = (*arguments, DEFAULT_TENANT)[:2]
    try:
        made = asyncio.run(_reset(database_url(Environment(environ), "auth"), tenant_id, name))
    except SettingError as error:
        return _fail(f"auth_svc: {error}", EX_CONFIG)
    except MeshError as error:
        return _fail(f"auth_svc: {error.message}", 1)
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        return _fail(f"auth_svc: cannot use the database, is it migrated? {mask_text(reason)}", 1)
    if made is None:
        return _fail(f"auth_svc: there is no user {name!r}", 1)
    announce(f"temporary password, for one login within {VALID_S // 3600} hours: {made.password}")
    return 0


async def _reset(url: str, tenant_id: str, username: str) -> TemporaryPassword | None:
    """The temporary password that a user got; None where there is no such user."""
    if not is_plain(username, MAX_USERNAME):
        return None
    database, passwords = Database(engine=make_engine(url, "auth")), Passwords(hasher=PasswordHasher())
    try:
        user = await database.read(partial(user_store.get_user, tenant_id=tenant_id, username=username))
        if user is None:
            return None
        made = await TemporaryPasswords(passwords=passwords, clock=now_us).make()
        return made if await database.write(partial(made.set, user=user)) else None
    finally:
        await passwords.close()
        await database.close()


def _fail(line: str, status: int) -> int:
    sys.stderr.write(f"{line}\n")
    return status
