"""All conditions of a tenant from one call: gathered, paged, scoped, acknowledged; and numbers of the fleet."""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from csms.auth.v1.authorization_service_pb2 import AuthorizeItem, AuthorizeRequest
from csms.auth.v1.authorization_service_pb2_grpc import AuthorizationServiceStub
from csms.common.v1.evse_pb2 import EvseRef
from csms.common.v1.id_token_pb2 import IdToken
from csms.common.v1.origin_pb2 import Origin
from csms.condition.v1 import condition_pb2
from csms.condition.v1 import condition_service_pb2 as pb
from csms.condition.v1.condition_pb2 import Condition
from csms.condition.v1.condition_service_pb2_grpc import ConditionServiceStub
from csms.event.v1.event_service_pb2 import ListEventsRequest
from csms.event.v1.event_service_pb2_grpc import EventServiceStub
from csms.options.v1 import options_pb2
from csms.station.v1 import station_ingest_service_pb2 as ingest_pb2
from csms.station.v1 import station_pb2, station_service_pb2
from csms.station.v1.station_ingest_service_pb2_grpc import StationIngestServiceStub
from csms.transaction.v1.transaction_service_pb2 import (
    DismissQuarantinedItemRequest,
    GetTransactionSummaryRequest,
    ListQuarantinedItemsRequest,
)
from csms.transaction.v1.transaction_service_pb2_grpc import TransactionServiceStub
from google.protobuf.json_format import MessageToDict

import auth_svc.models
from mesh.audit import entries as audit
from mesh.conditions.kinds import KINDS, SOURCES
from mesh.contract.drivers import Driver
from mesh.driver_tables import REMOVE
from mesh.identity.callers import NEVER_S, Caller, Grant
from mesh.identity.operator_access import OperatorAccess
from mesh.runtime.errors import from_rpc_error
from mesh.runtime.times import to_timestamp
from notification_svc import condition_servicer, condition_store, driver_rows
from notification_svc.models import audit_entry, condition_acknowledgement
from tests.found_conditions import check, kind_of
from tests.scoped_callers import WHOLE, limited_to
from tests.scopes.rig import BERLIN, BONN, ScopedMesh
from tests.waiting import eventually

FAULTED = station_pb2.CONNECTOR_STATUS_FAULTED
IN_BERLIN, IN_BONN = limited_to("berlin"), limited_to("bonn")


class Conditions:
    """ConditionService of a mesh."""

    def __init__(self, mesh: ScopedMesh) -> None:
        self.mesh = mesh
        self.stub = ConditionServiceStub(mesh.channels["notification"])

    async def page(self, metadata: Any = WHOLE, **request: Any) -> pb.ListConditionsResponse:
        """One page."""
        response = await self.stub.ListConditions(pb.ListConditionsRequest(**request), metadata=metadata, timeout=60)
        for one in response.conditions:
            check(one)
        return response

    async def all(self, metadata: Any = WHOLE, *, page_size: int = 0, **request: Any) -> list[Condition]:
        """All pages, of services that are all available."""
        found: list[Condition] = []
        token = ""
        while True:
            page = await self.page(metadata, page_size=page_size, page_token=token, **request)
            assert not page.unavailable_sources, page
            found += page.conditions
            token = page.next_page_token
            if not token:
                return found

    async def counts(self, metadata: Any = WHOLE, **request: Any) -> dict[str, tuple[int, int]]:
        """By kind, all and those that nobody acknowledged; those of 0 left out."""
        request_ = pb.CountConditionsRequest(**request)
        response = await self.stub.CountConditions(request_, metadata=metadata, timeout=60)
        return {kind_of(one): (one.count, one.unacknowledged_count) for one in response.counts if one.count}

    async def acknowledge(self, one: Condition, metadata: Any = WHOLE, comment: str = "") -> Condition:
        """Acknowledges one."""
        request = pb.AcknowledgeConditionRequest(condition_id=one.condition_id, comment=comment)
        return (await self.stub.AcknowledgeCondition(request, metadata=metadata, timeout=60)).condition

    async def unacknowledge(self, one: Condition, metadata: Any = WHOLE) -> Condition:
        """Takes an acknowledgement back."""
        request = pb.UnacknowledgeConditionRequest(condition_id=one.condition_id)
        return (await self.stub.UnacknowledgeCondition(request, metadata=metadata, timeout=60)).condition


