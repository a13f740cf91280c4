"""Charging profiles: what stations hold follows what they are sent, what they answer, and the time."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from csms.common.v1 import id_token_pb2, status_info_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import charging_profile_pb2 as pb
from csms.station.v1 import charging_profile_service_pb2 as service_pb
from csms.station.v1 import command_service_pb2, station_service_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1.charging_profile_service_pb2_grpc import ChargingProfileServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from mesh.runtime.errors import MeshError
from mesh.runtime.times import SECOND_US, to_timestamp
from station_svc.commands.commands import QUEUE_ALLOWANCE_S, RECORDING_ALLOWANCE_S
from station_svc.core.allocation_store import MOST
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.answers import CALL_ERROR, OFFLINE, TIMEOUT, answering, failing
from tests.station_svc.conftest import AVAILABLE, OCCUPIED, StationSystem, fails_with, of_tenant
from tests.waiting import until

TX_DEFAULT = pb.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE
TX = pb.CHARGING_PROFILE_PURPOSE_TX_PROFILE
MAX = pb.CHARGING_PROFILE_PURPOSE_CHARGING_STATION_MAX_PROFILE
ACCEPTED = pb.CHARGING_PROFILE_STATUS_ACCEPTED
REJECTED = pb.CHARGING_PROFILE_STATUS_REJECTED
START_ACCEPTED = command_service_pb2.REQUEST_START_STOP_STATUS_ACCEPTED


def profile(profile_id: int = 0, *, purpose: pb.ChargingProfilePurpose.ValueType = TX_DEFAULT, **more: Any) -> Any:
    """A profile of one period."""
    period = pb.ChargingSchedulePeriod(limit=16.1)
    schedule = pb.ChargingSchedule(charging_rate_unit=pb.CHARGING_RATE_UNIT_AMPERES, periods=[period])
    return pb.ChargingProfile(
        charging_profile_id=profile_id,
        purpose=purpose,
        kind=pb.CHARGING_PROFILE_KIND_RELATIVE,
        schedules=[schedule],
        **more,
    )


def _taken(command: Any, status: Any = ACCEPTED) -> Any:
    """The gateway's form of a station's answer."""
    if isinstance(command, command_service_pb2.RequestStartTransactionRequest):
        return command_service_pb2.RequestStartTransactionResponse(
            status=status, charging_profile_id=command.charging_profile.charging_profile_id
        )
    if isinstance(command, pb.ClearChargingProfileRequest):
        return pb.ClearChargingProfileResponse(status=pb.CLEAR_CHARGING_PROFILE_STATUS_ACCEPTED)
    return pb.SetChargingProfileResponse(
        status=status, charging_profile_id=command.charging_profile.charging_profile_id
    )


async def _open(system: StationSystem) -> int:
    system.gateway.behave = answering(_taken)
    return await system.open("CP1")


async def _set(system: StationSystem, *, evse_id: int = 1, **more: Any) -> int:
    """Sets a profile; its number."""
    request_id = more.pop("request_id", "")
    request = pb.SetChargingProfileRequest(
        station_id="CP1", evse_id=evse_id, charging_profile=profile(**more), request_id=request_id
    )
    return (await system.commands.SetChargingProfile(request)).charging_profile_id


async def _clear(system: StationSystem, **fields: Any) -> None:
    await system.commands.ClearChargingProfile(pb.ClearChargingProfileRequest(station_id="CP1", **fields))


async def _list(system: StationSystem, **more: Any) -> service_pb.ListChargingProfilesResponse:
    request = service_pb.ListChargingProfilesRequest(station_id="CP1", **more)
    response: service_pb.ListChargingProfilesResponse = await ChargingProfileServiceStub(
        system.operators
    ).ListChargingProfiles(request)
    return response


async def _states(system: StationSystem, **more: Any) -> list[tuple[int, str]]:
    """Number and state of each profile, oldest first."""
    found = reversed((await _list(system, **more)).charging_profiles)
    return [(one.charging_profile.charging_profile_id, _word(one.state)) for one in found]


def _word(state: service_pb.ChargingProfileState.ValueType) -> str:
    return service_pb.ChargingProfileState.Name(state).removeprefix("CHARGING_PROFILE_STATE_")


async def _kinds(system: StationSystem) -> Sequence[str]:
    return [kind.removeprefix("charging_profile.") for kind, *_rest in await system.events("charging_profile.")]


async def test_a_profile_is_kept_as_it_was_sent(system: StationSystem, clock: FakeClock) -> None:
    """With its number, where it is for, and the station's answer; an event is published."""
    await _open(system)
    assert await _set(system, profile_id=7, stack_level=2) == 7
    [found] = (await _list(system)).charging_profiles
    assert found == service_pb.StationChargingProfile(
        station_id="CP1",
        evse_id=1,
        charging_profile=profile(7, stack_level=2),
        state=service_pb.CHARGING_PROFILE_STATE_ACTIVE,
        create_time=to_timestamp(clock()),
        update_time=to_timestamp(clock()),
        limit_source=pb.CHARGING_LIMIT_SOURCE_CSO,
    )
    [(kind, station_id, data)] = await system.events("charging_profile.")
    assert (kind, station_id) == ("charging_profile.active", "CP1")
    assert data == {
        "chargingProfileId": 7,
        "evseId": 1,
        "purpose": "CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE",
        "stackLevel": 2,
        "transactionId": "",
        "reasonCode": "",
        "limitSource": "CHARGING_LIMIT_SOURCE_CSO",
    }


