"""The tenant of a handshake, by its path and its host name."""

from collections.abc import Sequence

import grpc
import pytest

from gateway.websocket.handshake import BadHandshakeError
from gateway.websocket.tenant_paths import find_tenant
from mesh.identity.tenants import Tenant, TenantDirectory, TenantState
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

TENANTS = [
    Tenant(tenant_id="default"),
    Tenant(tenant_id="platform"),
    Tenant(tenant_id="acme", host_name="acme.example.org"),
    Tenant(tenant_id="bolt"),
    Tenant(tenant_id="late", state=TenantState.SUSPENDED),
    Tenant(tenant_id="gone", state=TenantState.REMOVED),
]


class Source:
    """The tenants of a far auth_svc, which may be unavailable."""

    def __init__(self, *, available: bool = True) -> None:
        self.available = available
        self.asked = 0

    async def fetch(self, etag: str, *, wait_s: float) -> tuple[str, Sequence[Tenant]] | None:
        """See TenantSource."""
        self.asked += 1
        if not self.available:
            raise MeshError(grpc.StatusCode.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE, "not now")
        return None if etag == "1" else ("1", TENANTS)


async def _find(named: str, host: str, station_id: str = "CP1") -> tuple[str, bool]:
    directory = TenantDirectory(source=Source())
    await directory.refresh()
    segments = [name for name in named.split("/") if name]
    return await find_tenant(directory, named=segments, station_id=station_id, host=host)


@pytest.mark.parametrize(
    ("named", "host", "tenant"),
    [
        ("", "csms.example.org", ("default", False)),
        ("", "127.0.0.1:9000", ("default", False)),
        ("", "[::1]:9000", ("default", False)),
        ("", "acme.example.org", ("acme", False)),
        ("", "ACME.example.org.:443", ("acme", False)),
        ("acme", "csms.example.org", ("acme", True)),
        ("acme", "acme.example.org", ("acme", True)),
        ("bolt", "csms.example.org", ("bolt", True)),
        ("default", "csms.example.org", ("default", True)),
        ("acme/x", "csms.example.org", ("acme", True)),
        # Odd paths of stations (quirk 2): what cannot be a tenant's id, or is the station's own.
        ("1.6", "csms.example.org", ("default", False)),
        ("ocpp", "csms.example.org", ("default", False)),
        ("CP1", "csms.example.org", ("default", False)),
        ("ab", "csms.example.org", ("default", False)),
        ("1.6", "acme.example.org", ("acme", False)),
    ],
)
async def test_the_tenant_of_a_handshake(named: str, host: str, tenant: tuple[str, bool]) -> None:
    assert await _find(named, host) == tenant


@pytest.mark.parametrize(
    ("named", "host", "status"),
    [
        ("nobody", "csms.example.org", 404),
        ("gone", "csms.example.org", 404),
        ("platform", "csms.example.org", 404),
        ("bolt", "acme.example.org", 404),
        ("late", "csms.example.org", 403),
    ],
)
async def test_tenants_that_are_not_served(named: str, host: str, status: int) -> None:
    """Never the default tenant in their place; one that is unknown, gone or elsewhere is refused alike."""
    with pytest.raises(BadHandshakeError) as refusal:
        await _find(named, host)
    assert refusal.value.status == status
    if status == 404:
        assert str(refusal.value) == "no station CP1 is registered here"


async def test_a_station_may_repeat_its_id_in_the_path() -> None:
    assert await _find("cp-1", "csms.example.org", station_id="cp-1") == ("default", False)


async def test_while_tenants_are_not_known_the_default_one_is_served() -> None:
    """503 for others, so that they try again; what made-up tenants cost is bounded."""
    source = Source(available=False)
    directory = TenantDirectory(source=source, clock_s=lambda: 100.0)
    host = "csms.example.org"
    assert await find_tenant(directory, named=[], station_id="CP1", host=host) == ("default", False)
    for _ in range(3):
        with pytest.raises(BadHandshakeError) as refusal:
            await find_tenant(directory, named=["acme"], station_id="CP1", host=host)
        assert refusal.value.status == 503
    assert source.asked == 1
