"""Local lists: brought in line with the id tokens, in parts that fit the station, from wherever a sync stopped."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import grpc
import pytest
from csms.common.v1 import id_token_pb2
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import local_list_pb2, station_service_pb2
from csms.station.v1 import local_list_service_pb2 as pb
from csms.station.v1.local_list_service_pb2_grpc import LocalListServiceStub

from mesh.runtime.errors import from_status
from station_svc.core import variable_store
from station_svc.core.station_rows import VariableRow
from station_svc.features.local_lists import store
from station_svc.jobs.runner import Jobs
from tests.conftest import FakeClock
from tests.station_svc import tables as models
from tests.station_svc.conftest import StartSystem, StationSystem, fails_with, of_tenant
from tests.station_svc.far_auth import BLOCKED, FarAuth, far_auth, token
from tests.station_svc.features.list_station import ListStation
from tests.waiting import until

if TYPE_CHECKING:  # these are there for the type checker only
    from csms.station.v1.local_list_service_pb2_grpc import LocalListServiceAsyncStub

SYNCING = pb.LOCAL_LIST_SYNC_STATE_SYNCING
SYNCED = pb.LOCAL_LIST_SYNC_STATE_SYNCED
FAILED = pb.LOCAL_LIST_SYNC_STATE_FAILED


@dataclass(kw_only=True)
class Lists:
    """A station_svc with one station that keeps a list, and the auth_svc that knows the tokens."""

    system: StationSystem
    auth: FarAuth
    station: ListStation
    stub: "LocalListServiceAsyncStub"
    epoch: int

    @property
    def jobs(self) -> Jobs:
        """The job queue's runner."""
        return self.system.jobs

    def tokens(self, *texts: str) -> None:
        """The tokens that there are."""
        self.auth.tokens = [token(text) for text in texts]

    async def sync(self, **more: bool | str) -> pb.SyncLocalListResponse:
        """Asks for a sync."""
        return await self.stub.SyncLocalList(pb.SyncLocalListRequest(station_id="CP1", **more))  # type: ignore[arg-type]

    async def run(self, turns: int = 1) -> pb.LocalList:
        """Lets the queue work, with seven seconds after each turn, and returns the list as it is known then."""
        for _ in range(turns):
            await self.system.lease()
            await self.jobs.run_due()
            self.system.clock.advance(7)
        return await self.get()

    async def get(self) -> pb.LocalList:
        """The known entries of the list."""
        return (await self.stub.GetLocalList(pb.GetLocalListRequest(station_id="CP1"))).local_list

    async def entries(self) -> list[str]:
        """The tokens that the station is believed to hold."""
        request = pb.ListLocalListEntriesRequest(station_id="CP1", page_size=2)
        found: list[str] = []
        while True:
            page = await self.stub.ListLocalListEntries(request)
            found += [entry.id_token.id_token for entry in page.entries]
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


@pytest.fixture
async def lists(start_system: StartSystem) -> AsyncIterator[Lists]:
    """One that is connected and booted."""
    async with far_auth() as auth:
        system = await start_system(auth_address=auth.address)
        await system.lease()
        epoch = await system.open("CP1")
        await system.boot(system.boot_item("CP1", epoch))
        station = ListStation()
        system.gateway.behave = station.behave
        stub = LocalListServiceStub(system.operators)
        yield Lists(system=system, auth=auth, station=station, stub=stub, epoch=epoch)


async def test_a_first_sync_sends_all_in_parts_that_fit(lists: Lists) -> None:
    """A full part, then differential ones with rising versions; the state, what it holds, and the event."""
    lists.tokens(*(f"T{number:02}" for number in range(12)))
    answer = await lists.sync(request_id="r1")
    assert (answer.request_id, answer.local_list.sync_state, lists.station.sent) == ("r1", SYNCING, [])
    known = await lists.run()
    assert [(kind, version, len(tags)) for kind, version, tags in lists.station.sent] == [
        ("Full", 1, 5),
        ("Differential", 2, 5),
        ("Differential", 3, 2),
    ]
    assert sorted(lists.station.list) == await lists.entries() == [f"T{number:02}" for number in range(12)]
    assert (known.sync_state, known.version_number, known.entry_count, known.request_id) == (SYNCED, 3, 12, "r1")
    assert known.HasField("sync_time")
    assert not known.HasField("error")
    assert await lists.system.events("station.local_list") == [
        ("station.local_list_synced", "CP1", {"requestId": "r1", "versionNumber": 3})
    ]