async def test_numbers_are_given_where_there_are_none(system: StationSystem) -> None:
    """Each is free at that station; those that operators gave are passed over; every station has its own."""
    await _open(system)
    assert await _set(system, profile_id=2) == 2
    assert [await _set(system, evse_id=evse_id) for evse_id in (2, 3)] == [1, 3]
    assert [call.set_charging_profile.charging_profile.charging_profile_id for call in system.gateway.calls] == [
        2,
        1,
        3,
    ]
    await system.open("CP2")
    request = pb.SetChargingProfileRequest(station_id="CP2", evse_id=1, charging_profile=profile())
    assert (await system.commands.SetChargingProfile(request)).charging_profile_id == 1


async def test_the_last_number_is_followed_by_the_first(system: StationSystem) -> None:
    """Numbers stay within 32 bits."""
    await _open(system)
    await _set(system)
    ids = models.allocation.update().where(models.allocation.c.kind == "charging_profile_id")
    await system.database.write(lambda connection: connection.execute(ids.values(latest=MOST - 1)))
    assert [await _set(system, evse_id=evse_id) for evse_id in (2, 3)] == [MOST, 2]


async def test_many_at_once_get_a_number_each(system: StationSystem) -> None:
    await _open(system)
    numbers = await asyncio.gather(*(_set(system, evse_id=evse_id) for evse_id in range(1, 9)))
    assert sorted(numbers) == list(range(1, 9))


async def test_a_repeated_request_sets_nothing_twice(system: StationSystem) -> None:
    """The first outcome again, with its number."""
    await _open(system)
    assert [await _set(system, request_id="once") for _ in range(2)] == [1, 1]
    assert len(system.gateway.calls) == 1
    assert await _states(system) == [(1, "ACTIVE")]


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        ({"profile_id": 1}, {"profile_id": 1, "stack_level": 5, "evse_id": 2}, "REPLACED"),
        ({"profile_id": 1}, {"profile_id": 2}, "REPLACED"),
        ({"profile_id": 1, "purpose": TX, "transaction_id": "8"}, {"profile_id": 2, "purpose": TX}, "REPLACED"),
        ({"profile_id": 1}, {"profile_id": 2, "stack_level": 1}, "ACTIVE"),
        ({"profile_id": 1}, {"profile_id": 2, "evse_id": 2}, "ACTIVE"),
        ({"profile_id": 1}, {"profile_id": 2, "purpose": TX}, "ACTIVE"),
    ],
)
async def test_what_takes_the_place_of_what(
    system: StationSystem, first: dict[str, Any], second: dict[str, Any], state: str
) -> None:
    """The same number, or the same EVSE, purpose and stack level (1.6 section 5.16)."""
    await _open(system)
    await _set(system, **first)
    await _set(system, **second)
    assert await _states(system) == [(1, state), (second["profile_id"], "ACTIVE")]


