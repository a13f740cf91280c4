"""Calls that leave no entry in a transaction: refused and failed ones, and reads of sensitive data.

Anyone can cause them, as fast as calls come. So they are counted in memory, by caller, address, method and reason, and
stored together: the first at once, those after it every INTERVAL_S seconds. Beyond MOST_KEYS different ones in that
time, the rest are counted in one entry. An attack fills neither memory nor table with them, and a process that is
killed loses the last seconds.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import grpc
from csms.options.v1 import options_pb2
from sqlalchemy import Connection

from mesh.audit import entries
from mesh.audit.entries import OK, Content
from mesh.database.engine import Database
from mesh.identity.acting import ANONYMOUS, Acting, Actor, caller_actor
from mesh.identity.callers import optional_caller
from mesh.runtime.background import PeriodicTask
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock, now_us

log = get_logger(__name__)

INTERVAL_S = 30.0
MOST_KEYS = 100
DEFAULT_TENANT = "default"
"""The tenant of calls whose caller is not known."""
OTHERS = "others"
"""The action of the entry that counts what went beyond MOST_KEYS."""

# Of calls that fail for these, nothing was refused: callers repeat them.
_TRANSIENT = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED})


@dataclass(frozen=True, kw_only=True)
class CallKey:
    """Calls that are counted together."""

    tenant_id: str
    actor: Actor
    action: str
    address: str
    outcome: str
    resource_type: str = ""
    resource: str = ""


@dataclass(frozen=True, kw_only=True)
class _Seen:
    count: int
    first_us: int
    request_id: str
    user_agent: str


class CountedCalls:
    """Counts calls of one kind. Run `run` beside the service, and `flush` when it stops."""

    def __init__(self, *, database: Database, clock: Clock = now_us, every_s: float = INTERVAL_S) -> None:
        self._database = database
        self._clock = clock
        self._every_s = every_s
        self._waiting: dict[CallKey, _Seen] = {}
        self._noted = asyncio.Event()

    def note(self, key: CallKey, *, request_id: str = "", user_agent: str = "") -> None:
        """Counts one call."""
        if key not in self._waiting and len(self._waiting) >= MOST_KEYS:
            key = CallKey(tenant_id=key.tenant_id, actor=ANONYMOUS, action=OTHERS, address="", outcome=key.outcome)
            if key not in self._waiting and len(self._waiting) >= 2 * MOST_KEYS:
                key = replace(key, tenant_id=DEFAULT_TENANT, outcome=Reason.UNKNOWN)
        seen = self._waiting.get(key)
        if seen is None:
            self._waiting[key] = _Seen(count=1, first_us=self._clock(), request_id=request_id, user_agent=user_agent)
        else:
            self._waiting[key] = replace(seen, count=seen.count + 1)
        self._noted.set()

    async def run(self) -> None:
        """Stores until it is cancelled."""
        await PeriodicTask("counted calls", self.flush, every_s=self._every_s, due=self._noted).run()

    async def flush(self) -> None:
        """Stores what was counted. Where the database is unavailable it is kept, and MeshError raised."""
        self._noted.clear()
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return

        def work(connection: Connection) -> None:
            for key, seen in waiting.items():
                entries.append(connection, key.tenant_id, [_content(key, seen)], time_us=seen.first_us)

        try:
            await self._database.write(work)
        except MeshError:
            for key, seen in self._waiting.items():
                earlier = waiting.get(key)
                waiting[key] = seen if earlier is None else replace(earlier, count=earlier.count + seen.count)
            self._waiting = waiting
            self._noted.set()
            raise

    async def close(self) -> None:
        """Stores what is left when the service stops."""
        try:
            await self.flush()
        except MeshError as error:
            log.warning("counted calls not recorded", reason=error.reason)


def _content(key: CallKey, seen: _Seen) -> Content:
    return Content(
        action=key.action,
        actor_kind=key.actor.kind,
        actor=key.actor.name,
        credential_id=key.actor.credential_id,
        on_behalf_of=key.actor.on_behalf_of,
        address=key.address,
        request_id=seen.request_id,
        user_agent=seen.user_agent,
        resource_type=key.resource_type,
        resource=key.resource,
        outcome=key.outcome,
        count=seen.count,
    )


class CallAudit:
    """See mesh.grpc.call_watch.CallWatch. `refused` counts failed calls, `reads` those of sensitive data."""

    def __init__(self, *, database: Database) -> None:
        self.refused = CountedCalls(database=database)
        self.reads = CountedCalls(database=database)

    def ended(self, acting: Acting, audit: options_pb2.Audit.ValueType, error: Exception | None) -> None:
        """Counts what has to be audited: refusals, changes that failed without an entry, sensitive reads."""
        if error is None:
            if audit == options_pb2.AUDIT_SENSITIVE_READ:
                _count(self.reads, acting, OK)
            return
        code, reason = _code_of(error)
        is_refused = code is grpc.StatusCode.PERMISSION_DENIED
        is_failed_change = audit == options_pb2.AUDIT_CHANGE and not acting.entries and code not in _TRANSIENT
        if is_refused or is_failed_change:
            _count(self.refused, acting, reason)


def _count(counted: CountedCalls, acting: Acting, outcome: str) -> None:
    caller = optional_caller()
    key = CallKey(
        tenant_id=acting.tenant_id or (DEFAULT_TENANT if caller is None else caller.tenant_id),
        actor=acting.actor or caller_actor(),
        action=acting.action,
        address=acting.address,
        outcome=outcome,
        resource_type=acting.resource_type,
        resource=acting.resource,
    )
    counted.note(key, request_id=acting.request_id, user_agent=acting.user_agent)


def _code_of(error: Any) -> tuple[grpc.StatusCode, str]:
    if isinstance(error, MeshError):
        return error.code, str(error.reason)
    return grpc.StatusCode.INTERNAL, Reason.INTERNAL
