"""The tenants, as each process knows them: states, host names, quotas and settings.

auth_svc owns them. The others have a question with it that waits for a change, and ask once more for a tenant that they
do not know, but never for a message: what they know stays good while auth_svc is unavailable. The default tenant is
known from the start, with the settings of the environment.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal, Protocol

import grpc
from csms.auth.v1 import tenant_directory_service_pb2 as directory_pb2
from csms.auth.v1 import tenant_pb2
from csms.auth.v1.tenant_directory_service_pb2_grpc import TenantDirectoryServiceStub

from mesh.contract.tenants import DEFAULT_TENANT
from mesh.runtime.background import PeriodicTask
from mesh.runtime.beats import BEAT_S, until_beat
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_rpc_error
from mesh.runtime.settings import Onboarding
from mesh.runtime.times import SECOND_US

# For how long a question waits for a change, and the pause after a failure, or an answer that came at once.
WAIT_S = 12.0
PAUSE_S = 1.0
# How often the tenants are read where no question can wait.
POLL_S = BEAT_S
TIMEOUT_S = 3.0  # beyond the time that a question waits
# Least time between two fetches because of tenants that are not known: such names cost a caller nothing.
RETRY_S = 1.0


class TenantState(IntEnum):
    """State of a tenant, numbered as in csms.auth.v1.TenantState."""

    ACTIVE = 1
    SUSPENDED = 2
    REMOVING = 3
    REMOVED = 4


@dataclass(frozen=True, kw_only=True)
class TenantQuotas:
    """Limits of a tenant; 0: none. See csms.auth.v1.TenantQuotas."""

    max_stations: int = 0
    max_messages_per_second: int = 0
    max_storage_days: int = 0
    max_stored_rows: int = 0


@dataclass(frozen=True, kw_only=True)
class TenantSettings:
    """Settings of a tenant; None or 0: that of the environment. See csms.auth.v1.TenantSettings."""

    onboarding: Onboarding | None = None
    accepts_unknown_tokens: bool | None = None
    message_log_days: int = 0
    event_days: int = 0


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """A tenant as it is applied."""

    tenant_id: str
    state: TenantState = TenantState.ACTIVE
    host_name: str = ""
    quotas: TenantQuotas = field(default_factory=TenantQuotas)
    settings: TenantSettings = field(default_factory=TenantSettings)

    @property
    def is_active(self) -> bool:
        """Whether its stations and operators are served."""
        return self.state is TenantState.ACTIVE

    def days_of(self, setting: Literal["message_log_days", "event_days"], most: int) -> int:
        """Days for which it keeps something that the environment keeps for `most` days."""
        own: int = getattr(self.settings, setting)
        return min(days for days in (own, self.quotas.max_storage_days, most) if days > 0)


class TenantSource(Protocol):
    """Source of the tenants."""

    async def fetch(self, etag: str, *, wait_s: float) -> tuple[str, Sequence[Tenant]] | None:
        """All tenants with the name of this state; None where it is the one that `etag` names. Raises MeshError.

        A source of another process first waits for another state, for up to `wait_s` seconds.
        """


class RemoteTenants:
    """The tenants of auth_svc. See TenantSource."""

    def __init__(self, *, channel: grpc.aio.Channel) -> None:
        self._stub = TenantDirectoryServiceStub(channel)

    async def fetch(self, etag: str, *, wait_s: float) -> tuple[str, Sequence[Tenant]] | None:
        """See TenantSource."""
        request = directory_pb2.GetTenantDirectoryRequest(etag=etag)
        request.wait.FromMicroseconds(round(wait_s * SECOND_US))
        try:
            response = await self._stub.GetTenantDirectory(request, timeout=wait_s + TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return None if response.etag == etag else (response.etag, [from_message(one) for one in response.tenants])


class TenantDirectory:
    """The tenants of this process. `run` keeps them up to date; run it beside the servers.

    `wait_s` is for how long a question of `run` waits for a change; 0: the source is read every POLL_S seconds.
    """

    def __init__(
        self, *, source: TenantSource, wait_s: float = WAIT_S, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._source = source
        self._wait_s = wait_s
        self._clock_s = clock_s
        self._etag = ""
        self._tenants: Mapping[str, Tenant] = {DEFAULT_TENANT: Tenant(tenant_id=DEFAULT_TENANT)}
        self._hosts: Mapping[str, Tenant] = {}
        self._loaded = asyncio.Event()
        self._missed_s = float("-inf")  # when a tenant that was not known last made a fetch begin
        self._fetching = asyncio.Lock()
        self._listeners: list[Callable[[], None]] = []

    @property
    def is_loaded(self) -> bool:
        """Whether the tenants have been read once."""
        return self._loaded.is_set()

    async def until_loaded(self) -> None:
        """Waits until the tenants have been read once."""
        await self._loaded.wait()

    def all(self) -> Iterable[Tenant]:
        """Every tenant that is known."""
        return self._tenants.values()

    def find(self, tenant_id: str) -> Tenant | None:
        """A tenant as it is known; None where it is not."""
        return self._tenants.get(tenant_id)

    def find_host(self, host_name: str) -> Tenant | None:
        """The tenant that has this host name, in lower case; None where none has."""
        return self._hosts.get(host_name)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Has `listener` called after each change of a tenant."""
        self._listeners.append(listener)

    async def look_up(self, tenant_id: str) -> Tenant | None:
        """A tenant; where it is not known the tenants are fetched again, at most once every RETRY_S for all such names.

        Raises MeshError UNAVAILABLE, reason TENANTS_NOT_KNOWN, where they have never been read.
        """
        found = self._tenants.get(tenant_id)
        if found is not None:
            return found
        asked_s = self._clock_s()
        async with self._fetching:
            if self._missed_s < asked_s:  # else a fetch has begun since, for another one that was not known
                await asyncio.sleep(max(0.0, self._missed_s + RETRY_S - self._clock_s()))
                self._missed_s = self._clock_s()
                await self._fetch_or_not()
        if not self.is_loaded:
            raise MeshError(
                grpc.StatusCode.UNAVAILABLE, Reason.TENANTS_NOT_KNOWN, "the tenants are not known yet: try again later"
            )
        return self._tenants.get(tenant_id)

    async def check_caller(self, tenant_id: str) -> None:
        """Raises MeshError unless the tenant of an operator is active: PERMISSION_DENIED, reason TENANT_SUSPENDED."""
        tenant = await self.look_up(tenant_id)
        if tenant is None or not tenant.is_active:
            raise suspended()

    async def refresh(self) -> None:
        """Reads the tenants again. Raises MeshError."""
        fetched = await self._source.fetch(self._etag, wait_s=0.0)
        if fetched is not None:
            self.replace(*fetched)

    def replace(self, etag: str, tenants: Iterable[Tenant]) -> None:
        """Takes over these tenants in place of those that are known."""
        self._etag = etag
        self._tenants = {tenant.tenant_id: tenant for tenant in tenants}
        self._hosts = {tenant.host_name: tenant for tenant in self._tenants.values() if tenant.host_name}
        self._loaded.set()
        for listener in self._listeners:
            listener()

    async def run(self) -> None:
        """Reads the tenants until it is cancelled."""
        await PeriodicTask("tenants", self._follow, every_s=PAUSE_S if self._wait_s else POLL_S).run()

    async def _follow(self) -> None:
        """Asks until a question fails, or is answered at once without news; once where none can wait."""
        loop = asyncio.get_running_loop()
        while True:
            known, asked_s = self._etag, loop.time()
            fetched = await self._source.fetch(known, wait_s=until_beat(self._wait_s, asked_s))
            if fetched is not None and self._etag == known:  # else a later question was answered before this one
                self.replace(*fetched)
            if not self._wait_s or (fetched is None and loop.time() - asked_s < PAUSE_S):
                return

    async def _fetch_or_not(self) -> None:
        try:
            await self.refresh()
        except MeshError:
            return  # what is known stays good


