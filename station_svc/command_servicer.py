"""CommandService: every command takes the same way (commands.py)."""

import secrets

from csms.station.v1 import command_service_pb2 as command
from csms.station.v1 import local_list_pb2 as local_list
from csms.station.v1.command_service_pb2_grpc import CommandServiceServicer

from mesh.errors import invalid_field
from mesh.grpc_types import Context
from station_svc.closer import SocketCloser
from station_svc.command_sender import CommandSender
from station_svc.local_list_effects import RememberList, RememberVersion
from station_svc.security import effects_of
from station_svc.variables import RememberVariables

_MOST_TIMEOUT_S = 300


class CommandServicer(CommandServiceServicer):
    """Serves operators."""

    def __init__(self, *, sender: CommandSender, closer: SocketCloser) -> None:
        self._send = sender.send
        self._closer = closer

    async def RequestStartTransaction(
        self, request: command.RequestStartTransactionRequest, context: Context
    ) -> command.RequestStartTransactionResponse:
        """Asks a station to start a transaction."""
        sent = command.RequestStartTransactionRequest()
        sent.CopyFrom(request)
        if not sent.HasField("remote_start_id"):
            sent.remote_start_id = 1 + secrets.randbelow(2**31 - 1)
        answer = command.RequestStartTransactionResponse
        return await self._send("request_start_transaction", request, answer, context, sent=sent)

    async def RequestStopTransaction(
        self, request: command.RequestStopTransactionRequest, context: Context
    ) -> command.RequestStopTransactionResponse:
        """Asks a station to stop a transaction."""
        return await self._send("request_stop_transaction", request, command.RequestStopTransactionResponse, context)

    async def Reset(self, request: command.ResetRequest, context: Context) -> command.ResetResponse:
        """Restarts a station or an EVSE."""
        return await self._send("reset", request, command.ResetResponse, context)

    async def UnlockConnector(
        self, request: command.UnlockConnectorRequest, context: Context
    ) -> command.UnlockConnectorResponse:
        """Unlocks a connector."""
        return await self._send("unlock_connector", request, command.UnlockConnectorResponse, context)

    async def ChangeAvailability(
        self, request: command.ChangeAvailabilityRequest, context: Context
    ) -> command.ChangeAvailabilityResponse:
        """Takes a station, EVSE or connector in or out of service."""
        return await self._send("change_availability", request, command.ChangeAvailabilityResponse, context)

    async def GetVariables(
        self, request: command.GetVariablesRequest, context: Context
    ) -> command.GetVariablesResponse:
        """Reads variables from a station and remembers them."""
        effects = RememberVariables()
        return await self._send("get_variables", request, command.GetVariablesResponse, context, effects=effects)

    async def SetVariables(
        self, request: command.SetVariablesRequest, context: Context
    ) -> command.SetVariablesResponse:
        """Sets variables of a station and remembers those it took."""
        effects = effects_of(request.variables, self._closer)
        return await self._send("set_variables", request, command.SetVariablesResponse, context, effects=effects)

    async def ClearCache(self, request: command.ClearCacheRequest, context: Context) -> command.ClearCacheResponse:
        """Empties a station's authorization cache."""
        return await self._send("clear_cache", request, command.ClearCacheResponse, context)

    async def TriggerMessage(
        self, request: command.TriggerMessageRequest, context: Context
    ) -> command.TriggerMessageResponse:
        """Asks a station to send a message of its own now."""
        return await self._send("trigger_message", request, command.TriggerMessageResponse, context)

    async def DataTransfer(
        self, request: command.DataTransferRequest, context: Context
    ) -> command.DataTransferResponse:
        """Sends a vendor's own message."""
        return await self._send("data_transfer", request, command.DataTransferResponse, context)

    async def GetLocalListVersion(
        self, request: local_list.GetLocalListVersionRequest, context: Context
    ) -> local_list.GetLocalListVersionResponse:
        """Asks for the version of a station's local list and remembers it."""
        answer, effects = local_list.GetLocalListVersionResponse, RememberVersion()
        return await self._send("get_local_list_version", request, answer, context, effects=effects)

    async def SendLocalList(
        self, request: local_list.SendLocalListRequest, context: Context
    ) -> local_list.SendLocalListResponse:
        """Replaces or changes a station's local list and remembers what it holds now."""
        answer, effects = local_list.SendLocalListResponse, RememberList(request)
        return await self._send("send_local_list", request, answer, context, effects=effects)

    async def SendCall(self, request: command.SendCallRequest, context: Context) -> command.SendCallResponse:
        """Sends any action of the station's OCPP version."""
        if not 0 <= request.timeout_s <= _MOST_TIMEOUT_S:
            raise invalid_field("timeout_s", f"1 to {_MOST_TIMEOUT_S} seconds, or 0 for the usual budget, is needed")
        return await self._send("send_call", request, command.SendCallResponse, context, station_s=request.timeout_s)
