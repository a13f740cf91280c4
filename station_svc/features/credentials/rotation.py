"""New credentials for a station: returned to the operator, or delivered to the station over its socket too."""

from functools import partial

from csms.station.v1 import command_service_pb2, station_pb2, station_service_pb2

from mesh.database.engine import Database
from mesh.grpc.types import Context
from mesh.identity.callers import current_caller
from mesh.runtime.times import Clock
from station_svc.commands.sender import CommandSender
from station_svc.commands.socket_closer import SocketCloser
from station_svc.core.digests import make_credential, store_credential
from station_svc.features.credentials import store
from station_svc.features.credentials.security import COMPONENT, PASSWORD, TAKEN, HandOver

# WebSocket close code "policy violation": the credential of the connection is no longer valid.
ROTATED_CLOSE_CODE = 1008
ROTATED_REASON = "the credentials of this station were replaced"


class CredentialRotation:
    """Makes new credentials for stations."""

    def __init__(self, *, database: Database, clock: Clock, closer: SocketCloser, sender: CommandSender) -> None:
        self._database = database
        self._clock = clock
        self._closer = closer
        self._sender = sender

    async def replace(self, station_id: str) -> station_service_pb2.RotateCredentialResponse:
        """Replaces the credentials at once, and has the station's socket closed."""
        credential = make_credential()
        replace = partial(
            store.replace_credential,
            tenant_id=current_caller().tenant_id,
            station_id=station_id,
            credential=store_credential(credential.encode()),
            now_us=self._clock(),
        )
        for socket in await self._database.write(replace):
            self._closer.close_soon(socket, ROTATED_CLOSE_CODE, ROTATED_REASON)
        return station_service_pb2.RotateCredentialResponse(credential=credential)

    async def hand_over(
        self, request: station_service_pb2.RotateCredentialRequest, context: Context
    ) -> station_service_pb2.RotateCredentialResponse:
        """Hands the station its new credentials. Raises MeshError as csms.station.v1.CommandService does."""
        credential = make_credential()
        variable = station_pb2.Variable(component=COMPONENT, variable=PASSWORD, value=credential)
        hooks = HandOver(credential=credential, closer=self._closer)
        answer = await self._sender.send(
            "set_variables",
            request,
            command_service_pb2.SetVariablesResponse,
            context,
            sent=command_service_pb2.SetVariablesRequest(station_id=request.station_id, variables=[variable]),
            hooks=hooks,
        )
        [result] = answer.results
        is_taken = hooks.begun_here and result.status in TAKEN
        return station_service_pb2.RotateCredentialResponse(
            credential=credential if is_taken else "", status=result.status, status_info=result.status_info
        )