def suspended() -> MeshError:
    """PERMISSION_DENIED, reason TENANT_SUSPENDED."""
    return MeshError(
        grpc.StatusCode.PERMISSION_DENIED,
        Reason.TENANT_SUSPENDED,
        "the tenant is suspended: a platform administrator can resume it",
    )


_ONBOARDING: Mapping[int, Onboarding | None] = {
    tenant_pb2.ONBOARDING_UNSPECIFIED: None,
    tenant_pb2.ONBOARDING_ACCEPT: "accept",
    tenant_pb2.ONBOARDING_PENDING: "pending",
    tenant_pb2.ONBOARDING_REJECT: "reject",
}
_UNKNOWN_TOKENS: Mapping[int, bool | None] = {
    tenant_pb2.UNKNOWN_ID_TOKENS_UNSPECIFIED: None,
    tenant_pb2.UNKNOWN_ID_TOKENS_ACCEPT: True,
    tenant_pb2.UNKNOWN_ID_TOKENS_REJECT: False,
}


def from_message(message: tenant_pb2.Tenant) -> Tenant:
    """A tenant of the contract, as it is applied. A value of a later release counts as not set."""
    settings, quotas = message.settings, message.quotas
    return Tenant(
        tenant_id=message.tenant_id,
        state=TenantState(message.state),
        host_name=message.host_name,
        quotas=TenantQuotas(
            max_stations=quotas.max_stations,
            max_messages_per_second=quotas.max_messages_per_second,
            max_storage_days=quotas.max_storage_days,
            max_stored_rows=quotas.max_stored_rows,
        ),
        settings=TenantSettings(
            onboarding=_ONBOARDING.get(settings.onboarding),
            accepts_unknown_tokens=_UNKNOWN_TOKENS.get(settings.unknown_id_tokens),
            message_log_days=settings.message_log_days,
            event_days=settings.event_days,
        ),
    )
