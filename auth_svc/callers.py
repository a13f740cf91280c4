"""The directory of callers, from the database: for this service itself, and for the others over the mesh."""

from collections.abc import Sequence

from auth_svc import caller_store
from auth_svc.caller_changes import CallerChangeFeed
from auth_svc.grants import grants_of_key, grants_of_user
from mesh.database.engine import Database
from mesh.identity.caller_directory import CallerChanges, Credential, KeyUse, PresentedKey, ResolvedCaller, SignIn
from mesh.identity.callers import NEVER_S, Caller, unauthenticated
from mesh.identity.known_callers import KeyUses, Listener
from mesh.identity.operator_access import invalid_api_key
from mesh.runtime.background import PeriodicTask
from mesh.runtime.times import SECOND_US, Clock

_USES_EVERY_S = 6.0


class LocalDirectory:
    """See mesh.identity.caller_directory.CallerDirectory. Changes are those of `feed`."""

    def __init__(self, *, database: Database, feed: CallerChangeFeed, clock: Clock) -> None:
        self._database = database
        self._feed = feed
        self._clock = clock

    async def resolve(self, credential: Credential) -> ResolvedCaller:
        """A caller as of now. Raises MeshError INVALID_TOKEN or INVALID_API_KEY."""
        if isinstance(credential, PresentedKey):
            return await self._resolve_key(credential)
        return await self._resolve_sign_in(credential)

    async def changes(self, after_version: int, *, wait_s: float, uses: Sequence[KeyUse]) -> CallerChanges:
        """Changes after a version, as soon as there are some; none after `wait_s` seconds. Raises MeshError."""
        if uses:
            await self._database.write(lambda connection: caller_store.record_uses(connection, uses))
        return await self._feed.changes(after_version, wait_s=wait_s)

    async def _resolve_sign_in(self, sign_in: SignIn) -> ResolvedCaller:
        now_us = self._clock()
        found = await self._database.read(
            lambda connection: caller_store.find_signed_in(
                connection, sign_in.tenant_id, sign_in.sign_in_id, now_us=now_us
            )
        )
        if found is None:
            raise unauthenticated("the session has ended: log in again")
        caller = Caller(
            username=found.username,
            tenant_id=found.tenant_id,
            role=found.role,
            session_id=sign_in.sign_in_id,
            expires_s=min(sign_in.expires_s, found.expire_us // SECOND_US),
            grants=grants_of_user(found.role, found.held_roles.assignments, found.held_roles.permissions),
        )
        subjects = found.held_roles.subjects | {f"sign-in:{sign_in.sign_in_id}"}
        return ResolvedCaller(caller=caller, subjects=subjects, version=found.version)

    async def _resolve_key(self, key: PresentedKey) -> ResolvedCaller:
        now_us = self._clock()
        found = await self._database.read(
            lambda connection: caller_store.find_key(connection, key.prefix, key.sha256, now_us=now_us)
        )
        if found is None:
            raise invalid_api_key()
        held_roles = found.held_roles
        caller = Caller(
            username=f"key:{found.prefix}",
            tenant_id=found.tenant_id,
            api_key_prefix=found.prefix,
            expires_s=NEVER_S if found.expire_us is None else found.expire_us // SECOND_US,
            grants=grants_of_key(found.permissions, found.site_id, held_roles.assignments, held_roles.permissions),
        )
        return ResolvedCaller(caller=caller, subjects=held_roles.subjects, version=found.version)


class DirectCallers:
    """The callers of this service's own operator port: each is looked up for each call, and none is remembered."""

    def __init__(self, *, directory: LocalDirectory, database: Database, clock: Clock) -> None:
        self._directory = directory
        self._database = database
        self._clock = clock
        self._uses = KeyUses()

    async def caller(self, credential: Credential) -> Caller:
        """See mesh.identity.known_callers.Callers."""
        caller = (await self._directory.resolve(credential)).caller
        if caller.api_key_prefix:
            self._uses.note(caller, self._clock() / SECOND_US)
        return caller

    async def until_reachable(self) -> None:
        """See Callers. They are in this service's own database."""

    def is_current(self) -> bool:
        """See Callers."""
        return True

    def on_change(self, listener: Listener) -> None:
        """See Callers. No method of this service's own has a stream that a change could end."""

    async def run(self) -> None:
        """Records the uses of API keys until it is cancelled."""
        await PeriodicTask("uses of API keys", self.flush, every_s=_USES_EVERY_S).run()

    async def flush(self) -> None:
        """Records the uses of API keys that are due."""
        uses = self._uses.due(self._clock() / SECOND_US)
        if uses:
            await self._database.write(lambda connection: caller_store.record_uses(connection, uses))
            self._uses.reported(uses)
