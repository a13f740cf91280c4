"""A session with a simulated station, on the `ocpp` library: every command that there is, and nothing odd said."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from csms.auth.v1 import id_token_service_pb2
from csms.auth.v1.id_token_service_pb2_grpc import IdTokenServiceStub
from csms.station.v1 import station_service_pb2
from csms.transaction.v1 import transaction_service_pb2

from gateway.ocpp.v16.routes import ROUTES
from mesh.contract.quirk_names import QuirkName
from tests.conformance.commands import Maker
from tests.conformance.edge import Edge
from tests.conformance.ocpp_table import chooser
from tests.gateway.rig import TIMEOUT_S
from tests.simulator.running import plug_in, running, swipe
from tests.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")

# It lives a minute in a tenth of a second, and is restarted by a command.
ODDITIES = {QuirkName.REBOOTED_SOON, QuirkName.CLOCK_SKEW}


async def test_a_whole_session_with_the_simulator(edge: Edge) -> None:
    """A driver charges, an operator gives every command, the station stops remotely and restarts: no fault anywhere."""
    station_id = edge.new_id()
    tokens: Any = IdTokenServiceStub(edge.mesh.auth_channel)
    token = id_token_service_pb2.CreateIdTokenRequest(id_token={"id_token": "TAG"})  # type: ignore[arg-type]
    await tokens.CreateIdToken(token, metadata=edge.mesh.metadata, timeout=TIMEOUT_S)
    central, password = SimpleNamespace(port=edge.mesh.ocpp_port), await edge.mesh.create_station(station_id)
    async with running(central, password=password, station_id=station_id) as runner:
        await eventually(_reports(edge, station_id, 3))
        plug_in(runner)
        swipe(runner)
        await eventually(_has_transaction(edge, station_id, transaction_service_pb2.TRANSACTION_STATE_ACTIVE))
        for name in sorted(ROUTES.outbound, key=lambda name: name == "reset"):
            command: Any = Maker(name, chooser(ROUTES, name)).minimal()
            answer = await edge.command(station_id, name, command)
            assert type(answer).__name__ == type(command).__name__.removesuffix("Request") + "Response"
        await eventually(_has_transaction(edge, station_id, transaction_service_pb2.TRANSACTION_STATE_ENDED))
        await eventually(_reports(edge, station_id, 6))
    request = station_service_pb2.GetStationRequest(station_id=station_id)
    response: Any = await edge.mesh.stations.GetStation(request, metadata=edge.mesh.metadata, timeout=TIMEOUT_S)
    assert set(response.station.quirks) <= ODDITIES


def _reports(edge: Edge, station_id: str, count: int) -> Callable[[], Awaitable[bool]]:
    """Whether the station has reported so many statuses."""

    async def ask() -> bool:
        request = station_service_pb2.ListStatusReportsRequest(station_id=station_id, page_size=100)
        response = await edge.mesh.stations.ListStatusReports(request, metadata=edge.mesh.metadata, timeout=TIMEOUT_S)
        return len(response.status_reports) >= count

    return ask


def _has_transaction(edge: Edge, station_id: str, state: int) -> Callable[[], Awaitable[bool]]:
    """Whether the station has a transaction in this state."""

    async def ask() -> bool:
        request = transaction_service_pb2.ListTransactionsRequest(station_id=station_id)
        response = await edge.mesh.transactions.ListTransactions(
            request, metadata=edge.mesh.metadata, timeout=TIMEOUT_S
        )
        return any(found.state == state for found in response.transactions)

    return ask
