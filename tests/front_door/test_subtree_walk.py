"""Every operator RPC, by gRPC, gRPC-web and REST, as somebody meets it whose permissions cover the subtree of one site.

The stations beyond it do not exist for that caller: each answer about one is that for a name which nobody has. Who is
refused for other reasons than the subtree is in test_walk.py, and the rules themselves are in docs/SITES.md.
"""

import asyncio
import http.client
import struct
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib import import_module
from itertools import chain
from typing import Any
from urllib.parse import quote

import grpc
import pytest
from csms.event.v1.event_service_pb2 import Event, WatchEventsRequest, WatchEventsResponse
from csms.event.v1.event_service_pb2_grpc import EventServiceStub
from csms.options.v1 import options_pb2
from csms.station.v1.rollout_service_pb2 import CreateRolloutRequest
from csms.station.v1.station_pb2 import Variable
from csms.transaction.v1.transaction_service_pb2 import MendQuarantinedItemRequest
from google.protobuf import descriptor_pool, json_format
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from mesh.contract.published import published_files
from mesh.contract.services import OPERATOR_SERVICES
from mesh.identity.callers import Role
from mesh.identity.permissions import permissions_of
from tests.front_door.administration import MARK, Administration, Bearer
from tests.front_door.towns import ABSENT, Town, Towns, build_towns
from tests.front_door.transcoding import rest_calls
from tests.front_door.walk import Doors, Outcome, Rpc
from tests.running_mesh import RunningMesh
from tests.scopes.methods import least_request
from tests.waiting import until

HELD = permissions_of(Role.ADMINISTRATOR)
Watch = Callable[[RunningMesh, Bearer, WatchEventsRequest], Generator[Event, None, None]]
DAY = timedelta(days=1)
# Requests that the names of a town do not make by themselves.
_APART: Mapping[str, Callable[[Town], Mapping[str, str]]] = {
    "CreateStation": lambda town: {"station_id": "walkown-new", "site_id": town.ids["site_id"]},
    "ImportStations": lambda town: {"csv": f"station_id,site_id\nwalkown-new,{town.ids['site_id']}\n"},
    "CreateRollout": lambda town: {"filter": f"site:{town.ids['site_id']}"},
    "CreateSite": lambda town: {"site_id": "walkown-part", "parent_site_id": town.ids["site_id"]},
}
# Streams that do not end.
_ENDLESS = ("WatchEvents", "StreamEvents")
# Answers to a name that nobody has as to one without anything, like lists.
_COUNTING = ("CountConditions",)
_NONE = options_pb2.AUDIT_NONE
_PAGE_SIZE = 1000
# Lists and numbers that have nothing of the towns, whose stations say little; tests/scopes has rows of them, and
# tests/station_svc/features/test_server_roots.py has the last one.
_EMPTY = ("ListAlarms", "ListLocalLists", "ListServerRoots", "ListVariableDrifts", "CheckServerRoot")
_IDS = {"site_id", "rollout_id", "quarantine_id"}
_REFUSED = {"NOT_FOUND", "FAILED_PRECONDITION"}


@pytest.fixture(scope="module")
def towns(mesh: RunningMesh, administration: Administration) -> Towns:
    """Two sites, and who sees which."""
    return build_towns(mesh, administration, {"authorization": f"Bearer {mesh.token()}"})


@pytest.fixture(scope="module")
def doors(mesh: RunningMesh) -> Iterator[Doors]:
    """The three ways in."""
    with Doors(mesh.target) as found:
        yield found


@cache
def _load_contract() -> None:
    """Makes the messages of all operator services known to this process."""
    for file in published_files(chain.from_iterable(OPERATOR_SERVICES.values())):
        if file.package.startswith("csms."):
            import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")


def _descriptor(rpc: Rpc) -> MethodDescriptor:
    _load_contract()
    service: Any = descriptor_pool.Default().FindServiceByName(rpc.service)
    found: MethodDescriptor = service.methods_by_name[rpc.method.name]
    return found


def _of_rule(rpcs: list[Rpc], rule: str) -> list[Rpc]:
    number = options_pb2.ScopeRule.Value(f"SCOPE_RULE_{rule}")
    return [rpc for rpc in rpcs if rpc.access.scope == number and rpc.method.name not in _ENDLESS]


