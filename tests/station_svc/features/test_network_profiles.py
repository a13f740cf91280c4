"""Network profiles: a slot has what the station accepted last, without secrets."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import network_profile_pb2 as pb
from csms.station.v1.device_model_service_pb2 import ListNetworkProfilesRequest
from csms.station.v1.device_model_service_pb2_grpc import DeviceModelServiceStub
from sqlalchemy import Connection

from mesh.runtime.errors import MeshError
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.answers import CALL_ERROR, OFFLINE, TIMEOUT
from tests.station_svc.commands.far_gateway import answering, failing
from tests.station_svc.conftest import StationSystem, fails_with, of_tenant

ACCEPTED = pb.SET_NETWORK_PROFILE_STATUS_ACCEPTED
SECRETS = ("vpn-s3cret", "vpn-k3y", "apn-s3cret", "4711", "url-s3cret")


def _request(slot: int, host: str = "csms") -> pb.SetNetworkProfileRequest:
    vpn = pb.VpnSettings(server="vpn", user="u", password="vpn-s3cret", key="vpn-k3y", type=pb.VPN_TYPE_IPSEC)
    apn = pb.ApnSettings(apn="internet", password="apn-s3cret", sim_pin=4711, authentication=pb.APN_AUTHENTICATION_PAP)
    profile = pb.NetworkConnectionProfile(
        ocpp_version=pb.NETWORK_OCPP_VERSION_OCPP20,
        ocpp_csms_url=f"wss://me:url-s3cret@{host}/",
        message_timeout_s=30,
        security_profile=2,
        ocpp_interface=pb.OCPP_INTERFACE_WIRELESS0,
        vpn=vpn,
        apn=apn,
    )
    return pb.SetNetworkProfileRequest(station_id="CP1", configuration_slot=slot, connection_data=profile)


async def _set(system: StationSystem, request: pb.SetNetworkProfileRequest, status: Any) -> None:
    answer = pb.SetNetworkProfileResponse(status=status)
    system.gateway.behave = answering(gateway_pb2.CallResponse(set_network_profile=answer))
    assert (await system.commands.SetNetworkProfile(request)).status == status


async def _list(system: StationSystem, **more: Any) -> list[pb.NetworkProfile]:
    service: Any = DeviceModelServiceStub(system.operators)
    return list(
        (await service.ListNetworkProfiles(ListNetworkProfilesRequest(station_id="CP1"), **more)).network_profiles
    )


async def test_a_slot_has_what_the_station_accepted_last(system: StationSystem, clock: FakeClock) -> None:
    await system.open("CP1", version="2.0.1")
    await _set(system, _request(2), ACCEPTED)
    await _set(system, _request(0, "first"), ACCEPTED)
    clock.advance(5)
    await _set(system, _request(0, "second"), ACCEPTED)
    await _set(system, _request(0, "third"), pb.SET_NETWORK_PROFILE_STATUS_REJECTED)
    first, second = await _list(system)
    assert (first.configuration_slot, first.connection_data.ocpp_csms_url) == (0, "wss://me:***@second/")
    assert (first.status, first.username, first.update_time.ToMicroseconds()) == (ACCEPTED, "ann", clock())
    assert second.configuration_slot == 2
    assert (second.connection_data.vpn.server, second.connection_data.apn.apn) == ("vpn", "internet")


def _all(connection: Connection, table: sa.Table) -> Sequence[Any]:
    return connection.execute(sa.select(table)).all()


async def test_secrets_are_sent_and_neither_stored_nor_shown(system: StationSystem) -> None:
    await system.open("CP1", version="2.0.1")
    await _set(system, _request(1), ACCEPTED)
    assert system.gateway.calls[-1].set_network_profile == _request(1)
    stored = []
    for table in (models.network_profile, models.audit_entry, models.outbox, models.command):
        rows = await system.database.read(partial(_all, table=table))
        stored += [str(tuple(row)) for row in rows]
    shown = [str(one) for one in await _list(system)]
    assert [text for text in (*stored, *shown) if any(secret in text for secret in SECRETS)] == []
    assert any("internet" in text for text in stored)


@pytest.mark.parametrize(("error", "count"), [(TIMEOUT, 1), (CALL_ERROR, 0), (OFFLINE, 0)])
async def test_a_profile_whose_answer_is_lost_may_be_set(system: StationSystem, error: MeshError, count: int) -> None:
    await system.open("CP1", version="2.0.1")
    system.gateway.behave = failing(error)
    with fails_with(error.reason):
        await system.commands.SetNetworkProfile(_request(1))
    found = await _list(system)
    assert [one.status for one in found] == [pb.SET_NETWORK_PROFILE_STATUS_UNSPECIFIED] * count


async def test_another_tenant_sees_nothing(system: StationSystem) -> None:
    await system.open("CP1", version="2.0.1")
    with fails_with("STATION_NOT_FOUND"):
        await _list(system, metadata=of_tenant("other"))
