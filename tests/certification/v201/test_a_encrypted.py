"""Block A, security: connections under TLS. The steps are our reading of the standard; only the names are known."""

import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import network_profile_pb2, station_service_pb2
from websockets.exceptions import InvalidMessage, InvalidStatus

from station_kit.tls import station_context
from tests.certificates import authority
from tests.certification.encrypted import (
    Encrypted,
    encrypted,  # noqa: F401 - a fixture, as the next and the last
    further_settings,  # noqa: F401
    require_certificate,
    revoke,
    tls,  # noqa: F401
)
from tests.certification.v201.station import ChargingStation
from tests.gateway.raw_station import basic
from tests.gateway.rig import TIMEOUT_S
from tests.tls_material import EXPIRED, SUITES, old_context
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESTART = 1012


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
    certificate, _headers = await encrypted.issued(station, certificateType="ChargingStationCertificate")
    await require_certificate(station)
    async with station.connected(tls=station_context(encrypted.server.root.pem, certificate=certificate)):
        await station.boot()
        shown = (await station.resource()).connection.tls.client_certificate
        assert shown.common_name == station.station_id


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


async def _rotate(station: ChargingStation, status: str) -> tuple[str, Any]:
    """An operator hands over a new password, and the station gives that status; returns the password that was sent."""
    request = station_service_pb2.RotateCredentialRequest(station_id=station.station_id, hand_over=True)
    action, payload, told = await station.asked(station.mesh.stations.RotateCredential, request, _set(status))
    assert action == "SetVariables"
    [setting] = payload["setVariableData"]
    assert (setting["component"], setting["variable"]) == ({"name": "SecurityCtrlr"}, {"name": "BasicAuthPassword"})
    return setting["attributeValue"], told


def _set(status: str) -> Any:
    result = {
        "attributeStatus": status,
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
    }
    return {"setVariableResult": [result]}


def _by_password(station: ChargingStation, encrypted: Encrypted, password: str) -> dict[str, Any]:  # noqa: F811
    """Options of a connection of security profile 2."""
    return {
        "headers": basic(station.station_id, password),
        "tls": station_context(encrypted.server.root.pem),
    }


async def _is_refused(station: ChargingStation, **options: Any) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with station.connected(**options):
            pass
    assert refusal.value.response.status_code == 401


async def _of_profile_2(station: ChargingStation) -> str:
    """Adds the station; its password."""
    request = station_service_pb2.CreateStationRequest(station_id=station.station_id, security_profile=2)
    created = await station.mesh.stations.CreateStation(request, metadata=station.mesh.metadata, timeout=TIMEOUT_S)
    password: str = created.credential
    return password


async def test_tc_a_09_csms(station: ChargingStation, encrypted: Encrypted) -> None:  # noqa: F811
    """A01: a new password, accepted: the station comes back with it, and with no other."""
    old = await _of_profile_2(station)
    async with station.connected(**_by_password(station, encrypted, old)):
        await station.boot()
        new, told = await _rotate(station, "Accepted")
        assert 16 <= len(new) <= 40
        assert told.credential
        assert await station.station.close_code() == RESTART
    await _is_refused(station, **_by_password(station, encrypted, old))
    async with station.connected(**_by_password(station, encrypted, new)):
        await station.boot()


async def test_tc_a_10_csms(station: ChargingStation, encrypted: Encrypted) -> None:  # noqa: F811
    """A01: a new password, rejected: the old one stays, and the operator sees the refusal."""
    old = await _of_profile_2(station)
    async with station.connected(**_by_password(station, encrypted, old)):
        await station.boot()
        _new, told = await _rotate(station, "Rejected")
        assert (told.status, told.credential) == (command.SET_VARIABLE_STATUS_REJECTED, "")
    async with station.connected(**_by_password(station, encrypted, old)):
        await station.boot()


async def _use_network_profile(station: ChargingStation, profile: int) -> None:
    """A05.FR.04, .07: a network profile of a security profile, first of the priorities, and a restart."""
    data = network_profile_pb2.NetworkConnectionProfile(
        ocpp_version=network_profile_pb2.NETWORK_OCPP_VERSION_OCPP20,
        ocpp_csms_url="wss://csms.example.org/ocpp",
        message_timeout_s=30,
        security_profile=profile,
        ocpp_interface=network_profile_pb2.OCPP_INTERFACE_WIRED0,
    )
    action, payload, told = await station.told(
        "SetNetworkProfile", {"status": "Accepted"}, configuration_slot=profile, connection_data=data
    )
    assert (action, payload["configurationSlot"]) == ("SetNetworkProfile", profile)
    assert payload["connectionData"]["securityProfile"] == profile
    assert told.status == network_profile_pb2.SET_NETWORK_PROFILE_STATUS_ACCEPTED
    slots = f"{profile},1"
    wanted = {"component": "OCPPCommCtrlr", "variable": "NetworkConfigurationPriority", "value": slots}
    named = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "NetworkConfigurationPriority"}}
    answer = {"setVariableResult": [{"attributeStatus": "RebootRequired", **named}]}
    action, payload, told = await station.told("SetVariables", answer, variables=[wanted])
    assert (action, payload) == ("SetVariables", {"setVariableData": [{**named, "attributeValue": slots}]})
    assert [one.status for one in told.results] == [command.SET_VARIABLE_STATUS_REBOOT_REQUIRED]
    action, payload, _told = await station.told("Reset", {"status": "Accepted"})
    assert (action, payload) == ("Reset", {"type": "OnIdle"})


async def _profiles(station: ChargingStation) -> tuple[int, int]:
    resource = await station.resource()
    return resource.security_profile, resource.next_security_profile


async def test_tc_a_19_csms(station: ChargingStation, encrypted: Encrypted) -> None:  # noqa: F811
    """A05: from 1 to 2 to 3 by network profiles; each is required once the station has connected by it."""
    certificate, headers = await encrypted.issued(station, certificateType="ChargingStationCertificate")
    root = encrypted.server.root.pem
    async with station.connected(headers=headers):
        await station.boot()
        await _use_network_profile(station, 2)
        assert await _profiles(station) == (1, 2)
    by_password: dict[str, Any] = {"headers": headers, "tls": station_context(root)}
    async with station.connected(**by_password):
        await station.boot()
        assert await _profiles(station) == (2, 0)
        await _use_network_profile(station, 3)
        assert await _profiles(station) == (2, 3)
    await _is_refused(station, headers=headers)
    async with station.connected(tls=station_context(root, certificate=certificate)):
        await station.boot()
        assert await _profiles(station) == (3, 0)
    await _is_refused(station, **by_password)