@pytest.fixture
async def conditions(scoped_mesh: ScopedMesh) -> Conditions:
    """The two towns, each with a message in quarantine."""
    return Conditions(scoped_mesh)


async def _connect(mesh: ScopedMesh, station_id: str) -> int:
    """Adds a station that needs no credential, and connects it; its epoch."""
    ingest = StationIngestServiceStub(mesh.mesh_channels["station"])
    await ingest.RenewNodeLease(ingest_pb2.RenewNodeLeaseRequest(node_id="n", address="127.0.0.1:1"))
    item = ingest_pb2.OpenConnectionItem(
        station_id=station_id, node_id="n", ocpp_version="1.6", remote_address="127.0.0.1"
    )
    [result] = (await ingest.OpenConnections(ingest_pb2.OpenConnectionsRequest(items=[item]))).results
    assert not result.HasField("error"), result
    return int(result.epoch)


async def _report(mesh: ScopedMesh, station_id: str, epoch: int, status: Any, evse_id: int = 1) -> None:
    ingest = StationIngestServiceStub(mesh.mesh_channels["station"])
    mesh.sent += 1
    origin = Origin(
        tenant_id="default",
        station_id=station_id,
        epoch=epoch,
        ordinal=mesh.sent,
        receive_time=to_timestamp(mesh.clock()),
    )
    report = station_pb2.StatusReport(evse=EvseRef(evse_id=evse_id, connector_id=1), status=status)
    item = ingest_pb2.StatusItem(origin=origin, status=report)
    await ingest.NotifyStatuses(ingest_pb2.NotifyStatusesRequest(items=[item]))


async def _fault(mesh: ScopedMesh, *station_ids: str) -> None:
    for station_id in station_ids:
        await _report(mesh, station_id, await _connect(mesh, station_id), FAULTED)


async def _request_token(mesh: ScopedMesh, station_id: str, text: str) -> None:
    """A station requests an unknown token; what auth_svc noted is stored here as its background task does."""
    stub = AuthorizationServiceStub(mesh.mesh_channels["auth"])
    origin = Origin(tenant_id="default", station_id=station_id)
    await stub.Authorize(AuthorizeRequest(items=[AuthorizeItem(origin=origin, id_token=IdToken(id_token=text))]))
    row = {
        "tenant_id": "default",
        "token_key": text.lower(),
        "id_token": text,
        "type": "",
        "station_id": station_id,
        "evse_id": 0,
        "connector_id": 0,
        "first_us": mesh.clock(),
        "last_us": mesh.clock(),
        "count": 1,
    }
    statement = sa.insert(auth_svc.models.seen_token).values(row)
    await mesh.databases["auth"].write(lambda connection: connection.execute(statement))


async def test_all_services_in_one_list(conditions: Conditions) -> None:
    """The worst first, then the oldest; and the same in pages of any size."""
    mesh = conditions.mesh
    for number in range(3):
        await mesh.add_station(f"CP-{number}", "bonn", security_profile=0)
        await _fault(mesh, f"CP-{number}")
        mesh.clock.advance(1)
    await _request_token(mesh, BONN, "TAG-1")
    found = await conditions.all()
    assert [kind_of(one) for one in found] == [
        *["CONNECTOR_FAULTED"] * 3,
        *["MESSAGE_QUARANTINED"] * 2,
        "ID_TOKEN_UNKNOWN",
    ]
    assert [one.station_id for one in found] == ["CP-0", "CP-1", "CP-2", BERLIN, BONN, BONN]
    for page_size in (1, 2, 3, 500):
        assert await conditions.all(page_size=page_size) == found
    assert await conditions.counts() == {
        "CONNECTOR_FAULTED": (3, 3),
        "MESSAGE_QUARANTINED": (2, 2),
        "ID_TOKEN_UNKNOWN": (1, 1),
    }