def _request(rpc: Rpc, values: Mapping[str, str]) -> Message:
    """The least request with these values, over some days where it needs a time; a list's page has room for all."""
    request: Any = least_request(_descriptor(rpc), values)
    if "page_size" in request.DESCRIPTOR.fields_by_name:
        request.page_size = _PAGE_SIZE  # other tests of the same mesh have made rows of their own
    if "start_time" in request.DESCRIPTOR.fields_by_name and "page_size" in request.DESCRIPTOR.fields_by_name:
        request.start_time.FromDatetime(datetime.now(UTC) - DAY)
        request.end_time.FromDatetime(datetime.now(UTC) + DAY)
    if isinstance(request, CreateRolloutRequest):
        request.variables.variables.append(Variable(component="ChargingStation", variable="A", value="1"))
    if isinstance(request, MendQuarantinedItemRequest):
        request.meter_values.SetInParent()
    found: Message = request
    return found


def _asked(doors: Doors, rpc: Rpc, request: Message, headers: Mapping[str, str]) -> dict[str, Outcome]:
    """The answers by every door; REST may have several routes."""
    data = request.SerializeToString(deterministic=True)
    found = {"gRPC": doors.ask_by_grpc(rpc, headers, data), "gRPC-web": doors.ask_by_grpc_web(rpc, headers, data)}
    for call in rest_calls(_descriptor(rpc), request):
        found[f"{call.verb} {call.path}"] = doors.ask_by_rest(call, headers)
    return found


def _without(text: str, names: Mapping[str, str]) -> str:
    for name in sorted(names.values(), key=len, reverse=True):
        text = text.replace(name, "")
    return text


def _hidden_faults(doors: Doors, towns: Towns, rpc: Rpc, values: Callable[[Town], Mapping[str, str]]) -> list[str]:
    """The answers about what is beyond that differ from those about what nobody has, or have a trace of it."""
    faults = []
    request = _request(rpc, values(towns.beyond))
    given = {field: name for field, name in towns.beyond.ids.items() if name in str(request)}
    hidden = _asked(doors, rpc, request, towns.limited)
    absent = _asked(doors, rpc, _request(rpc, values(ABSENT)), towns.limited)
    for (door, one), other in zip(hidden.items(), absent.values(), strict=True):
        told = (one.code, one.reason, _without(one.message, given))
        expected = (other.code, other.reason, _without(other.message, ABSENT.ids))
        is_other = told != expected or (_is_comparable(rpc, door, one) and one.data != other.data)
        if is_other or MARK in _without(one.data.decode(errors="replace"), given).lower():
            faults.append(f"{rpc.path} by {door}: {told}, for a name that nobody has {expected}: {one.data!r}")
    return faults


def _is_comparable(rpc: Rpc, door: str, outcome: Outcome) -> bool:
    """Whether an answer has no words of the request: then it is the same for both names."""
    return (door, outcome.code) == ("gRPC", "OK") and (_is_list(rpc) or rpc.method.name in _COUNTING)


def _station_of(town: Town) -> Mapping[str, str]:
    return {"station_id": town.station_id}


def _ids_of(town: Town) -> Mapping[str, str]:
    return town.ids


def _in_turn(walks: list[Callable[[], list[str]]]) -> list[str]:
    with ThreadPoolExecutor(4) as pool:
        return list(chain.from_iterable(pool.map(lambda walk: walk(), walks)))


def test_reflection_lists_the_services_of_the_contract(rpcs: list[Rpc]) -> None:
    """So that the descriptors of these tests are those of the mesh."""
    assert {rpc.service for rpc in rpcs} == {name for names in OPERATOR_SERVICES.values() for name in names}
    assert all(_descriptor(rpc).input_type.full_name == rpc.method.input_type.removeprefix(".") for rpc in rpcs)


def test_a_station_of_another_subtree_does_not_exist(doors: Doors, rpcs: list[Rpc], towns: Towns) -> None:
    """For any method about one station, by any door; its own is served."""
    methods = _of_rule(rpcs, "STATION")
    assert len(methods) > 50
    walks = [
        partial(_hidden_faults, doors, towns, rpc, lambda town: {"station_id": town.station_id}) for rpc in methods
    ]
    faults = _in_turn([*walks])
    assert not faults, "\n".join(faults[:20])
    for rpc in methods:
        request = _request(rpc, {"station_id": towns.beyond.station_id})
        for door, outcome in _asked(doors, rpc, request, towns.limited).items():
            assert (outcome.code, outcome.reason) == ("NOT_FOUND", "STATION_NOT_FOUND"), (rpc.path, door, outcome)


