"""Gateways of the tests of commands: what the station is made to answer."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from csms.gateway.v1 import gateway_service_pb2 as gateway_pb2

from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError

Behaviour = Callable[[gateway_pb2.CallRequest], Awaitable[Any]]

TIMEOUT = MeshError(grpc.StatusCode.DEADLINE_EXCEEDED, Reason.CALL_TIMEOUT, "no answer")
OFFLINE = MeshError(grpc.StatusCode.FAILED_PRECONDITION, Reason.STATION_OFFLINE, "no socket")
CALL_ERROR = MeshError(
    grpc.StatusCode.ABORTED, Reason.CALL_ERROR, "the station refused", {"ocpp_error_code": "NotImplemented"}
)


def answering(make: Callable[[Any], Any]) -> Behaviour:
    """A gateway whose station answers each command with what `make` makes of it."""

    async def behave(request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        name = request.WhichOneof("command")
        assert name is not None
        return gateway_pb2.CallResponse(**{name: make(getattr(request, name))})

    return behave


def failing(error: MeshError) -> Behaviour:
    """A gateway that fails."""

    async def behave(_request: gateway_pb2.CallRequest) -> gateway_pb2.CallResponse:
        raise error

    return behave
