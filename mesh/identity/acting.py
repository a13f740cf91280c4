"""Who acts, from where and by which call or job: for the audit and for events, wherever a change is committed.

It is a context variable, because a change is made far below the call that asks for it. `ThreadExecutor` takes the
context into the thread of a transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from mesh.identity.callers import optional_caller


class ActorKind(StrEnum):
    """The kinds of actors. Stored and part of the contract: a value never changes."""

    USER = "USER"
    API_KEY = "API_KEY"
    JOB = "JOB"
    STATION = "STATION"
    SYSTEM = "SYSTEM"
    ANONYMOUS = "ANONYMOUS"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """The one who acts: `name` is that of the user, the API key, the job's kind, or the station's id.

    `credential_id` is the session or the key; `on_behalf_of` the user who queued a job.
    """

    kind: ActorKind
    name: str = ""
    credential_id: str = ""
    on_behalf_of: str = ""

    @property
    def label(self) -> str:
        """The actor in one word, as events have it: `user:ada`, `job:rollout`, `system`."""
        kind = self.kind.lower()
        return f"{kind}:{self.name}" if self.name else kind


SYSTEM = Actor(kind=ActorKind.SYSTEM)
ANONYMOUS = Actor(kind=ActorKind.ANONYMOUS)


@dataclass(kw_only=True)
class Acting:
    """One call or run of a job. `action` is the full name of the method, or the kind of the job.

    `entries` counts the audit entries that were appended in it, and `is_unchanged` notes that it changed nothing: the
    operator interceptor finds a change without an entry by them.
    """

    action: str
    actor: Actor | None = None  # None: the caller of the call
    address: str = ""
    request_id: str = ""
    user_agent: str = ""
    # Of a call that fails: the tenant and the resource that it was about, where its servicer knows them.
    tenant_id: str = ""
    resource_type: str = ""
    resource: str = ""
    entries: int = 0
    is_unchanged: bool = False

    def take_back(self, count: int) -> None:
        """Entries were rolled back with their transaction."""
        self.entries -= count


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


def current_acting() -> Acting | None:
    """The present call or run of a job; None for reports of stations and for work of the process itself."""
    return _acting.get()


def current_actor() -> Actor | None:
    """The actor of the present call or job; None for reports of stations and for work of the process itself."""
    acting = _acting.get()
    if acting is None:
        return None
    return acting.actor or caller_actor()


def caller_actor() -> Actor:
    """The caller of the present call as an actor."""
    caller = optional_caller()
    if caller is None:
        return ANONYMOUS
    if caller.api_key_prefix:
        return Actor(kind=ActorKind.API_KEY, name=caller.api_key_prefix, credential_id=caller.api_key_prefix)
    return Actor(kind=ActorKind.USER, name=caller.username, credential_id=caller.session_id)


def note_resource(resource_type: str, resource: str, *, tenant_id: str = "") -> None:
    """Notes what the present call is about, for the entry of a call that fails before a change."""
    acting = _acting.get()
    if acting is not None:
        acting.resource_type, acting.resource, acting.tenant_id = resource_type, resource, tenant_id


def begin_acting(acting: Acting) -> None:
    """Sets the present call, for the rest of its task."""
    _acting.set(acting)


@contextmanager
def acting_as(acting: Acting) -> Iterator[Acting]:
    """Sets what acts within a block, such as the run of a job."""
    token = _acting.set(acting)
    try:
        yield acting
    finally:
        _acting.reset(token)
