"""The audited state of station_svc follows from its entries alone: stations, placements, sites, reservations, rollouts.

Each method that changes something is among the operations, or has a reason why it changes no audited field.
"""

from contextlib import suppress
from typing import Any

import grpc
from csms.station.v1 import site_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mesh.audit.replay import replay
from tests.audited import contents, linked_entries
from tests.replayed import expect_actions, expect_each_fault_found, expect_each_method
from tests.station_svc.audited_operations import OPERATIONS, OTHERS, STATELESS, Operator
from tests.station_svc.audited_state import read_state
from tests.station_svc.conftest import StationSystem

EXAMPLES = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
Operation = tuple[str, dict[str, Any]]

# Each method once, or more often, so that it changes something.
EACH: tuple[Operation, ...] = (
    ("SiteService/CreateSite", {"site_id": "berlin", "time_zone": "Europe/Berlin", "labels": {"region": "a"}}),
    ("SiteService/CreateSite", {"site_id": "garage", "parent_site_id": "berlin", "kind": "building"}),
    ("SiteService/CreateSite", {"site_id": "floor", "contact": site_pb2.SiteContact(name="Ada")}),
    ("SiteService/UpdateSite", {"site_id": "berlin", "labels": {"region": "b"}, "display_name": "Berlin"}),
    ("SiteService/MoveSite", {"site_id": "floor", "parent_site_id": "garage"}),
    ("StationService/CreateStation", {"station_id": "CP2", "site_id": "garage", "labels": {"fleet": "a"}}),
    ("StationService/UpdateStation", {"station_id": "CP2", "site_id": "", "display_name": "x", "labels": {}}),
    ("StationService/DeleteStation", {"station_id": "CP2"}),
    ("StationService/ImportStations", {"station_id": "CP2", "site_id": "berlin"}),
    ("connect", {"station_id": "CP1"}),
    ("CommandService/ReserveNow", {"station_id": "CP1", "evse_id": 1}),
    ("CommandService/CancelReservation", {"station_id": "CP1", "reservation_id": 1}),
    ("ReservationService/CreateReservation", {"station_id": "CP1", "evse_id": 2}),
    ("ReservationService/CancelReservation", {"station_id": "CP1", "reservation_id": 2}),
    ("ReservationService/CreateReservation", {"station_id": "CP1", "evse_id": 0}),
    ("fault", {"station_id": "CP1"}),
    ("RolloutService/CreateRollout", {"display_name": "all"}),
    ("RolloutService/PauseRollout", {"number": 0}),
    ("RolloutService/ResumeRollout", {"number": 0}),
    ("RolloutService/StopRollout", {"number": 0}),
    ("RolloutService/RetryRollout", {"number": 0, "filter": 'station_id != ""'}),
    ("wait", {}),
    ("SiteService/DeleteSite", {"site_id": "floor"}),
    ("StationService/DeleteStation", {"station_id": "CP1"}),
)


def test_each_method_that_changes_something_is_replayed() -> None:
    expect_each_method("station", OPERATIONS, STATELESS)
    assert {name for name, _values in EACH} == {*OPERATIONS, *OTHERS}


async def test_each_method_is_in_the_state_that_entries_make(system: StationSystem) -> None:
    """And whichever entry is changed or missing, it is found."""
    operator = Operator(system)
    for operation in EACH:
        await operator.apply(*operation)
        chain = await linked_entries(system.database, "station")
        assert replay(contents(chain)) == await read_state(system.database), operation
    expect_actions(chain, OPERATIONS)
    expect_each_fault_found("station", chain, "default")


_OPERATION: st.SearchStrategy[Operation] = st.one_of(
    *(st.tuples(st.just(name), values) for name, values in {**OPERATIONS, **OTHERS}.items())
)


@EXAMPLES
@given(operations=st.lists(_OPERATION, min_size=4, max_size=20))
async def test_the_state_follows_from_the_audit_alone(system: StationSystem, operations: list[Operation]) -> None:
    """After any operations of operators, stations and time, some of which fail."""
    operator = Operator(system)
    for operation in (("connect", {"station_id": "CP1"}), *operations):
        with suppress(grpc.aio.AioRpcError):
            await operator.apply(*operation)
    chain = await linked_entries(system.database, "station")
    assert replay(contents(chain)) == await read_state(system.database)
