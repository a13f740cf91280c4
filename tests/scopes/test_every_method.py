"""Every method for operators, found in the contract, as callers meet it whose permissions cover a part of a tenant."""

from typing import Any

from csms.condition.v1.condition_service_pb2 import ListConditionsRequest
from csms.condition.v1.condition_service_pb2_grpc import ConditionServiceStub
from csms.options.v1 import options_pb2
from csms.station.v1.rollout_service_pb2 import VariablesRollout
from csms.station.v1.station_pb2 import Variable
from csms.transaction.v1.transaction_service_pb2 import ListQuarantinedItemsRequest, MendQuarantinedItemRequest
from csms.transaction.v1.transaction_service_pb2_grpc import TransactionServiceStub
from google.protobuf import json_format
from google.protobuf.message import Message

from mesh.grpc.station_scopes import ALL_STATIONS
from mesh.identity.callers import Role
from mesh.identity.permissions import permissions_of
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.times import DAY_US, to_timestamp
from tests.fleet_rows import FLEET_LISTS
from tests.scoped_callers import WHOLE, limited_to
from tests.scopes.methods import Method, methods
from tests.scopes.rig import BERLIN, BONN, ScopedMesh
from tests.transaction_svc.kit import START_US

IN_BERLIN, IN_BONN = limited_to("berlin"), limited_to("bonn")
# Methods that may remove what the others are about.
_LAST = ("DeleteStation", "DeleteSite", "StopRollout", "DismissQuarantinedItem")
# Lists and changes of more than one station, for which the least request says nothing.
_APART = {"CreateStation", "ImportStations", "CreateRollout", "CreateSite"}
# Numbers of what is in the scope: test_conditions.py, test_summaries.py, and test_server_roots.py of station_svc.
_COUNTS = {"CountConditions", "GetStationSummary", "GetTransactionSummary", "CheckServerRoot"}
# Events of stations, and the ticket for them: test_streams.py and tests/front_door/test_subtree_walk.py.
_STREAMS = {"WatchEvents", "StreamEvents"}
_TICKETS = {"CreateWatchTicket"}


def _in_order(found: list[Method]) -> list[Method]:
    return sorted(found, key=lambda method: method.name in _LAST)


def _least(method: Method) -> Any:
    """The least request for a list: of all stations, and over some days of the tests' clock where it needs a time."""
    names = {"station_id": ALL_STATIONS} if method.scope == options_pb2.SCOPE_RULE_STATION_OR_ALL else {}
    request: Any = method.least(names)
    if "start_time" in request.DESCRIPTOR.fields_by_name:
        request.start_time.CopyFrom(to_timestamp(START_US - DAY_US))
        request.end_time.CopyFrom(to_timestamp(START_US + 3 * DAY_US))
    return request


def _told(outcome: Message | MeshError, *names: str) -> str:
    """The text of an outcome, without the names that the caller gave itself."""
    if isinstance(outcome, MeshError):
        text = f"{outcome.code.name} {outcome.reason} {outcome.message} {sorted(outcome.metadata.items())}"
    else:
        text = json_format.MessageToJson(outcome)
    for name in names:
        text = text.replace(name, "")
    return text


async def test_a_station_outside_of_the_scope_does_not_exist(scoped_mesh: ScopedMesh) -> None:
    """Each method about one station answers as for one that there is not; and serves whoever may see it."""
    found = _in_order(list(methods(options_pb2.SCOPE_RULE_STATION, options_pb2.SCOPE_RULE_STATION_OR_ALL)))
    assert len(found) > 50
    for method in found:
        hidden, absent = [
            _told(await method.call(scoped_mesh.channels, method.least({"station_id": name}), IN_BERLIN), name)
            for name in (BONN, "CP-NONE")
        ]
        assert hidden == absent, method.path
        assert hidden.startswith("NOT_FOUND STATION_NOT_FOUND"), (method.path, hidden)
        for metadata in (IN_BONN, WHOLE):
            if method.name == "DeleteStation":
                continue
            seen = await method.call(scoped_mesh.channels, method.least({"station_id": BONN}), metadata)
            assert "STATION_NOT_FOUND" not in _told(seen), (method.path, seen)
            assert "SCOPE_TOO_NARROW" not in _told(seen), (method.path, seen)
    [delete] = [method for method in found if method.name == "DeleteStation"]
    outcome = await delete.call(scoped_mesh.channels, delete.least({"station_id": BONN}), IN_BONN)
    assert not isinstance(outcome, MeshError), outcome


