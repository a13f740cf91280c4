"""Block A, security: connections under TLS. The steps are our reading of the standard; only the names are known."""

import ssl
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from websockets.exceptions import InvalidMessage, InvalidStatus

from station_kit.tls import station_context
from tests.certificates import authority
from tests.certification.encrypted import Encrypted, encrypted, further_settings, revoke, tls  # noqa: F401 - fixtures
from tests.certification.v201.station import ChargingStation
from tests.gateway.raw_station import basic
from tests.tls_material import EXPIRED, SUITES, old_context
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def station(offline: ChargingStation) -> AsyncIterator[ChargingStation]:
    """A station whose certificate the gateway would ask for."""
    gateway_tls = offline.mesh.gateway.tls
    assert gateway_tls is not None
    await until(lambda: gateway_tls.is_ready)
    yield offline


async def test_tc_a_04_csms(station: ChargingStation, encrypted: Encrypted) -> None:  # noqa: F811
    """A00.FR.306, .318, .319: the server's certificate is valid for its host name, with each suite of the standard."""
    password = await station.mesh.create_station(station.station_id)
    headers = basic(station.station_id, password)
    for suites in (None, *SUITES):
        version = "TLSv1.3" if suites is None else "TLSv1.2"
        context = station_context(encrypted.server.root.pem, suites=suites, max_version=version)
        async with station.connected(headers=headers, tls=context):
            await station.boot()


async def test_tc_a_06_csms(station: ChargingStation) -> None:
    """A00.FR.313, .314: a station with TLS 1.1 at the most is not let in."""
    password = await station.mesh.create_station(station.station_id)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        async with station.connected(headers=basic(station.station_id, password), tls=old_context()):
            pass
    assert not (await station.resource()).connected


async def test_tc_a_07_csms(station: ChargingStation, encrypted: Encrypted) -> None:  # noqa: F811
    """A00.FR.401: the station's certificate is valid, and its connection is taken: one that the CSMS signed."""
    certificate, headers = await encrypted.issued(station, certificateType="ChargingStationCertificate")
    context = station_context(encrypted.server.root.pem, certificate=certificate)
    async with station.connected(tls=context, headers=headers):
        await station.boot()


async def test_tc_a_08_csms(station: ChargingStation, encrypted: Encrypted) -> None:  # noqa: F811
    """A00.FR.402, .403: of another authority, expired, or revoked: it is not let in, whatever its password is."""
    revoked, headers = await encrypted.issued(station, certificateType="ChargingStationCertificate")
    root = encrypted.server.root.pem
    other = encrypted.certificate("OTHER", issuer=authority("Another root"))
    with pytest.raises((ssl.SSLError, ConnectionError, InvalidMessage)):
        async with station.connected(tls=station_context(root, certificate=other), headers=headers):
            pass
    expired = encrypted.certificate("EXPIRED", validity=EXPIRED)
    await revoke(station, revoked)
    for certificate in (expired, revoked):
        with pytest.raises(InvalidStatus) as refusal:
            async with station.connected(tls=station_context(root, certificate=certificate), headers=headers):
                pass
        assert refusal.value.response.status_code == 401