async def test_a_limit_of_something_else_cuts_no_part(lists: Lists) -> None:
    """ItemsPerMessage of GetVariables is remembered, and says nothing of lists; that of no instance does."""
    names = ("ItemsPerMessage",)
    for instance, known in (("GetVariables", {}), ("", {"ItemsPerMessage": 2})):
        row = VariableRow(
            component="DeviceDataCtrlr" if instance else "LocalAuthListCtrlr",
            variable="ItemsPerMessage",
            component_instance="",
            evse_id=0,
            connector_id=0,
            variable_instance=instance,
            attribute_type="Actual",
            value="2",
            readonly=True,
            update_us=lists.system.clock(),
        )
        await lists.system.database.write(partial(variable_store.remember, variables=[(("default", "CP1"), row)]))
        found = await lists.system.database.read(
            lambda connection: store.find_numbers(connection, "default", "CP1", names)
        )
        assert found == known


async def test_only_what_changed_is_sent_later(lists: Lists, clock: FakeClock) -> None:
    """Removed entries first, then new and changed ones; nothing at all if nothing changed."""
    lists.tokens("A", "B", "C", "D", "E", "F")
    await lists.sync()
    await lists.run()
    lists.station.sent.clear()
    expire_us = clock() + 3_600_000_000
    lists.auth.tokens = [token(text) for text in "ACDF"] + [
        token("E", BLOCKED, expire_us=expire_us, group="G"),
        token("X"),
    ]
    await lists.sync()
    known = await lists.run()
    assert lists.station.sent == [("Differential", 3, ["B"]), ("Differential", 4, ["E", "X"])]
    assert lists.station.list["E"]["status"] == "Blocked"
    assert lists.station.list["E"]["parentIdTag"] == "G"
    assert (sorted(lists.station.list), known.entry_count) == (list("ACDEFX"), 6)
    lists.station.sent.clear()
    await lists.sync()
    assert (await lists.run()).sync_state == SYNCED
    assert lists.station.sent == []


async def test_a_station_that_holds_something_else_gets_all(lists: Lists) -> None:
    """It says another version than the one that it took from here, as after a loss of its memory."""
    lists.tokens("A", "B")
    await lists.sync()
    await lists.run()
    lists.station.version, lists.station.list = 40, {"Z": {"status": "Accepted"}}
    await lists.sync()
    known = await lists.run()
    assert lists.station.sent[-1] == ("Full", 41, ["A", "B"])
    assert (known.version_number, sorted(lists.station.list)) == (41, ["A", "B"])


async def test_all_is_sent_where_that_is_asked_for(lists: Lists) -> None:
    lists.tokens("A")
    await lists.sync()
    await lists.run()
    await lists.sync(full=True)
    await lists.run()
    await lists.sync()
    await lists.run()
    assert [sent[:2] for sent in lists.station.sent] == [("Full", 1), ("Full", 2)]


async def test_a_list_may_become_empty(lists: Lists) -> None:
    await lists.sync()
    await lists.run()
    assert lists.station.sent == [("Full", 1, [])]
    lists.tokens("A")
    await lists.sync()
    await lists.run()
    lists.tokens()
    await lists.sync()
    assert (await lists.run()).entry_count == 0
    assert lists.station.list == {}


async def test_what_does_not_fit_is_left_out_and_told(lists: Lists) -> None:
    """Tokens that 1.6 cannot name are not sent again and again; who may not charge goes where room is short."""
    lists.station.keys["LocalAuthListMaxLength"] = 3
    long = "A" * 21
    lists.auth.tokens = [token("A"), token("B"), token("C", BLOCKED), token("D"), token(long), token("X", BLOCKED)]
    await lists.sync()
    known = await lists.run(2)
    assert {one.id_token: one.reason for one in known.left_out_tokens} == {
        long: pb.LEFT_OUT_REASON_UNFIT,
        "C": pb.LEFT_OUT_REASON_NO_ROOM,
        "X": pb.LEFT_OUT_REASON_NO_ROOM,
    }
    assert (known.sync_state, known.left_out_count) == (SYNCED, 3)
    assert sorted(lists.station.list) == ["A", "B", "D"]
    lists.station.sent.clear()
    await lists.sync()
    assert (await lists.run()).left_out_count == 3
    assert lists.station.sent == []