async def _quarantined(scoped_mesh: ScopedMesh, station_id: str) -> str:
    stub = TransactionServiceStub(scoped_mesh.channels["transaction"])
    request = ListQuarantinedItemsRequest(filter=f'station_id = "{station_id}"')
    response = await stub.ListQuarantinedItems(request, metadata=WHOLE)
    quarantine_id: str = response.items[0].quarantine_id
    return quarantine_id


async def _condition(scoped_mesh: ScopedMesh, station_id: str) -> str:
    stub = ConditionServiceStub(scoped_mesh.channels["notification"])
    response = await stub.ListConditions(ListConditionsRequest(station_id=station_id), metadata=WHOLE)
    condition_id: str = response.conditions[0].condition_id
    return condition_id


async def test_lists_show_what_is_in_the_scope_alone(scoped_mesh: ScopedMesh) -> None:
    """Each list has something of Bonn for the whole tenant, and nothing for a caller who is limited to Berlin."""
    await scoped_mesh.roll_out("site:bonn", display_name="bonn")
    found = [
        method
        for method in methods(options_pb2.SCOPE_RULE_STATIONS, options_pb2.SCOPE_RULE_STATION_OR_ALL)
        if "page_size" in method.descriptor.input_type.fields_by_name
        and "rollout_id" not in method.descriptor.input_type.fields_by_name
    ]
    assert {method.name for method in found} >= FLEET_LISTS.keys()
    assert len(found) >= 14
    for method in found:
        everything, limited = [
            _told(await method.call(scoped_mesh.channels, _least(method), metadata)) for metadata in (WHOLE, IN_BERLIN)
        ]
        assert "bonn" in everything.lower(), method.path
        assert "bonn" not in limited.lower(), method.path
        nobody = _told(await method.call(scoped_mesh.channels, _least(method), limited_to("none")))
        assert "cp-" not in nobody.lower(), method.path


async def test_what_belongs_to_other_stations_does_not_exist(scoped_mesh: ScopedMesh) -> None:
    """Each method that names a site, a rollout or a quarantined message answers as for one that there is not."""
    hidden_ids = {
        "rollout_id": await scoped_mesh.roll_out("site:bonn"),
        "quarantine_id": await _quarantined(scoped_mesh, BONN),
        "site_id": "bonn",
        "condition_id": await _condition(scoped_mesh, BONN),
    }
    absent_ids = dict.fromkeys(hidden_ids, "none")
    named = [method for method in methods(options_pb2.SCOPE_RULE_STATIONS) if method.name not in _APART | _COUNTS]
    named = _in_order([method for method in named if method.least(hidden_ids) != method.least(absent_ids)])
    for method in named:
        outcomes = []
        for ids in (hidden_ids, absent_ids):
            request = method.least(ids)
            if isinstance(request, MendQuarantinedItemRequest):
                request.meter_values.SetInParent()
            outcomes.append(_told(await method.call(scoped_mesh.channels, request, IN_BERLIN), *ids.values()))
        hidden, absent = outcomes
        assert hidden == absent, method.path
        assert hidden.startswith("NOT_FOUND"), (method.path, hidden)
    lists = {
        method.name
        for method in methods(options_pb2.SCOPE_RULE_STATIONS)
        if "page_size" in method.descriptor.input_type.fields_by_name
    }
    every = {method.name for method in methods(options_pb2.SCOPE_RULE_STATIONS)}
    assert every - lists - {method.name for method in named} == _APART | _COUNTS | _TICKETS, (
        "a new method needs a test of its own here"
    )