async def test_what_is_asked_for(conditions: Conditions) -> None:
    """By kind, severity, station, and by where stations stand: also of services that do not know it."""
    mesh = conditions.mesh
    await mesh.add_station("CP-0", "", security_profile=0)
    await _fault(mesh, "CP-0")
    await _request_token(mesh, BERLIN, "TAG-1")
    await _request_token(mesh, "CP-0", "TAG-2")

    async def found(**request: Any) -> list[tuple[str, str]]:
        counted = {kind: count for kind, (count, _others) in (await conditions.counts(**request)).items()}
        listed = [(kind_of(one), one.station_id) for one in await conditions.all(**request)]
        kinds = [kind for kind, _station in listed]
        assert {kind: kinds.count(kind) for kind in kinds} == counted, request
        return listed

    quarantine, token = condition_pb2.CONDITION_KIND_MESSAGE_QUARANTINED, condition_pb2.CONDITION_KIND_ID_TOKEN_UNKNOWN
    assert await found(kinds=[quarantine]) == [("MESSAGE_QUARANTINED", BERLIN), ("MESSAGE_QUARANTINED", BONN)]
    assert await found(severities=[condition_pb2.CONDITION_SEVERITY_CRITICAL]) == [("CONNECTOR_FAULTED", "CP-0")]
    assert await found(severities=[condition_pb2.CONDITION_SEVERITY_CRITICAL], kinds=[token]) == []
    assert await found(station_id="CP-0") == [("CONNECTOR_FAULTED", "CP-0"), ("ID_TOKEN_UNKNOWN", "CP-0")]
    assert await found(filter="site:berlin") == [("MESSAGE_QUARANTINED", BERLIN), ("ID_TOKEN_UNKNOWN", BERLIN)]
    assert await found(filter="labels.fleet:taxis") == [("MESSAGE_QUARANTINED", BONN)]
    assert await found(filter="NOT site:berlin", kinds=[token]) == [("ID_TOKEN_UNKNOWN", "CP-0")]
    assert await found(filter=f'station_id = "{BONN}"') == [("MESSAGE_QUARANTINED", BONN)]
    for text in ("power > 5", "site"):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await conditions.page(filter=text)
        assert from_rpc_error(caught.value).reason == "INVALID_FILTER"


async def test_a_page_token_is_for_the_same_request(conditions: Conditions) -> None:
    page = await conditions.page(page_size=1)
    assert page.next_page_token
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await conditions.page(page_size=1, page_token=page.next_page_token, filter="site:berlin")
    assert from_rpc_error(caught.value).reason == "INVALID_PAGE_TOKEN"


async def test_scopes(conditions: Conditions) -> None:
    """A caller of a part of the tenant sees that alone, and nothing that is about the tenant as a whole."""
    mesh = conditions.mesh
    await mesh.add_station("CP-0", "garage", security_profile=0)
    await mesh.publisher.publish()
    await _fault(mesh, "CP-0")
    await _request_token(mesh, BERLIN, "TAG-1")
    found = await conditions.all(IN_BERLIN)
    assert [(kind_of(one), one.station_id) for one in found] == [
        ("CONNECTOR_FAULTED", "CP-0"),
        ("MESSAGE_QUARANTINED", BERLIN),
    ]
    assert await conditions.counts(IN_BERLIN) == {"CONNECTOR_FAULTED": (1, 1), "MESSAGE_QUARANTINED": (1, 1)}
    assert await conditions.counts(IN_BONN) == {"MESSAGE_QUARANTINED": (1, 1)}
    for one in found:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await conditions.acknowledge(one, IN_BONN)
        assert from_rpc_error(caught.value).reason == "CONDITION_NOT_FOUND"
    assert (await conditions.acknowledge(found[0], IN_BERLIN)).acknowledgement.actor == "user:sue"
    assert await conditions.counts(IN_BERLIN) == {"CONNECTOR_FAULTED": (1, 0), "MESSAGE_QUARANTINED": (1, 1)}