@pytest.mark.parametrize(
    ("error", "reason_code", "reason"),
    [(None, "UnsupportedRequest", ""), (CALL_ERROR, "NotImplemented", "CALL_ERROR")],
)
async def test_a_profile_that_is_not_taken(
    system: StationSystem, error: MeshError | None, reason_code: str, reason: str
) -> None:
    """It is rejected, with the station's reason, and the one whose place it would have taken stays."""
    await _open(system)
    await _set(system, profile_id=1)
    info = status_info_pb2.StatusInfo(reason_code=reason_code)
    refusal = pb.SetChargingProfileResponse(status=REJECTED, status_info=info, charging_profile_id=2)
    system.gateway.behave = failing(error) if error else answering(lambda _command: refusal)
    if reason:
        with fails_with(reason):
            await _set(system, profile_id=2)
    else:
        await _set(system, profile_id=2)
    assert await _states(system) == [(1, "ACTIVE"), (2, "REJECTED")]
    assert (await _list(system)).charging_profiles[0].reason_code == reason_code
    assert await _kinds(system) == ["active", "rejected"]


async def test_a_profile_that_could_not_be_sent_is_none(system: StationSystem, clock: FakeClock) -> None:
    """The caller gets the error, nothing is kept, and what was there is in no doubt afterwards."""
    await _open(system)
    await _set(system, profile_id=1)
    system.gateway.behave = failing(OFFLINE)
    with fails_with("STATION_OFFLINE"):
        await _set(system, profile_id=2)
    clock.advance(3600)
    assert await _states(system) == [(1, "ACTIVE")]
    assert await _kinds(system) == ["active"]


async def test_without_an_answer_nothing_is_known(system: StationSystem) -> None:
    """Neither of the new one, nor of the one whose place it may have taken; others stay as they are."""
    await _open(system)
    await _set(system, profile_id=1)
    await _set(system, profile_id=3, evse_id=2)
    system.gateway.behave = failing(TIMEOUT)
    with fails_with("CALL_TIMEOUT"):
        await _set(system, profile_id=2)
    assert await _states(system) == [(1, "UNKNOWN"), (3, "ACTIVE"), (2, "UNKNOWN")]
    system.gateway.behave = answering(_taken)
    await _set(system, profile_id=4)
    assert await _states(system) == [(1, "REPLACED"), (3, "ACTIVE"), (2, "REPLACED"), (4, "ACTIVE")]