async def test_stations_are_added_and_commanded_within_the_scope_alone(scoped_mesh: ScopedMesh) -> None:
    """The methods for which the least request says nothing."""
    work = VariablesRollout(variables=[Variable(component="ChargingStation", variable="A", value="1")])
    requests = {
        "CreateStation": {"station_id": "CP-NEW", "site_id": "bonn"},
        "ImportStations": {"csv": "station_id,site_id\nCP-NEW,bonn\n"},
        "CreateRollout": {"filter": "site:bonn"},
        "CreateSite": {"site_id": "part", "parent_site_id": "bonn"},
    }
    found = {method.name: method for method in methods(options_pb2.SCOPE_RULE_STATIONS)}
    outcomes = {}
    for name, values in requests.items():
        request = found[name].least(values)
        if name == "CreateRollout":
            request.variables.CopyFrom(work)  # type: ignore[attr-defined]
        outcomes[name] = _told(await found[name].call(scoped_mesh.channels, request, IN_BERLIN))
    assert outcomes["CreateStation"].startswith("NOT_FOUND SITE_NOT_FOUND")
    assert "SITE_NOT_FOUND" in outcomes["ImportStations"]
    assert outcomes["CreateRollout"].startswith("FAILED_PRECONDITION NO_STATIONS")
    assert outcomes["CreateSite"].startswith("NOT_FOUND SITE_NOT_FOUND")


async def test_what_is_about_the_tenant_is_refused(scoped_mesh: ScopedMesh) -> None:
    """By methods about the tenant as a whole, to a caller whose permission covers a part; and not by any other."""
    held = permissions_of(Role.ADMINISTRATOR)  # others are the platform's
    found = [method for method in methods(options_pb2.SCOPE_RULE_TENANT) if method.permission in held]
    assert len(found) > 10
    for method in found:
        request = method.least({})
        limited = _told(await method.call(scoped_mesh.channels, request, limited_to("berlin", "bonn")))
        assert limited.startswith("PERMISSION_DENIED SCOPE_TOO_NARROW"), (method.path, limited)
        whole = await method.call(scoped_mesh.channels, request, WHOLE)  # the audit's entries tell of refused calls
        assert not isinstance(whole, MeshError) or whole.reason != Reason.SCOPE_TOO_NARROW, method.path
    for method in methods(options_pb2.SCOPE_RULE_CALLER):
        own = _told(await method.call(scoped_mesh.channels, method.least({}), IN_BERLIN))
        assert "SCOPE_TOO_NARROW" not in own, (method.path, own)


async def test_a_station_that_moves_out_of_the_scope_is_gone(scoped_mesh: ScopedMesh) -> None:
    """From the lists of every service, with its past, and appears in the scope that it moves into."""
    lists = [
        method
        for method in methods(options_pb2.SCOPE_RULE_STATIONS)
        if method.name
        in {"ListStations", "ListTransactions", "ListQuarantinedItems", "ListUnmatchedEvents", "ListEvents"}
    ]
    assert len(lists) == 5
    await scoped_mesh.move_station(BERLIN, "bonn")
    await scoped_mesh.publisher.publish()
    for method in lists:
        assert BERLIN not in _told(await method.call(scoped_mesh.channels, method.least({}), IN_BERLIN)), method.path
        assert BERLIN in _told(await method.call(scoped_mesh.channels, method.least({}), IN_BONN)), method.path


async def test_streams_have_their_scopes(scoped_mesh: ScopedMesh) -> None:
    """Streams about the tenant are refused; another one with events of stations needs a test like test_streams.py."""
    every = [value.number for value in options_pb2.ScopeRule.DESCRIPTOR.values]
    others = [method for method in methods(*every, streams=True) if method.name not in _STREAMS]
    assert len(others) < len(list(methods(*every, streams=True)))
    for method in others:
        assert method.scope == options_pb2.SCOPE_RULE_TENANT, method.path
        refused = _told(await method.first(scoped_mesh.channels, method.least({}), IN_BERLIN))
        assert refused.startswith("PERMISSION_DENIED SCOPE_TOO_NARROW"), (method.path, refused)