async def test_each_kind_needs_its_permission(conditions: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the caller may not read is neither listed nor counted, nor can it be acknowledged."""
    [_berlin, quarantined] = await conditions.all()

    async def caller(_self: OperatorAccess, _credential: Any) -> Caller:
        permissions = {options_pb2.PERMISSION_STATIONS_READ, options_pb2.PERMISSION_CONDITIONS_WRITE}
        grants = (Grant(permissions=frozenset(permissions)),)
        return Caller(username="sue", tenant_id="default", session_id="2", expires_s=NEVER_S, grants=grants)

    monkeypatch.setattr(OperatorAccess, "caller", caller)
    assert await conditions.all() == []
    response = await conditions.stub.CountConditions(pb.CountConditionsRequest(), metadata=WHOLE)
    assert {KINDS[one.kind].permission for one in response.counts} == {options_pb2.PERMISSION_STATIONS_READ}
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await conditions.acknowledge(quarantined)
    assert from_rpc_error(caught.value).reason == "CONDITION_NOT_FOUND"


async def test_tenants_are_apart(conditions: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    [one, _other] = await conditions.all()
    await conditions.acknowledge(one)
    plain = OperatorAccess.caller

    async def caller(self: OperatorAccess, credential: Any) -> Caller:
        known = await plain(self, credential)
        return Caller(
            username=known.username, tenant_id="other", session_id="2", expires_s=NEVER_S, grants=known.grants
        )

    monkeypatch.setattr(OperatorAccess, "caller", caller)
    assert await conditions.all() == []
    assert await conditions.counts() == {}
    for change in (conditions.acknowledge, conditions.unacknowledge):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await change(one)
        assert from_rpc_error(caught.value).reason == "CONDITION_NOT_FOUND"


async def test_an_acknowledged_condition_comes_back_when_it_recurs(conditions: Conditions) -> None:
    """It folds away for as long as it lasts; after an end it is one that nobody has taken note of."""
    mesh = conditions.mesh
    await mesh.add_station("CP-0", "", security_profile=0)
    epoch = await _connect(mesh, "CP-0")
    await _report(mesh, "CP-0", epoch, FAULTED)
    mesh.clock.advance(60)
    [found] = await conditions.all(station_id="CP-0")
    made = await conditions.acknowledge(found, comment="Ada drives there")
    assert (made.acknowledgement.actor, made.acknowledgement.comment) == ("user:sue", "Ada drives there")
    assert made.acknowledgement.acknowledge_time.ToMicroseconds() == mesh.clock()
    mesh.clock.advance(60)
    await _report(mesh, "CP-0", epoch, FAULTED)  # still the same
    assert [one.condition_id for one in await conditions.all(acknowledged=True)] == [found.condition_id]
    assert found.condition_id not in {one.condition_id for one in await conditions.all(acknowledged=False)}
    assert (await conditions.counts())["CONNECTOR_FAULTED"] == (1, 0)
    await _report(mesh, "CP-0", epoch, station_pb2.CONNECTOR_STATUS_AVAILABLE)
    assert await conditions.all(station_id="CP-0") == []
    with pytest.raises(grpc.aio.AioRpcError):
        await conditions.acknowledge(found)
    mesh.clock.advance(60)
    await _report(mesh, "CP-0", epoch, FAULTED)
    [again] = await conditions.all(station_id="CP-0")
    assert (again.condition_id, again.HasField("acknowledgement")) == (found.condition_id, False)
    assert (await conditions.counts())["CONNECTOR_FAULTED"] == (1, 1)


async def test_an_acknowledgement_is_taken_back(conditions: Conditions) -> None:
    """Each change has an entry in the audit and an event; a call that changes nothing has none."""
    [one, _other] = await conditions.all()
    await conditions.acknowledge(one, comment="mine")
    assert not (await conditions.unacknowledge(one)).HasField("acknowledgement")
    assert not (await conditions.unacknowledge(one)).HasField("acknowledgement")
    assert (await conditions.counts())["MESSAGE_QUARANTINED"] == (2, 2)
    events = await EventServiceStub(conditions.mesh.channels["notification"]).ListEvents(
        ListEventsRequest(filter='source = "notification"'), metadata=WHOLE
    )
    assert [(event.type, event.station_id, event.actor) for event in events.events] == [
        ("condition.acknowledged", BERLIN, "user:sue"),
        ("condition.unacknowledged", BERLIN, "user:sue"),
    ]
    assert events.events[0].data["conditionId"] == one.condition_id
    query = sa.select(audit_entry.c.content).order_by(audit_entry.c.entry_id)
    rows = await conditions.mesh.databases["notification"].read(
        lambda connection: connection.execute(query).scalars().all()
    )
    entries = [entry for entry in map(audit.decode, rows) if entry.resource_type == "condition"]
    assert [(entry.change, entry.actor, entry.station_id) for entry in entries] == [
        ("CREATE", "sue", BERLIN),
        ("DELETE", "sue", BERLIN),
    ]
    assert entries[0].after is not None
    assert entries[0].after["comment"] == "mine"


async def test_messages_in_quarantine_stay_acknowledged_while_one_is_left(conditions: Conditions) -> None:
    """The oldest is dismissed, and the condition begins later: still it is not a new one."""
    mesh = conditions.mesh
    mesh.clock.advance(10)
    await mesh.charge(BERLIN)
    mesh.clock.advance(10)
    [one, _bonn] = await conditions.all()
    await conditions.acknowledge(one)
    transactions = TransactionServiceStub(mesh.channels["transaction"])
    items = (await transactions.ListQuarantinedItems(ListQuarantinedItemsRequest(), metadata=WHOLE)).items
    for item in items:
        if item.station_id == BERLIN:
            request = DismissQuarantinedItemRequest(quarantine_id=item.quarantine_id)
            await transactions.DismissQuarantinedItem(request, metadata=WHOLE)
    assert [left.station_id for left in await conditions.all()] == [BONN]


async def test_many_acknowledged_ones_are_passed_over(conditions: Conditions) -> None:
    """A page of the others is found behind them, or is short and has a next page."""
    mesh = conditions.mesh
    names = [f"CP-{number:03}" for number in range(130)]
    for name in names:
        await mesh.add_station(name, "", security_profile=0)
    await _fault(mesh, *names)
    faults = await conditions.all(kinds=[condition_pb2.CONDITION_KIND_CONNECTOR_FAULTED])
    assert len(faults) == len(names)
    for at in range(0, len(faults) - 1, 40):  # a caller may have 64 calls under way
        await asyncio.gather(*(conditions.acknowledge(one) for one in faults[:-1][at : at + 40]))
    left = await conditions.all(acknowledged=False, page_size=2)
    assert [one.station_id for one in left] == [faults[-1].station_id, BERLIN, BONN]
    assert len(await conditions.all(acknowledged=True, page_size=50)) == len(names) - 1
    assert (await conditions.counts())["CONNECTOR_FAULTED"] == (len(names), 1)


async def test_acknowledgements_take_bounded_space(conditions: Conditions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound the oldest one is forgotten, and its condition is there again."""
    monkeypatch.setattr(condition_store, "MOST", 1)
    for one in await conditions.all():
        conditions.mesh.clock.advance(1)
        await conditions.acknowledge(one)
    assert [one.station_id for one in await conditions.all(acknowledged=True)] == [BONN]


async def test_a_long_comment_is_refused(conditions: Conditions) -> None:
    [one, _other] = await conditions.all()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await conditions.acknowledge(one, comment="x" * (condition_servicer.MOST_COMMENT + 1))
    assert from_rpc_error(caught.value).reason == "INVALID_FIELD"


class TestUnavailableSources:
    """A service that does not answer is named; all that the others have is there."""

    async def test_one_that_is_stopped(self, conditions: Conditions) -> None:
        mesh = conditions.mesh
        await mesh.add_station("CP-0", "", security_profile=0)
        await _fault(mesh, "CP-0")
        found = await conditions.all()
        await mesh.stop("station")

        async def missing() -> Sequence[pb.UnavailableSource]:
            return list((await conditions.page()).unavailable_sources)

        [source] = await eventually(missing)
        assert source.source == "station"
        assert set(source.kinds) == {kind for kind, rule in KINDS.items() if rule.source == "station"}
        assert "station_svc" in source.message
        page = await conditions.page()
        assert [kind_of(one) for one in page.conditions] == ["MESSAGE_QUARANTINED"] * 2
        response = await conditions.stub.CountConditions(pb.CountConditionsRequest(), metadata=WHOLE, timeout=60)
        assert [one.source for one in response.unavailable_sources] == ["station"]
        assert {KINDS[one.kind].source for one in response.counts} == set(SOURCES) - {"station"}
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await conditions.acknowledge(found[0])
        assert from_rpc_error(caught.value).reason == "CONDITION_SOURCE_UNAVAILABLE"
        assert not (await conditions.page(kinds=[condition_pb2.CONDITION_KIND_ENERGY_DOUBTED])).unavailable_sources


async def test_numbers_of_the_fleet_are_those_of_the_scope(conditions: Conditions) -> None:
    """Stations, connectors and transactions."""
    mesh = conditions.mesh
    await mesh.add_station("CP-0", "garage", security_profile=0)
    epoch = await _connect(mesh, "CP-0")
    await _report(mesh, "CP-0", epoch, FAULTED, evse_id=0)  # the station as a whole
    await _report(mesh, "CP-0", epoch, FAULTED, evse_id=1)
    await _report(mesh, "CP-0", epoch, station_pb2.CONNECTOR_STATUS_AVAILABLE, evse_id=2)

    async def stations(metadata: Any, text: str = "") -> station_service_pb2.StationSummary:
        request = station_service_pb2.GetStationSummaryRequest(filter=text)
        response: station_service_pb2.GetStationSummaryResponse = await mesh.stations.GetStationSummary(
            request, metadata=metadata
        )
        return response.summary

    berlin = await stations(IN_BERLIN)
    assert (berlin.station_count, berlin.connected_count, berlin.never_connected_count) == (2, 1, 1)
    assert {one.status: (one.connected_count, one.disconnected_count) for one in berlin.connectors} == {
        station_pb2.CONNECTOR_STATUS_AVAILABLE: (1, 0),
        FAULTED: (1, 0),
    }
    bonn = await stations(IN_BONN)
    assert (bonn.station_count, bonn.connected_count, list(bonn.connectors)) == (1, 0, [])
    assert (await stations(WHOLE)).station_count == 3
    assert (await stations(WHOLE, "connected = true AND site:berlin")).station_count == 1
    mesh.clock.advance(60)  # the gateway's lease is over
    gone = await stations(IN_BERLIN)
    assert (gone.connected_count, {one.disconnected_count for one in gone.connectors}) == (0, {1})
    transactions = TransactionServiceStub(mesh.channels["transaction"])
    for metadata, count in ((IN_BONN, 0), (WHOLE, 0)):
        found = await transactions.GetTransactionSummary(GetTransactionSummaryRequest(), metadata=metadata)
        assert found.summary.active_count == count


async def test_the_erasure_of_a_driver_finds_acknowledgements(conditions: Conditions) -> None:
    """Of the token itself, or with the token in the comment; the event names it where erasures look for it."""
    mesh = conditions.mesh
    await _request_token(mesh, BERLIN, "04ABCDEF")
    berlin, _bonn, token = await conditions.all()
    await conditions.acknowledge(token)
    await conditions.acknowledge(berlin, comment="04abcdef was here")
    [acknowledgements] = [one for one in driver_rows.TABLES if one.table is condition_acknowledgement]
    query = sa.select(condition_acknowledgement).order_by(condition_acknowledgement.c.condition_id)
    rows = await mesh.databases["notification"].read(
        lambda connection: [dict(row) for row in connection.execute(query).mappings()]
    )
    assert len(rows) == 2
    driver, other = (Driver(tenant_id="default", id_tokens=(text,)) for text in ("04ABCDEF", "04ABCDEE"))
    assert [acknowledgements.decide(row, driver) for row in rows] == [REMOVE, REMOVE]
    assert [acknowledgements.decide(row, other) for row in rows] == [None, None]
    events = await EventServiceStub(mesh.channels["notification"]).ListEvents(
        ListEventsRequest(filter='type = "condition.acknowledged"'), metadata=WHOLE
    )
    of_token, of_message = (dict(MessageToDict(event.data)) for event in events.events)
    assert of_token == {"kind": "CONDITION_KIND_ID_TOKEN_UNKNOWN", "idToken": {"idToken": "04ABCDEF"}}
    assert of_message["conditionId"] == berlin.condition_id
