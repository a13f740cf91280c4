"""A command in several CALLs, of which the station answers one with a value that no field of ours can hold."""

import asyncio
from typing import Any

import grpc
import pytest
from csms.station.v1 import monitoring_pb2
from csms.station.v1.monitoring_pb2 import ClearVariableMonitoringRequest, ClearVariableMonitoringResponse

from mesh.runtime.errors import from_rpc_error
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig

BEYOND = 2**31


async def _clear(mesh: MeshRig, monitor_ids: list[int], answered_ids: list[int]) -> ClearVariableMonitoringResponse:
    """Clears monitors, one in each CALL; the station answers each with the next of these ids."""
    async with RawStation(mesh.station_url("CP1"), subprotocols=["ocpp2.0.1"]) as station:
        await station.boot()
        request = ClearVariableMonitoringRequest(station_id="CP1", monitor_ids=monitor_ids, items_per_message=1)
        command: Any = asyncio.ensure_future(
            mesh.commands.ClearVariableMonitoring(request, metadata=mesh.metadata, timeout=TIMEOUT_S)
        )
        for answered_id in answered_ids:
            action, _payload = await station.answer(
                {"clearMonitoringResult": [{"id": answered_id, "status": "Accepted"}]}
            )
            assert action == "ClearVariableMonitoring"
        response: ClearVariableMonitoringResponse = await command
        return response


async def test_an_answer_beyond_range_leaves_those_beside_it(mesh: MeshRig) -> None:
    response = await _clear(mesh, [1, 2], [BEYOND, 2])
    unreadable, cleared = response.results
    assert unreadable.status == monitoring_pb2.CLEAR_MONITORING_STATUS_UNKNOWN
    assert unreadable.status_info.reason_code == "INVALID_ANSWER"
    assert cleared.status == monitoring_pb2.CLEAR_MONITORING_STATUS_ACCEPTED


async def test_where_no_other_answer_is_left_the_command_fails(mesh: MeshRig) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await _clear(mesh, [1, 2], [BEYOND, BEYOND])
    error = from_rpc_error(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "INVALID_ANSWER")
    assert "clearMonitoringResult.id" in error.message
