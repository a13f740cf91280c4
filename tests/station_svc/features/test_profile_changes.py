"""Security profiles that stations are sent: required once a station connects by one, and never before.

1.6 security whitepaper, 5.1 (TC_083); 2.0.1 part 2, A05.
"""

import asyncio
from typing import Any

import pytest
from csms.common.v1 import certificate_pb2 as common_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import certificate_pb2, network_profile_pb2, station_pb2, station_service_pb2
from csms.station.v1 import command_service_pb2 as pb
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from google.protobuf.field_mask_pb2 import FieldMask

from mesh.identity.acting import ActorKind
from mesh.runtime.errors import MeshError
from tests.audited import contents, linked_entries
from tests.station_svc import tables as models
from tests.station_svc.answers import CALL_ERROR, OFFLINE, TIMEOUT
from tests.station_svc.conftest import StationSystem, attempt, fails_with, reason_of
from tests.station_svc.tls_attempts import DAY_US, behind_terminator, by_certificate, over_tls, sign_for

ACCEPTED, REJECTED = pb.SET_VARIABLE_STATUS_ACCEPTED, pb.SET_VARIABLE_STATUS_REJECTED
REBOOT_REQUIRED = pb.SET_VARIABLE_STATUS_REBOOT_REQUIRED
TAKEN, REFUSED = (
    network_profile_pb2.SET_NETWORK_PROFILE_STATUS_ACCEPTED,
    network_profile_pb2.SET_NETWORK_PROFILE_STATUS_REJECTED,
)
TOO_LOW = "SECURITY_PROFILE_TOO_LOW"