async def test_a_station_that_is_away(lists: Lists) -> None:
    """The request stands until it is back, and the tokens of that moment are what counts."""
    lists.tokens("A")
    await lists.system.close("CP1", lists.epoch)
    await lists.sync()
    assert (await lists.run()).sync_state == SYNCING
    assert lists.station.sent == []
    lists.tokens("A", "B")
    await lists.system.open("CP1")
    await lists.run()
    assert (await lists.run()).sync_state == SYNCED
    assert sorted(lists.station.list) == ["A", "B"]


async def test_a_station_that_keeps_no_list(lists: Lists) -> None:
    """It says so by its version, or by its answer: given up at once, and told."""
    lists.station.supported = False
    await lists.sync()
    known = await lists.run()
    assert (known.sync_state, from_status(known.error).reason) == (FAILED, "LOCAL_LIST_NOT_SUPPORTED")
    lists.station.supported = True
    lists.station.faults = ["NotSupported"]
    await lists.sync()
    assert from_status((await lists.run()).error).reason == "LOCAL_LIST_NOT_SUPPORTED"
    [first, second] = await lists.system.events("station.local_list_failed")
    assert first[2]["reason"] == second[2]["reason"] == "LOCAL_LIST_NOT_SUPPORTED"


@pytest.mark.parametrize("fault", ["Failed", "VersionMismatch"])
async def test_a_part_that_is_refused(lists: Lists, fault: str) -> None:
    """The station's entries are not known then: the next attempt sends all. The error can be read meanwhile."""
    lists.tokens(*"ABCDEFGH")
    lists.station.faults = ["", fault]
    await lists.sync()
    known = await lists.run()
    assert (known.sync_state, from_status(known.error).reason) == (SYNCING, "LOCAL_LIST_REFUSED")
    assert known.entry_count == 0
    known = await lists.run()
    assert (known.sync_state, known.HasField("error"), known.entry_count) == (SYNCED, False, 8)
    assert [sent[0] for sent in lists.station.sent] == ["Full", "Differential", "Full", "Differential"]


async def test_an_answer_that_is_lost(lists: Lists) -> None:
    """The station's version shows whether it took the part; either way the list ends right."""
    lists.tokens(*"ABCDEFGH")
    lists.station.faults = ["", "lost"]
    await lists.sync()
    assert (await lists.run()).sync_state == SYNCING
    known = await lists.run()
    assert (known.sync_state, sorted(lists.station.list)) == (SYNCED, list("ABCDEFGH"))


