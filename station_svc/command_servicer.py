"""CommandService: every command takes the same way (commands.py)."""

import secrets
from typing import Any, TypeVar

from csms.station.v1 import command_service_pb2 as command
from csms.station.v1.command_service_pb2_grpc import CommandServiceServicer
from google.protobuf.message import Message

from mesh.errors import invalid_field
from mesh.grpc_types import Context
from mesh.operators import current_caller
from station_svc.commands import Commands, Order, make_budget
from station_svc.station_store import not_found

Answer = TypeVar("Answer", bound=Message)

_MOST_REQUEST_ID = 64
_MOST_TIMEOUT_S = 300


class CommandServicer(CommandServiceServicer):
    """Serves operators. `station_budget_s` is how long a station has for its answer, in seconds."""

    def __init__(self, *, commands: Commands, station_budget_s: float = 30.0) -> None:
        self._commands = commands
        self._station_budget_s = station_budget_s

    async def RequestStartTransaction(
        self, request: command.RequestStartTransactionRequest, context: Context
    ) -> command.RequestStartTransactionResponse:
        """Asks a station to start a transaction."""
        sent = command.RequestStartTransactionRequest()
        sent.CopyFrom(request)
        if not sent.HasField("remote_start_id"):
            sent.remote_start_id = 1 + secrets.randbelow(2**31 - 1)
        answer = command.RequestStartTransactionResponse
        return await self._run("request_start_transaction", request, answer, context, sent=sent)

    async def RequestStopTransaction(
        self, request: command.RequestStopTransactionRequest, context: Context
    ) -> command.RequestStopTransactionResponse:
        """Asks a station to stop a transaction."""
        return await self._run("request_stop_transaction", request, command.RequestStopTransactionResponse, context)

    async def Reset(self, request: command.ResetRequest, context: Context) -> command.ResetResponse:
        """Restarts a station or an EVSE."""
        return await self._run("reset", request, command.ResetResponse, context)

    async def UnlockConnector(
        self, request: command.UnlockConnectorRequest, context: Context
    ) -> command.UnlockConnectorResponse:
        """Unlocks a connector."""
        return await self._run("unlock_connector", request, command.UnlockConnectorResponse, context)

    async def ChangeAvailability(
        self, request: command.ChangeAvailabilityRequest, context: Context
    ) -> command.ChangeAvailabilityResponse:
        """Takes a station, EVSE or connector in or out of service."""
        return await self._run("change_availability", request, command.ChangeAvailabilityResponse, context)

    async def GetVariables(
        self, request: command.GetVariablesRequest, context: Context
    ) -> command.GetVariablesResponse:
        """Reads variables from a station and remembers them."""
        return await self._run("get_variables", request, command.GetVariablesResponse, context)

    async def SetVariables(
        self, request: command.SetVariablesRequest, context: Context
    ) -> command.SetVariablesResponse:
        """Sets variables of a station and remembers those it took."""
        return await self._run("set_variables", request, command.SetVariablesResponse, context)

    async def ClearCache(self, request: command.ClearCacheRequest, context: Context) -> command.ClearCacheResponse:
        """Empties a station's authorization cache."""
        return await self._run("clear_cache", request, command.ClearCacheResponse, context)

    async def TriggerMessage(
        self, request: command.TriggerMessageRequest, context: Context
    ) -> command.TriggerMessageResponse:
        """Asks a station to send a message of its own now."""
        return await self._run("trigger_message", request, command.TriggerMessageResponse, context)

    async def DataTransfer(
        self, request: command.DataTransferRequest, context: Context
    ) -> command.DataTransferResponse:
        """Sends a vendor's own message."""
        return await self._run("data_transfer", request, command.DataTransferResponse, context)

    async def SendCall(self, request: command.SendCallRequest, context: Context) -> command.SendCallResponse:
        """Sends any action of the station's OCPP version."""
        if not 0 <= request.timeout_s <= _MOST_TIMEOUT_S:
            raise invalid_field("timeout_s", f"1 to {_MOST_TIMEOUT_S} seconds, or 0 for the usual budget, is needed")
        return await self._run("send_call", request, command.SendCallResponse, context, station_s=request.timeout_s)

    async def _run(
        self,
        name: str,
        request: Any,
        answer_type: type[Answer],
        context: Context,
        *,
        sent: Message | None = None,
        station_s: float = 0.0,
    ) -> Answer:
        """Sends `sent`, or the request as it is; two requests are the same if what the caller gave is the same."""
        if len(request.request_id) > _MOST_REQUEST_ID or not _is_storable(request.request_id):
            raise invalid_field("request_id", f"at most {_MOST_REQUEST_ID} characters are taken")
        if not _is_storable(request.station_id):
            raise not_found(request.station_id)
        order = Order(
            caller=current_caller(),
            name=name,
            station_id=request.station_id,
            request_id=request.request_id,
            request=request if sent is None else sent,
            content=request.SerializeToString(deterministic=True),
            budget=make_budget(
                station_s=station_s or self._station_budget_s,
                caller_s=context.time_remaining(),  # type: ignore[no-untyped-call,unused-ignore]
            ),
        )
        return await self._commands.run(order, answer_type)


def _is_storable(text: str) -> bool:
    return "\0" not in text  # which PostgreSQL does not take
