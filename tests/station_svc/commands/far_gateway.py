"""A gateway that answers a command, fails, or holds its answer; and the rows of commands."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2
from csms.station.v1 import command_service_pb2 as pb

from mesh.runtime.errors import MeshError
from tests.station_svc import tables as models
from tests.station_svc.conftest import StationSystem
from tests.waiting import eventually

RESET = pb.ResetRequest(station_id="CP1", type=pb.RESET_TYPE_IMMEDIATE)
ACCEPTED = gateway_pb2.CallResponse(reset=pb.ResetResponse(status=pb.RESET_STATUS_ACCEPTED))


def answering(response: gateway_pb2.CallResponse) -> Callable[[gateway_pb2.CallRequest], Awaitable[Any]]:
    """A gateway that gives this answer."""

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        return response

    return behave


def failing(error: MeshError) -> Callable[[gateway_pb2.CallRequest], Awaitable[Any]]:
    """A gateway that fails."""

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        raise error

    return behave


class Held:
    """A gateway that holds its answer until it is released."""

    def __init__(self, response: gateway_pb2.CallResponse) -> None:
        self._response = response
        self.release = asyncio.Event()

    async def __call__(self, _request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        """Answers once released."""
        await self.release.wait()
        return self._response


async def read_records(system: StationSystem) -> list[Any]:
    query = sa.select(models.command).order_by(models.command.c.create_us)
    return list(await system.database.read(lambda connection: connection.execute(query).all()))


async def read_finished(system: StationSystem) -> list[Any]:
    """The records, once each has its outcome: without a request id nobody waits for it."""

    async def finished() -> list[Any]:
        rows = await read_records(system)
        return rows if all(row.finish_us is not None for row in rows) else []

    return await eventually(finished)