class Station:
    """The station at the other end: it writes down the profiles that it is sent, and answers as a test sets it."""

    def __init__(self, status: Any = ACCEPTED, error: MeshError | None = None) -> None:
        self.status = status
        self.error = error
        self.sent: list[int] = []

    async def __call__(self, request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        """Answers SetVariables and SetNetworkProfile."""
        if request.HasField("set_network_profile"):
            self.sent.append(request.set_network_profile.connection_data.security_profile)
            answer = network_profile_pb2.SetNetworkProfileResponse(status=self.status)
            response = gateway_pb2.CallResponse(set_network_profile=answer)
        else:
            [variable] = request.set_variables.variables
            self.sent.append(int(variable.value))
            result = pb.SetVariableResult(status=self.status, variable=station_pb2.Variable(variable=variable.variable))
            response = gateway_pb2.CallResponse(set_variables=pb.SetVariablesResponse(results=[result]))
        if self.error is not None:
            raise self.error
        return response


async def _connected(system: StationSystem, *, profile: int = 1, version: str = "1.6") -> bytes:
    """A station that is connected by its profile, with a serial number; its credential."""
    credential = (await system.create("CP1")).encode()
    [result] = await system.attempt(attempt("CP1", credential=credential, version=version))
    await system.boot(system.boot_item("CP1", result.epoch, serial_number="SN-1"))
    if profile > 1:
        await _record(system, profile)
        item = _shown(system, version=version) if profile == 3 else over_tls("CP1", credential=credential)
        assert await _opens(system, item)
    return credential


def _shown(system: StationSystem, common_name: str = "SN-1", **more: Any) -> ingest_pb2.OpenConnectionItem:
    return by_certificate("CP1", common_name, expire_us=system.clock() + DAY_US, **more)


async def _opens(system: StationSystem, item: ingest_pb2.OpenConnectionItem) -> bool:
    [result] = await system.attempt(item)
    return reason_of(result) == ""


async def _record(system: StationSystem, profile: int) -> station_pb2.Station:
    """An operator changes the record alone."""
    request = station_service_pb2.UpdateStationRequest(update_mask=FieldMask(paths=["security_profile"]))
    request.station.station_id, request.station.security_profile = "CP1", profile
    return (await system.stations.UpdateStation(request)).station


async def _set(system: StationSystem, profile: int) -> None:
    variables = [station_pb2.Variable(variable="SecurityProfile", value=str(profile))]
    await system.commands.SetVariables(pb.SetVariablesRequest(station_id="CP1", variables=variables))


async def _set_network(system: StationSystem, profile: int) -> None:
    data = network_profile_pb2.NetworkConnectionProfile(
        ocpp_version=network_profile_pb2.NETWORK_OCPP_VERSION_OCPP20,
        ocpp_csms_url="wss://csms/ocpp",
        message_timeout_s=30,
        security_profile=profile,
        ocpp_interface=network_profile_pb2.OCPP_INTERFACE_WIRED0,
    )
    request = network_profile_pb2.SetNetworkProfileRequest(station_id="CP1", configuration_slot=1, connection_data=data)
    await system.commands.SetNetworkProfile(request)


async def _profiles(system: StationSystem) -> tuple[int, int]:
    station = await system.station("CP1")
    return station.security_profile, station.next_security_profile


@pytest.mark.parametrize("status", [ACCEPTED, REBOOT_REQUIRED])
async def test_a_profile_is_required_once_the_station_connects_by_it(system: StationSystem, status: Any) -> None:
    """TC_083: until then both are enough, so that a station that could not change over is not lost."""
    credential = await _connected(system)
    system.gateway.behave = Station(status)
    await _set(system, 2)
    assert await _profiles(system) == (1, 2)
    assert await _opens(system, attempt("CP1", credential=credential))
    assert not await _opens(system, over_tls("CP1", credential=b"wrong"))
    assert await _profiles(system) == (1, 2)
    assert await _opens(system, over_tls("CP1", credential=credential))
    assert await _profiles(system) == (2, 0)
    [result] = await system.attempt(attempt("CP1", credential=credential))
    assert reason_of(result) == TOO_LOW


async def test_a_terminator_in_front_confirms_profile_2(system: StationSystem) -> None:
    credential = await _connected(system)
    system.gateway.behave = Station()
    await _set(system, 2)
    assert await _opens(system, behind_terminator("CP1", credential=credential))
    assert await _profiles(system) == (2, 0)


async def test_profile_3_is_confirmed_by_the_certificate(system: StationSystem) -> None:
    """Then the password alone is not enough any more, and the certificate needs none."""
    credential = await _connected(system, profile=2)
    await sign_for(system, "CP1")
    system.gateway.behave = Station()
    await _set(system, 3)
    assert await _profiles(system) == (2, 3)
    assert await _opens(system, over_tls("CP1", credential=credential))
    [result] = await system.attempt(_shown(system, "SN-2"))
    assert reason_of(result) == "CLIENT_CERTIFICATE_SUBJECT_WRONG"
    assert await _opens(system, _shown(system, "SN-2", credential=credential))  # by the password
    assert await _profiles(system) == (2, 3)
    assert await _opens(system, _shown(system))
    assert await _profiles(system) == (3, 0)
    [result] = await system.attempt(over_tls("CP1", credential=credential))
    assert reason_of(result) == TOO_LOW


async def test_the_change_is_audited_as_the_stations_and_published(system: StationSystem) -> None:
    credential = await _connected(system)
    system.gateway.behave = Station()
    await _set(system, 2)
    system.clock.advance(1)
    before = len(await system.events("station.updated"))
    assert await _opens(system, over_tls("CP1", credential=credential))
    assert len(await system.events("station.updated")) == before + 1
    entry = contents(await linked_entries(system.database, "station"))[-1]
    assert (entry.actor_kind, entry.actor, entry.resource) == (ActorKind.STATION, "CP1", "CP1")
    assert (entry.before, entry.after) == ({"security_profile": 1}, {"security_profile": 2})


async def test_a_lost_answer_locks_nobody_out(system: StationSystem) -> None:
    """A station of 1.6 reconnects at once when it took the profile: its answer may be lost."""
    await _connected(system, profile=2)
    await sign_for(system, "CP1")
    system.gateway.behave = Station(error=TIMEOUT)
    with fails_with("CALL_TIMEOUT"):
        await _set(system, 3)
    assert await _profiles(system) == (2, 3)
    assert await _opens(system, _shown(system))
    assert await _profiles(system) == (3, 0)


async def test_a_station_that_is_faster_than_its_answer(system: StationSystem) -> None:
    """It connects by the new profile while the command is under way."""
    credential = await _connected(system)
    under_way = asyncio.Event()
    release = asyncio.Event()

    async def slow(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        under_way.set()
        await release.wait()
        return await Station()(request)

    system.gateway.behave = slow
    call = asyncio.ensure_future(_set(system, 2))
    await under_way.wait()
    assert await _opens(system, over_tls("CP1", credential=credential))
    assert await _profiles(system) == (2, 0)
    release.set()
    await call
    assert await _profiles(system) == (2, 0)


@pytest.mark.parametrize("error", [None, CALL_ERROR, OFFLINE])
async def test_a_station_that_does_not_take_it(system: StationSystem, error: MeshError | None) -> None:
    """Refused, or never sent: the former profile is the only one, and what was sent before stays."""
    await _connected(system, profile=2)
    await sign_for(system, "CP1")
    system.gateway.behave = station = Station(REJECTED, error)
    if error is None:
        await _set(system, 3)
    else:
        with fails_with(error.reason):
            await _set(system, 3)
    assert await _profiles(system) == (2, 0)
    assert not await _opens(system, _shown(system))
    station.status, station.error = ACCEPTED, None
    await _set(system, 3)
    station.status = REJECTED
    await _set(system, 3)
    assert await _profiles(system) == (2, 3)


async def test_a_refused_profile_leaves_the_one_before_it(system: StationSystem) -> None:
    await _connected(system)
    await sign_for(system, "CP1")
    system.gateway.behave = station = Station()
    await _set(system, 2)
    station.status = REJECTED
    await _set(system, 3)
    assert await _profiles(system) == (1, 2)


async def test_the_same_profile_may_be_set_again_and_changes_nothing(system: StationSystem) -> None:
    await _connected(system, profile=2)
    system.gateway.behave = station = Station()
    await _set(system, 2)
    assert (station.sent, await _profiles(system)) == ([2], (2, 0))


async def test_a_profile_needs_what_the_station_will_prove_itself_by(system: StationSystem) -> None:
    """Without credentials or a certificate the station would never come in again: nothing is sent."""
    await system.open("CP1")
    for profile in (1, 2):
        with fails_with("CREDENTIAL_MISSING"):
            await _set(system, profile)
    with fails_with("CLIENT_CERTIFICATE_MISSING") as caught:
        await _set(system, 3)
    assert "TriggerMessage" in caught[0].message
    assert system.gateway.calls == []
    assert await system.count(models.command) == 0
    assert await _profiles(system) == (0, 0)


async def test_a_certificate_that_proves_the_station_no_more_does_not_count(system: StationSystem) -> None:
    """Its board was replaced since: by the certificate that it was given it would never come in again."""
    credential = await _connected(system, profile=2)
    await sign_for(system, "CP1")
    issue_us = system.clock()
    system.clock.advance(1)
    request = station_service_pb2.UpdateStationRequest(update_mask=FieldMask(paths=["expected_serial_number"]))
    request.station.station_id, request.station.expected_serial_number = "CP1", "SN-9"
    await system.stations.UpdateStation(request)
    for name in ("CP1", "SN-9"):
        assert await _opens(system, _shown(system, name, issue_us=issue_us, credential=credential))
        with fails_with("CLIENT_CERTIFICATE_MISSING"):
            await _set(system, 3)
    system.gateway.behave = Station()
    assert await _opens(system, _shown(system, "CP1", issue_us=system.clock(), credential=credential))
    await _set(system, 3)
    assert await _profiles(system) == (2, 3)


async def test_a_certificate_for_another_use_or_past_its_end_does_not_count(system: StationSystem) -> None:
    await _connected(system, profile=2)
    await sign_for(system, "CP1", use=common_pb2.CERTIFICATE_SIGNING_USE_V2G_CERTIFICATE)
    with fails_with("CLIENT_CERTIFICATE_MISSING"):
        await _set(system, 3)
    await system.create("CP2")
    await sign_for(system, "CP2")
    with fails_with("CLIENT_CERTIFICATE_MISSING"):
        await _set(system, 3)


@pytest.mark.parametrize(
    ("state", "days"),
    [
        (certificate_pb2.CERTIFICATE_REQUEST_STATE_DELIVERED, -1),
        (certificate_pb2.CERTIFICATE_REQUEST_STATE_REFUSED_BY_STATION, 1),
        (certificate_pb2.CERTIFICATE_REQUEST_STATE_SIGNED, 1),
    ],
)
async def test_a_certificate_that_the_station_does_not_hold_does_not_count(
    system: StationSystem, state: int, days: int
) -> None:
    await _connected(system, profile=2)
    await sign_for(system, "CP1", state=state, expire_us=system.clock() + days * DAY_US)
    with fails_with("CLIENT_CERTIFICATE_MISSING"):
        await _set(system, 3)


async def test_a_certificate_from_elsewhere_that_the_station_shows_counts(system: StationSystem) -> None:
    """Its manufacturer gave it one; it shows it at profile 2 already."""
    credential = await _connected(system, profile=2)
    system.gateway.behave = Station()
    assert await _opens(system, _shown(system, "SN-2", credential=credential))
    with fails_with("CLIENT_CERTIFICATE_MISSING"):
        await _set(system, 3)
    assert await _opens(system, _shown(system, credential=credential))
    await _set(system, 3)
    assert await _profiles(system) == (2, 3)


# By a network profile, 2.0.1 A05


async def test_a_network_profile_raises_it_likewise(system: StationSystem) -> None:
    """A05: sent with SetNetworkProfile, in use after a restart; the connection by it confirms it."""
    credential = await _connected(system, version="2.0.1")
    system.gateway.behave = station = Station(TAKEN)
    await _set_network(system, 2)
    assert (station.sent, await _profiles(system)) == ([2], (1, 2))
    assert await _opens(system, over_tls("CP1", credential=credential, version="2.0.1"))
    assert await _profiles(system) == (2, 0)
    station.status = REFUSED
    await sign_for(system, "CP1")
    await _set_network(system, 3)
    assert await _profiles(system) == (2, 0)


async def test_a_network_profile_is_held_to_the_same_rules(system: StationSystem) -> None:
    await _connected(system, profile=2, version="2.0.1")
    with fails_with("SECURITY_PROFILE_LOWERED"):
        await _set_network(system, 1)
    with fails_with("CLIENT_CERTIFICATE_MISSING"):
        await _set_network(system, 3)
    assert system.gateway.calls == []
    await _record(system, 0)
    system.gateway.behave = Station(TAKEN)
    await _set_network(system, 0)
    assert await _profiles(system) == (0, 0)


async def test_a_network_profile_of_a_station_without_credentials_raises_nothing(system: StationSystem) -> None:
    """Nothing is asked of it: it connects as before, whichever of its network profiles it uses."""
    await system.open("CP1", version="2.0.1")
    system.gateway.behave = station = Station(TAKEN)
    await _set_network(system, 2)
    assert (station.sent, await _profiles(system)) == ([2], (0, 0))
    with fails_with("CLIENT_CERTIFICATE_MISSING"):
        await _set_network(system, 3)


# Downwards


async def _allow_downgrade(system: StationSystem, value: str) -> None:
    """The station reports AllowSecurityProfileDowngrade."""

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        named = station_pb2.Variable(
            component="SecurityCtrlr", variable="AllowSecurityProfileDowngrade", attribute_type="Actual", value=value
        )
        results = [pb.GetVariableResult(status=pb.GET_VARIABLE_STATUS_ACCEPTED, variable=named)]
        return gateway_pb2.CallResponse(get_variables=pb.GetVariablesResponse(results=results))

    system.gateway.behave = behave
    variables = [station_pb2.Variable(component="SecurityCtrlr", variable="AllowSecurityProfileDowngrade")]
    await system.commands.GetVariables(pb.GetVariablesRequest(station_id="CP1", variables=variables))


async def test_a_station_of_2_x_that_allows_it_goes_from_3_to_2(system: StationSystem) -> None:
    """Confirmed by a connection with the password and no certificate; one with the certificate leaves both open."""
    credential = await _connected(system, profile=3, version="2.0.1")
    await _allow_downgrade(system, "true")
    system.gateway.behave = station = Station(TAKEN)
    await _set_network(system, 2)
    assert await _profiles(system) == (3, 2)
    assert await _opens(system, _shown(system, credential=credential, version="2.0.1"))
    assert await _profiles(system) == (3, 2)
    assert not await _opens(system, attempt("CP1", credential=credential, version="2.0.1"))
    assert await _opens(system, over_tls("CP1", credential=credential, version="2.0.1"))
    assert await _profiles(system) == (2, 0)
    with fails_with("SECURITY_PROFILE_LOWERED"):
        await _set(system, 1)
    assert station.sent == [2]


@pytest.mark.parametrize(("version", "value"), [("2.0.1", "false"), ("2.0.1", ""), ("1.6", "true")])
async def test_no_other_station_is_sent_a_lower_profile(system: StationSystem, version: str, value: str) -> None:
    """Not over 1.6 whatever it reports; the error says what an operator does instead."""
    await _connected(system, profile=3, version=version)
    if value:
        await _allow_downgrade(system, value)
    calls = len(system.gateway.calls)
    for profile in (1, 2):
        with fails_with("SECURITY_PROFILE_LOWERED") as caught:
            await _set(system, profile)
        assert "UpdateStation" in caught[0].message
    assert len(system.gateway.calls) == calls


async def test_an_operator_lowers_the_record_after_a_reset_on_site(system: StationSystem) -> None:
    """Nothing is sent to the station; the former password is enough again, and a profile under way is forgotten."""
    credential = await _connected(system, profile=2)
    await sign_for(system, "CP1")
    system.gateway.behave = station = Station()
    await _set(system, 3)
    changed = await _record(system, 1)
    assert (changed.security_profile, changed.next_security_profile) == (1, 0)
    assert station.sent == [3]
    assert await _opens(system, attempt("CP1", credential=credential))
    assert not await _opens(system, _shown(system))