async def test_a_killed_one_s_sync_goes_on_where_it_stopped(
    start_system: StartSystem, lists: Lists, clock: FakeClock
) -> None:
    """Accepted parts are not sent again: after the lease, another replica sends the rest as a change."""
    lists.tokens(*(f"T{number:02}" for number in range(12)))
    stopped = asyncio.Event()

    async def behave(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        if request.HasField("send_local_list") and request.send_local_list.version_number == 3:
            stopped.set()
            await asyncio.Event().wait()
        return await lists.station.behave(request)

    lists.system.gateway.behave = behave
    await lists.sync()
    lost = asyncio.create_task(lists.jobs.run_due())
    await stopped.wait()
    lost.cancel()
    lists.system.gateway.behave = lists.station.behave
    clock.advance(100)  # the lease, and the time of the command that was under way
    other = await start_system(auth_address=lists.auth.address)
    other.gateway.behave = lists.station.behave
    for _ in range(3):
        await lists.system.lease()
        await other.jobs.run_due()
        clock.advance(6)
    assert (await lists.get()).sync_state == SYNCED
    assert [sent[:2] for sent in lists.station.sent] == [("Full", 1), ("Differential", 2), ("Differential", 3)]
    assert len(lists.station.list) == 12


async def test_one_that_is_asked_for_meanwhile_is_done_after(lists: Lists) -> None:
    """A sync that has its tokens already misses what changes after; asked for again, it is done again, once."""
    lists.tokens("A")
    gate = asyncio.Event()

    async def behave(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        if request.HasField("send_local_list"):
            await gate.wait()
        return await lists.station.behave(request)

    lists.system.gateway.behave = behave
    await lists.sync(request_id="r1")
    turn = asyncio.create_task(lists.jobs.run_due())
    await until(lambda: any(call.HasField("send_local_list") for call in lists.system.gateway.calls))
    lists.tokens("A", "B")
    for request_id in ("r2", "r3", "r3"):
        await lists.sync(request_id=request_id)
    gate.set()
    await turn
    known = await lists.get()
    assert (known.sync_state, known.request_id) == (SYNCING, "r3")
    known = await lists.run()
    assert (known.sync_state, sorted(lists.station.list)) == (SYNCED, ["A", "B"])
    assert len(await lists.system.events("station.local_list_synced")) == 1
    assert await lists.jobs.run_due() == 0


async def test_a_repeated_request_is_the_same_one(lists: Lists) -> None:
    lists.tokens("A")
    await lists.sync(request_id="r1")
    await lists.run()
    known = (await lists.sync(request_id="r1")).local_list
    assert known.sync_state == SYNCED
    assert await lists.system.count(models.job) == 1


async def test_the_mesh_s_trouble_is_waited_for(lists: Lists) -> None:
    """auth_svc is unavailable: the sync is tried again, and the reason can be read."""
    lists.tokens("A")
    lists.auth.is_unavailable = True
    await lists.sync()
    known = await lists.run()
    assert (known.sync_state, from_status(known.error).reason) == (SYNCING, "DATABASE_UNAVAILABLE")
    lists.auth.is_unavailable = False
    assert (await lists.run()).sync_state == SYNCED


async def test_limits_are_read_once_where_they_are_known(lists: Lists) -> None:
    """And a station that does not report them gets the usual values."""
    lists.tokens("A")
    for _ in range(2):
        await lists.sync()
        await lists.run()
    assert [call.WhichOneof("command") for call in lists.system.gateway.calls] == [
        "get_local_list_version",
        "get_variables",
        "send_local_list",
        "get_local_list_version",
    ]
    lists.station.keys = dict.fromkeys(lists.station.keys)
    await lists.system.stations.DeleteStation(station_service_pb2.DeleteStationRequest(station_id="CP1"))
    epoch = await lists.system.open("CP1")
    await lists.system.boot(lists.system.boot_item("CP1", epoch))
    lists.tokens(*(str(number) for number in range(60)))
    await lists.sync()
    await lists.run()
    assert [len(sent[2]) for sent in lists.station.sent[-2:]] == [50, 10]


async def test_what_operators_send_themselves_is_known(lists: Lists) -> None:
    """Their commands change the same list; the next sync takes it from there."""
    entry = local_list_pb2.LocalListEntry(
        id_token=id_token_pb2.IdToken(id_token="M"), id_token_info=id_token_pb2.IdTokenInfo(status=BLOCKED)
    )
    request = local_list_pb2.SendLocalListRequest(
        station_id="CP1",
        version_number=9,
        update_type=local_list_pb2.LOCAL_LIST_UPDATE_TYPE_FULL,
        entries=[entry],
    )
    await lists.system.commands.SendLocalList(request)
    assert await lists.entries() == ["M"]
    version = await lists.system.commands.GetLocalListVersion(
        local_list_pb2.GetLocalListVersionRequest(station_id="CP1")
    )
    assert version.version_number == (await lists.get()).version_number == 9
    lists.tokens("M", "N")
    await lists.sync()
    await lists.run()
    assert lists.station.sent[-1] == ("Differential", 10, ["M", "N"])


async def test_whose_list_it_is(lists: Lists) -> None:
    """A station of another tenant is not there; nor is one that nobody added; both by the same words."""
    other = of_tenant("other")
    with fails_with("STATION_NOT_FOUND") as caught:
        await lists.stub.SyncLocalList(pb.SyncLocalListRequest(station_id="CP1"), metadata=other)
    assert caught[0].code is grpc.StatusCode.NOT_FOUND
    with fails_with("STATION_NOT_FOUND"):
        await lists.stub.GetLocalList(pb.GetLocalListRequest(station_id="CP1"), metadata=other)
    for station_id in ("CP9", "\0"):
        with fails_with("STATION_NOT_FOUND"):
            await lists.stub.ListLocalListEntries(pb.ListLocalListEntriesRequest(station_id=station_id))
        with fails_with("STATION_NOT_FOUND"):
            await lists.stub.SyncLocalList(pb.SyncLocalListRequest(station_id=station_id))
    with fails_with("INVALID_FIELD"):
        await lists.sync(request_id="x" * 65)
    assert (await lists.get()).sync_state == pb.LOCAL_LIST_SYNC_STATE_UNSPECIFIED