def test_the_own_station_is_served(doors: Doors, rpcs: list[Rpc], towns: Towns, administration: Administration) -> None:
    """By the same requests: the subtree is what hides the other one."""
    administration.post("/v1/stations", {"stationId": "walkown-spare", "siteId": towns.own.ids["site_id"]})
    for rpc in _of_rule(rpcs, "STATION"):
        station_id = "walkown-spare" if rpc.method.name == "DeleteStation" else towns.own.station_id
        request = _request(rpc, {"station_id": station_id})
        outcome = doors.ask_by_grpc(rpc, towns.limited, request.SerializeToString())
        assert outcome.reason not in {"STATION_NOT_FOUND", "SCOPE_TOO_NARROW"}, (rpc.path, outcome)
        assert outcome.code not in {"PERMISSION_DENIED", "UNAUTHENTICATED"}, (rpc.path, outcome)


def test_methods_about_the_tenant_are_refused(doors: Doors, rpcs: list[Rpc], towns: Towns) -> None:
    """By any door, without a trace; those of the account are served, and platform methods refused by the role."""
    methods = _of_rule(rpcs, "TENANT")
    assert len(methods) > 30
    for rpc in methods:
        reason = "SCOPE_TOO_NARROW" if rpc.access.permission in HELD else "ROLE_TOO_LOW"
        for door, outcome in _asked(doors, rpc, _request(rpc, {}), towns.limited).items():
            assert (outcome.code, outcome.reason) == ("PERMISSION_DENIED", reason), (rpc.path, door, outcome)
            assert MARK not in outcome.data.decode(errors="replace").lower(), (rpc.path, door)
    for rpc in _of_rule(rpcs, "CALLER"):
        outcome = doors.ask_by_grpc(rpc, towns.limited, b"\xff")
        assert (outcome.code, outcome.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST"), (rpc.path, outcome)


def _is_list(rpc: Rpc) -> bool:
    fields = _descriptor(rpc).input_type.fields_by_name
    return "page_size" in fields and "rollout_id" not in fields


def _all_pages(doors: Doors, rpc: Rpc, request: Message, headers: Mapping[str, str]) -> bytes:
    """The whole list, page after page: the mesh has stations of other tests, and events of theirs."""
    asked, found = type(request)(), b""
    asked.CopyFrom(request)
    while True:
        page = GetMessageClass(_descriptor(rpc).output_type).FromString(
            doors.ask_by_grpc(rpc, headers, asked.SerializeToString()).data
        )
        found += page.SerializeToString()
        if not (token := getattr(page, "next_page_token", "")):
            return found
        asked.page_token = token  # type: ignore[attr-defined]


def test_lists_have_no_trace_of_another_subtree(doors: Doors, rpcs: list[Rpc], towns: Towns) -> None:
    """By any door. For the whole tenant each has something of both."""
    lists = [rpc for rpc in _of_rule(rpcs, "STATIONS") if _is_list(rpc) and rpc.method.name not in _EMPTY]
    assert len(lists) >= 8
    for rpc in lists:
        request = _request(rpc, {})

        def everything(rpc: Rpc = rpc, request: Message = request) -> bool:
            seen, own = [_all_pages(doors, rpc, request, headers) for headers in (towns.everybody, towns.limited)]
            return towns.beyond.ids["site_id"].encode() in seen and b"walkown" in own

        try:
            asyncio.run(until(everything))  # rollups, and copies of placements, are a moment behind
        except TimeoutError:
            pytest.fail(f"{rpc.path} does not list what both have")
        for door, outcome in _asked(doors, rpc, request, towns.limited).items():
            assert outcome.code == "OK", (rpc.path, door, outcome)
            # A further route lists one station, which nobody has here: it is asked in the next test.
            assert b"walkown" in outcome.data or "/stations/1/" in door, (rpc.path, door)
            assert MARK.encode() not in outcome.data.lower(), (rpc.path, door, outcome.data)


def test_what_belongs_to_another_subtree_does_not_exist(doors: Doors, rpcs: list[Rpc], towns: Towns) -> None:
    """Sites, rollouts, quarantined messages and lists of one station; and nothing is added there."""
    methods = _of_rule(rpcs, "STATIONS")
    walks: list[Callable[[], list[str]]] = []
    for rpc in methods:
        values = _APART.get(rpc.method.name, _ids_of)
        if _request(rpc, values(towns.beyond)) != _request(rpc, values(ABSENT)):
            walks.append(partial(_hidden_faults, doors, towns, rpc, values))
    assert len(walks) > 15
    faults = _in_turn(walks)
    assert not faults, "\n".join(faults[:20])
    for rpc in methods:
        values = _APART.get(rpc.method.name, _ids_of)
        is_named = _request(rpc, values(towns.beyond)) != _request(rpc, values(ABSENT))
        if is_named and not _is_list(rpc) and rpc.method.name not in ("ImportStations", *_COUNTING):
            outcome = doors.ask_by_grpc(rpc, towns.limited, _request(rpc, values(towns.beyond)).SerializeToString())
            assert outcome.code in _REFUSED, (rpc.path, outcome)


def test_sums_are_those_of_the_subtree(doors: Doors, rpcs: list[Rpc], towns: Towns) -> None:
    """A reading method that names nothing answers otherwise than for the whole tenant."""
    reading = [rpc for rpc in _of_rule(rpcs, "STATIONS") if rpc.method.options.Extensions[options_pb2.audit] == _NONE]
    reading = [rpc for rpc in reading if not _is_list(rpc) and rpc.method.name not in _EMPTY]
    sums = [rpc for rpc in reading if not _IDS & set(_descriptor(rpc).input_type.fields_by_name)]
    assert {rpc.method.name for rpc in sums} >= {"GetStationSummary", "GetTransactionSummary"}
    for rpc in sums:
        data = _request(rpc, {}).SerializeToString()
        own, everything = [doors.ask_by_grpc(rpc, headers, data) for headers in (towns.limited, towns.everybody)]
        assert (own.code, everything.code) == ("OK", "OK"), (rpc.path, own, everything)
        assert own.data != everything.data, rpc.path


def _by_grpc(mesh: RunningMesh, bearer: Bearer, request: WatchEventsRequest) -> Generator[Event, None, None]:
    with grpc.insecure_channel(mesh.target) as channel:
        for response in EventServiceStub(channel).WatchEvents(request, metadata=tuple(bearer.items()), timeout=60):
            yield response.event


def _by_grpc_web(mesh: RunningMesh, bearer: Bearer, request: WatchEventsRequest) -> Generator[Event, None, None]:
    with closing(http.client.HTTPConnection(mesh.target, timeout=60)) as connection:
        data = request.SerializeToString()
        web = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **bearer}
        path = "/csms.event.v1.EventService/WatchEvents"
        connection.request("POST", path, b"\0" + struct.pack(">I", len(data)) + data, web)
        answer = connection.getresponse()
        while True:
            kind, length = struct.unpack(">BI", answer.read(5))
            assert kind == 0
            yield WatchEventsResponse.FromString(answer.read(length)).event


