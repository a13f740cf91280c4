"""Connections under TLS: security profiles 2 and 3 of the security whitepaper."""

import pytest

from station_kit.tls import station_context
from tests.certification.encrypted import Encrypted, encrypted, tls  # noqa: F401 - fixtures
from tests.certification.v16.charge_point import ChargePoint
from tests.gateway.raw_station import basic
from tests.tls_material import SUITES
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_tc_086_csms(offline: ChargePoint, encrypted: Encrypted) -> None:  # noqa: F811
    """The server's certificate is valid for its host name, with each suite that a charge point may have."""
    password = await offline.mesh.create_station(offline.station_id)
    headers = basic(offline.station_id, password)
    for suites in (None, *SUITES):
        version = "TLSv1.3" if suites is None else "TLSv1.2"
        context = station_context(encrypted.server.root.pem, suites=suites, max_version=version)
        async with offline.connected(headers=headers, tls=context):
            await offline.boot()


async def test_tc_087_csms(offline: ChargePoint, encrypted: Encrypted) -> None:  # noqa: F811
    """The charge point's certificate is valid, and its connection is taken."""
    gateway_tls = offline.mesh.gateway.tls
    assert gateway_tls is not None
    await until(lambda: gateway_tls.is_ready)
    certificate = encrypted.certificate(offline.station_id)
    async with offline.connected(tls=station_context(encrypted.server.root.pem, certificate=certificate)):
        await offline.boot()
    [asked] = encrypted.checks.asked
    assert asked.station_id == offline.station_id
