"""Connections under TLS: security profiles 2 and 3 of the security whitepaper."""

import pytest

from station_kit.tls import station_context
from tests.certification.encrypted import Encrypted, encrypted, further_settings, tls  # noqa: F401 - fixtures
from tests.certification.v16.charge_point import ChargePoint
from tests.gateway.raw_station import basic
from tests.tls_material import SUITES

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
    """The charge point's certificate is valid, and its connection is taken: one that the central system signed."""
    certificate, headers = await encrypted.issued(offline)
    context = station_context(encrypted.server.root.pem, certificate=certificate)
    async with offline.connected(tls=context, headers=headers):
        await offline.boot()
