"""Calls to gateways: one channel per gateway, kept while it is in use and for a while after."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import grpc
from csms.gateway.v1 import gateway_service_pb2
from csms.gateway.v1.gateway_service_pb2_grpc import GatewayServiceStub

from mesh.grpc.channels import open_channel
from mesh.identity.mesh_identity import MeshIdentity
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_rpc_error
from station_svc.core.station_rows import Socket

MOST_CHANNELS = 64
CONNECT_TIMEOUT_S = 2.0
CLOSE_TIMEOUT_S = 3.0


class _Line:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self.stub = GatewayServiceStub(channel)
        self.users = 0


class Gateways:
    """The way down to stations. At most `most_channels` idle channels are kept; `close` when done."""

    def __init__(
        self,
        *,
        identity: MeshIdentity,
        most_channels: int = MOST_CHANNELS,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
    ) -> None:
        self._identity = identity
        self._most_channels = most_channels
        self._connect_timeout_s = connect_timeout_s
        self._lines: OrderedDict[str, _Line] = OrderedDict()

    async def call(
        self, address: str, request: gateway_service_pb2.CallRequest, *, timeout_s: float
    ) -> gateway_service_pb2.CallResponse:
        """Sends one command through the gateway at `address`, once.

        Raises MeshError: STATION_OFFLINE where the gateway cannot be reached, so that nothing was sent;
        STATION_DISCONNECTED where it was lost during the call; CALL_TIMEOUT after `timeout_s` seconds; otherwise the
        error of the gateway.
        """
        async with self._line(address) as line:
            await self._reach(line.channel, request.station_id)
            try:
                return await line.stub.Call(request, timeout=timeout_s)
            except grpc.aio.AioRpcError as error:
                raise _to_mesh_error(error, request.station_id) from error

    async def close_sockets(
        self, address: str, sockets: Sequence[Socket], *, close_code: int, reason: str, quirk: str = ""
    ) -> None:
        """Has the gateway at `address` close sockets, and count `quirk` for those that are open. Raises MeshError."""
        request = gateway_service_pb2.CloseSocketsRequest(
            sockets=[
                gateway_service_pb2.SocketRef(
                    tenant_id=socket.tenant_id, station_id=socket.station_id, epoch=socket.epoch
                )
                for socket in sockets
            ],
            close_code=close_code,
            reason=reason,
            quirk=quirk,
        )
        async with self._line(address) as line:
            try:
                await line.stub.CloseSockets(request, timeout=CLOSE_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise from_rpc_error(error) from error

    async def close(self) -> None:
        """Closes every channel."""
        lines = list(self._lines.values())
        self._lines.clear()
        for line in lines:
            await line.channel.close()

    @asynccontextmanager
    async def _line(self, address: str) -> AsyncIterator[_Line]:
        line = self._lines.get(address)
        if line is None:
            line = self._lines[address] = _Line(open_channel(address, identity=self._identity, to="gateway"))
        self._lines.move_to_end(address)
        line.users += 1
        try:
            yield line
        finally:
            line.users -= 1
            await self._close_idle()

    async def _close_idle(self) -> None:
        """Gateways come and go with every start; the channels of those that went are closed, longest unused first."""
        idle = [address for address, line in self._lines.items() if line.users == 0]
        for address in idle[: max(0, len(self._lines) - self._most_channels)]:
            await self._lines.pop(address).channel.close()

    async def _reach(self, channel: grpc.aio.Channel, station_id: str) -> None:
        """Waits for the channel to be connected: what fails before that was surely never sent."""
        if channel.get_state() is grpc.ChannelConnectivity.READY:
            return
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await channel.channel_ready()
        except TimeoutError as error:
            raise station_offline(station_id, "the gateway that held its socket does not answer") from error


def station_offline(station_id: str, why: str) -> MeshError:
    """FAILED_PRECONDITION, reason STATION_OFFLINE: nothing was sent."""
    return MeshError(
        grpc.StatusCode.FAILED_PRECONDITION, Reason.STATION_OFFLINE, f"station {station_id} is not connected: {why}"
    )


def call_timeout(station_id: str) -> MeshError:
    """DEADLINE_EXCEEDED, reason CALL_TIMEOUT: sent, but it is not known what became of it."""
    return MeshError(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        Reason.CALL_TIMEOUT,
        f"no answer of station {station_id} came in time; it may have acted all the same",
    )


def _to_mesh_error(error: grpc.aio.AioRpcError, station_id: str) -> MeshError:
    known = from_rpc_error(error)
    if known.reason is not Reason.UNKNOWN:
        return known
    if known.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return call_timeout(station_id)
    if known.code is grpc.StatusCode.UNAVAILABLE:
        # It had been reached. Whether the command was sent is not known, so it counts as sent.
        return MeshError(
            grpc.StatusCode.ABORTED,
            Reason.STATION_DISCONNECTED,
            f"the gateway of station {station_id} was lost before the answer; the station may have acted all the same",
        )
    return known