def _by_ticket(mesh: RunningMesh, bearer: Bearer, request: WatchEventsRequest) -> Generator[Event, None, None]:
    made = mesh.request("POST", "/v1/events:createWatchTicket", body={}, **bearer)
    assert made.status == 200, made
    yield from _by_rest(mesh, {}, request, ticket=f"&ticket={quote(made.json['ticket'], safe='')}")


def _by_rest(
    mesh: RunningMesh, bearer: Bearer, request: WatchEventsRequest, *, ticket: str = ""
) -> Generator[Event, None, None]:
    with closing(http.client.HTTPConnection(mesh.target, timeout=60)) as connection:
        connection.request("GET", f"/v1/events:watch?after_cursor={request.after_cursor}{ticket}", headers=bearer)
        answer = connection.getresponse()
        while line := answer.readline():
            if line.startswith(b"data: "):
                yield json_format.Parse(line.removeprefix(b"data: "), Event())


@pytest.mark.parametrize("watch", [_by_grpc, _by_grpc_web, _by_rest, _by_ticket])
def test_a_stream_has_no_trace_of_another_subtree(mesh: RunningMesh, towns: Towns, watch: Watch) -> None:
    """From the oldest event on, among which are those of both stations."""
    request = WatchEventsRequest(after_cursor=0)
    seen = {towns.everybody["authorization"]: "", towns.limited["authorization"]: ""}
    for bearer in (towns.everybody, towns.limited):
        with closing(watch(mesh, bearer, request)) as events:
            for event in events:
                seen[bearer["authorization"]] += str(event)
                if (event.station_id, event.type) == (towns.own.station_id, "transaction.ended"):
                    break
    everything, own = seen.values()
    assert MARK in everything
    assert MARK not in own
