"""A station as a case plays it, message by message, and the operator on the other side. Of any OCPP version."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from csms.station.v1 import command_service_pb2, station_pb2, station_service_pb2
from csms.transaction.v1 import transaction_service_pb2
from google.protobuf import message_factory

from mesh.runtime.times import now_us
from station_kit.messages import Message
from station_kit.times import format_time_us
from tests.conformance.edge import check
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually

GROUP, INVALID, EXPIRED, BLOCKED = "GROUP-1", "INVALID-1", "EXPIRED-1", "BLOCKED-1"
PATIENCE_S = 60.0


def now(shift_s: float = 0.0) -> str:
    """The present, as stations write it; `shift_s` seconds away."""
    return format_time_us(now_us() + round(shift_s * 1e6))


class PlayedStation:
    """One station. What it sends and what it is sent is held against the official schemas."""

    version: ClassVar[str]

    def __init__(self, mesh: MeshRig, station_id: str) -> None:
        self.mesh = mesh
        self.station_id = station_id
        self.tag = station_id  # a driver of its own, so that no other case is charging for it
        self.station: RawStation

    @asynccontextmanager
    async def connected(self, **options: Any) -> AsyncIterator[None]:
        """Its socket, for the length of a `with`: with the option `tls` at the port that has it."""
        options = {"subprotocols": (f"ocpp{self.version}",), **options}
        url = self.mesh.tls_station_url if options.get("tls") is not None else self.mesh.station_url
        async with RawStation(url(self.station_id), **options) as self.station:
            yield

    # Messages that it sends

    async def boot(self) -> None:
        """Boots, is accepted, and reports its connectors."""
        raise NotImplementedError

    async def call(self, action: str, /, **payload: Any) -> Any:
        """Sends a CALL and returns the payload of its CALLRESULT."""
        check(self.version, action, "request", payload)
        answer = await self.station.call(action, payload)
        check(self.version, action, "response", answer)
        return answer

    async def send(self, message: Message, **more: Any) -> Any:
        """The same of a message of the station kit, with further fields or other ones."""
        return await self.call(message.action, **(message.payload | more))

    # Commands that it gets

    async def told(self, rpc: str, answer: Any, **fields: Any) -> tuple[Any, Any, Any]:
        """An operator gives a command, it answers: the action and payload of the CALL, and the operator's response."""
        service = command_service_pb2.DESCRIPTOR.services_by_name["CommandService"]
        kind: Any = message_factory.GetMessageClass(service.methods_by_name[rpc].input_type)
        request = kind(station_id=self.station_id, **fields)
        return await self.asked(getattr(self.mesh.commands, rpc), request, answer)

    async def asked(self, method: Any, request: Any, answer: Any) -> tuple[Any, Any, Any]:
        """The same of any operator's RPC."""
        command = asyncio.ensure_future(method(request, metadata=self.mesh.metadata, timeout=TIMEOUT_S))
        listening = asyncio.ensure_future(self.next_call(answer))
        await asyncio.wait([command, listening], return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            listening.cancel()
            await command  # fails with why
        action, payload = await listening
        return action, payload, await command

    async def next_call(self, answer: Any) -> tuple[str, Any]:
        """Waits for a CALL and answers it; returns its action and payload."""
        action, payload = await self.station.answer(answer)
        check(self.version, action, "request", payload)
        check(self.version, action, "response", answer)
        return action, payload

    # The operator's view

    async def resource(self) -> station_pb2.Station:
        """The station, as operators see it."""
        request = station_service_pb2.GetStationRequest(station_id=self.station_id)
        response = await self.mesh.stations.GetStation(request, metadata=self.mesh.metadata, timeout=TIMEOUT_S)
        station: station_pb2.Station = response.station
        return station

    async def transactions(self) -> Sequence[Any]:
        """All transactions of the station, newest first."""
        request = transaction_service_pb2.ListTransactionsRequest(station_id=self.station_id)
        response = await self.mesh.transactions.ListTransactions(
            request, metadata=self.mesh.metadata, timeout=TIMEOUT_S
        )
        found: Sequence[Any] = response.transactions
        return found

    async def is_offline(self) -> None:
        """Waits until operators see that its socket is gone."""

        async def gone() -> bool:
            return not (await self.resource()).connected

        await eventually(gone)