async def test_an_outcome_that_was_lost(system: StationSystem, clock: FakeClock) -> None:
    """Where the process dies meanwhile, the outcome counts as unknown once nobody waits for it any more."""
    await _open(system)
    await _set(system, profile_id=1)
    reached, release = asyncio.Event(), asyncio.Event()

    async def hold(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        reached.set()
        await release.wait()
        return gateway_pb2.CallResponse(set_charging_profile=pb.SetChargingProfileResponse(status=ACCEPTED))

    system.gateway.behave = hold
    task = asyncio.ensure_future(_set(system, profile_id=2))
    await reached.wait()
    assert await _states(system) == [(1, "ACTIVE"), (2, "REQUESTED")]
    clock.advance(30 + QUEUE_ALLOWANCE_S + RECORDING_ALLOWANCE_S)
    assert await _states(system) == [(1, "UNKNOWN"), (2, "UNKNOWN")]
    assert await _states(system, filter="state = UNKNOWN") == [(1, "UNKNOWN"), (2, "UNKNOWN")]
    assert await system.housekeeper.end_due() == 2
    assert (await _kinds(system))[-2:] == ["unknown", "unknown"]
    release.set()
    await task
    assert await _states(system) == [(1, "REPLACED"), (2, "ACTIVE")]  # it was slow, not lost


@pytest.mark.parametrize(
    ("fields", "cleared"),
    [
        ({}, {1, 2, 3, 4}),
        ({"charging_profile_id": 2}, {2}),
        ({"criteria": pb.ClearChargingProfileCriteria(evse_id=0)}, {1}),
        ({"criteria": pb.ClearChargingProfileCriteria(evse_id=1)}, {2, 3}),
        ({"criteria": pb.ClearChargingProfileCriteria(purpose=TX_DEFAULT)}, {2, 3, 4}),
        ({"criteria": pb.ClearChargingProfileCriteria(stack_level=0)}, {1, 2}),
        ({"criteria": pb.ClearChargingProfileCriteria(evse_id=1, purpose=TX_DEFAULT, stack_level=1)}, {3}),
        ({"criteria": pb.ClearChargingProfileCriteria(evse_id=1, purpose=MAX)}, set()),
    ],
)
async def test_clearing(system: StationSystem, fields: dict[str, Any], cleared: set[int]) -> None:
    """Exactly those that the station clears (1.6 section 5.5)."""
    await _open(system)
    await _set(system, profile_id=1, evse_id=0, purpose=MAX)
    await _set(system, profile_id=2)
    await _set(system, profile_id=3, stack_level=1)
    await _set(system, profile_id=4, evse_id=2, stack_level=2)
    await _clear(system, **fields)
    assert {number for number, state in await _states(system) if state == "CLEARED"} == cleared
    assert {number for number, state in await _states(system) if state == "ACTIVE"} == {1, 2, 3, 4} - cleared
    assert (await _kinds(system)).count("cleared") == len(cleared)


@pytest.mark.parametrize(
    ("error", "reason", "state"),
    [
        (None, "", "UNKNOWN"),
        (TIMEOUT, "CALL_TIMEOUT", "UNKNOWN"),
        (CALL_ERROR, "CALL_ERROR", "ACTIVE"),
        (OFFLINE, "STATION_OFFLINE", "ACTIVE"),
    ],
)
async def test_clearing_that_did_not_go_well(
    system: StationSystem, clock: FakeClock, error: MeshError | None, reason: str, state: str
) -> None:
    """A station that holds none such, or does not say, leaves it unknown; one that refuses leaves it as it was."""
    await _open(system)
    await _set(system, profile_id=1)
    none = pb.ClearChargingProfileResponse(status=pb.CLEAR_CHARGING_PROFILE_STATUS_UNKNOWN)
    system.gateway.behave = failing(error) if error else answering(lambda _command: none)
    if reason:
        with fails_with(reason):
            await _clear(system, charging_profile_id=1)
    else:
        await _clear(system, charging_profile_id=1)
    clock.advance(3600)
    assert await _states(system) == [(1, state)]


async def test_time_ends_a_profile(system: StationSystem, clock: FakeClock) -> None:
    """At valid_to: at once where it is read or filtered for, and as an event within some seconds."""
    await _open(system)
    await _set(system, profile_id=1, valid_to=to_timestamp(clock() + 60 * SECOND_US))
    await _set(system, profile_id=2, evse_id=2)
    clock.advance(59)
    assert await system.housekeeper.end_due() == 0
    clock.advance(1)
    assert await _states(system) == [(1, "EXPIRED"), (2, "ACTIVE")]
    assert await _states(system, filter="state = EXPIRED") == [(1, "EXPIRED")]
    assert await _states(system, filter="state = CHARGING_PROFILE_STATE_ACTIVE AND evse_id = 2") == [(2, "ACTIVE")]
    assert [await system.housekeeper.end_due() for _ in range(2)] == [1, 0]
    assert await _states(system) == [(1, "EXPIRED"), (2, "ACTIVE")]
    assert (await _kinds(system))[-1] == "expired"


async def test_a_time_beyond_the_calendar(system: StationSystem) -> None:
    """A profile that the gateway refuses does no harm before it gets there."""
    await _open(system)
    system.gateway.behave = failing(OFFLINE)
    with fails_with("STATION_OFFLINE"):
        await _set(system, valid_to=Timestamp(seconds=1 << 60), transaction_id="\0")
    assert await _states(system) == []


async def test_a_transaction_takes_its_profiles_along(system: StationSystem) -> None:
    """The gateway reports its end; those of other transactions and purposes stay. A repeat changes nothing."""
    epoch = await _open(system)
    await _set(system, profile_id=1, purpose=TX, transaction_id="11")
    await _set(system, profile_id=2, purpose=TX, transaction_id="12", evse_id=2)
    await _set(system, profile_id=3)
    end = ingest_pb2.ReportItem(
        origin=system.origin("CP1", epoch), transaction_end=pb.TransactionEnd(transaction_id="11")
    )
    for _ in range(2):
        await system.notify(end)
    assert await _states(system) == [(1, "EXPIRED"), (2, "ACTIVE"), (3, "ACTIVE")]
    assert (await _kinds(system)).count("expired") == 1


async def test_a_free_connector_has_no_transaction(system: StationSystem, clock: FakeClock) -> None:
    """A TX profile that was set with a requested start names no transaction: it ends once its EVSE is free again."""
    epoch = await _open(system)
    await system.report(system.status_item("CP1", epoch, status=OCCUPIED))
    early = system.status_item("CP1", epoch, status=AVAILABLE)
    clock.advance(1)
    start = command_service_pb2.RequestStartTransactionRequest(
        station_id="CP1",
        evse_id=1,
        id_token=id_token_pb2.IdToken(id_token="T"),
        charging_profile=profile(purpose=TX),
    )
    answer = await system.commands.RequestStartTransaction(start)
    assert (answer.status, answer.charging_profile_id) == (START_ACCEPTED, 1)
    await _set(system, profile_id=2, purpose=TX, evse_id=2)
    await _set(system, profile_id=3)
    await system.report(early)  # free before that, told late
    assert await _states(system) == [(1, "ACTIVE"), (2, "ACTIVE"), (3, "ACTIVE")]
    await system.report(system.status_item("CP1", epoch, status=OCCUPIED))
    clock.advance(1)
    await system.report(system.status_item("CP1", epoch, status=AVAILABLE))
    assert await _states(system) == [(1, "EXPIRED"), (2, "ACTIVE"), (3, "ACTIVE")]


async def test_a_start_that_is_refused_leaves_no_profile(system: StationSystem) -> None:
    """It is rejected with the start."""
    await _open(system)
    rejected = command_service_pb2.REQUEST_START_STOP_STATUS_REJECTED
    system.gateway.behave = answering(lambda command: _taken(command, rejected))
    start = command_service_pb2.RequestStartTransactionRequest(
        station_id="CP1", evse_id=1, id_token=id_token_pb2.IdToken(id_token="T"), charging_profile=profile(purpose=TX)
    )
    await system.commands.RequestStartTransaction(start)
    assert await _states(system) == [(1, "REJECTED")]


async def test_pages(system: StationSystem) -> None:
    """Newest first, each once; a token belongs to its filter."""
    await _open(system)
    for evse_id in range(1, 6):
        await _set(system, evse_id=evse_id)
    first = await _list(system, page_size=2)
    assert [one.evse_id for one in first.charging_profiles] == [5, 4]
    second = await _list(system, page_size=3, page_token=first.next_page_token)
    assert [one.evse_id for one in second.charging_profiles] == [3, 2, 1]
    assert not second.next_page_token
    with fails_with("INVALID_PAGE_TOKEN"):
        await _list(system, page_token=first.next_page_token, filter="evse_id = 1")
    found = await _list(system, filter='purpose = "TX_DEFAULT_PROFILE" AND charging_profile_id = 2')
    assert [one.evse_id for one in found.charging_profiles] == [2]
    with fails_with("INVALID_FILTER"):
        await _list(system, filter="state = BROKEN")


async def test_stations_of_others_are_not_there(system: StationSystem) -> None:
    await _open(system)
    stub = ChargingProfileServiceStub(system.operators)
    request = service_pb.ListChargingProfilesRequest(station_id="CP1")
    with fails_with("STATION_NOT_FOUND"):
        await stub.ListChargingProfiles(request, metadata=of_tenant("other"))
    with fails_with("STATION_NOT_FOUND"):
        await stub.ListChargingProfiles(service_pb.ListChargingProfilesRequest(station_id="CP9\0"))


async def test_a_removed_station_takes_its_profiles_along(system: StationSystem, clock: FakeClock) -> None:
    """A new one of its name begins anew; an answer that comes too late changes nothing of it."""
    await _open(system)
    await _set(system)
    reached, release = asyncio.Event(), asyncio.Event()

    async def hold(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        reached.set()
        await release.wait()
        return gateway_pb2.CallResponse(set_charging_profile=pb.SetChargingProfileResponse(status=ACCEPTED))

    system.gateway.behave = hold
    task = asyncio.ensure_future(_set(system, evse_id=2))
    await reached.wait()
    await system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    release.set()
    await task
    assert await system.count(models.charging_profile) == 0
    clock.advance(1)
    await _open(system)
    assert await _set(system) == 1
    await until(lambda: len(system.gateway.closed) == 1)


async def test_what_ended_long_ago_is_removed(system: StationSystem, clock: FakeClock) -> None:
    """A profile that a station still holds stays for ever."""
    await _open(system)
    for profile_id in range(1, 6):
        await _set(system, profile_id=profile_id)
    clock.advance(91 * 24 * 3600)
    await system.retention.remove_old()
    assert await _states(system) == [(5, "ACTIVE")]
