"""Connections under TLS: security profiles 2 and 3 of the security whitepaper."""

from typing import Any

import grpc
import pytest
from csms.station.v1 import command_service_pb2 as command
from grpc_status import rpc_status
from websockets.exceptions import InvalidStatus

from mesh.runtime.errors import from_status
from station_kit.tls import station_context
from tests.certification.encrypted import (
    Encrypted,
    encrypted,  # noqa: F401 - a fixture, as the next and the last
    further_settings,  # noqa: F401
    require_certificate,
    tls,  # noqa: F401
)
from tests.certification.v16.charge_point import ChargePoint
from tests.gateway.raw_station import basic
from tests.tls_material import SUITES

ACCEPTED = {"status": "Accepted"}

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
    certificate, _headers = await encrypted.issued(offline)
    await require_certificate(offline)
    async with offline.connected(tls=station_context(encrypted.server.root.pem, certificate=certificate)):
        await offline.boot()
        shown = (await offline.resource()).connection.tls.client_certificate
        assert shown.common_name == offline.station_id


async def _raise(charge_point: ChargePoint, profile: str) -> None:
    """The charge point is sent a profile, takes it, and restarts."""
    variables = [{"variable": "SecurityProfile", "value": profile}]
    action, payload, told = await charge_point.told("SetVariables", ACCEPTED, variables=variables)
    assert (action, payload) == ("ChangeConfiguration", {"key": "SecurityProfile", "value": profile})
    assert [result.status for result in told.results] == [command.SET_VARIABLE_STATUS_ACCEPTED]
    action, payload, _told = await charge_point.told("Reset", ACCEPTED, type=command.RESET_TYPE_IMMEDIATE)
    assert (action, payload) == ("Reset", {"type": "Hard"})


async def _profiles(charge_point: ChargePoint) -> tuple[int, int]:
    resource = await charge_point.resource()
    return resource.security_profile, resource.next_security_profile


async def _is_refused(charge_point: ChargePoint, **options: Any) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with charge_point.connected(**options):
            pass
    assert refusal.value.response.status_code == 401


async def test_tc_083_csms(offline: ChargePoint, encrypted: Encrypted) -> None:  # noqa: F811
    """From 1 to 2 to 3: each is required once the charge point has connected by it, and never a lower one again."""
    certificate, headers = await encrypted.issued(offline)
    root = encrypted.server.root.pem
    by_password: dict[str, Any] = {"headers": headers, "tls": station_context(root)}
    async with offline.connected(headers=headers):
        await offline.boot()
        await _raise(offline, "2")
        assert await _profiles(offline) == (1, 2)
    async with offline.connected(headers=headers):
        await offline.boot()
    async with offline.connected(**by_password):
        await offline.boot()
        assert await _profiles(offline) == (2, 0)
        with pytest.raises(grpc.aio.AioRpcError) as refusal:
            await offline.told("SetVariables", ACCEPTED, variables=[{"variable": "SecurityProfile", "value": "1"}])
        status = rpc_status.from_call(refusal.value)
        assert status is not None
        assert from_status(status).reason == "SECURITY_PROFILE_LOWERED"
        await _raise(offline, "3")
    await _is_refused(offline, headers=headers)
    async with offline.connected(tls=station_context(root, certificate=certificate)):
        await offline.boot()
        assert await _profiles(offline) == (3, 0)
        shown = (await offline.resource()).connection.tls.client_certificate
        assert shown.common_name == offline.station_id
    await _is_refused(offline, **by_password)
    other = encrypted.certificate("SOMEBODY-ELSE")
    await _is_refused(offline, tls=station_context(root, certificate=other))
