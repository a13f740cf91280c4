"""A charge point of OCPP 1.6 as a case plays it, message by message, and the operator on the other side."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from csms.station.v1 import command_service_pb2, station_pb2, station_service_pb2
from csms.transaction.v1 import transaction_service_pb2
from google.protobuf import message_factory

from gateway.ocpp.enums import STOPPED_REASONS
from mesh.runtime.times import now_us
from station_kit.messages import Message
from station_kit.times import format_time_us
from station_kit.v16 import messages as v16
from tests.conformance.edge import check
from tests.gateway.raw_station import RawStation
from tests.gateway.rig import TIMEOUT_S, MeshRig
from tests.waiting import eventually

GROUP, INVALID, EXPIRED, BLOCKED = "GROUP-1", "INVALID-1", "EXPIRED-1", "BLOCKED-1"
METER_START, METER_STOP = 1_000, 4_500
PATIENCE_S = 60.0


def now(shift_s: float = 0.0) -> str:
    """The present, as charge points write it; `shift_s` seconds away."""
    return format_time_us(now_us() + round(shift_s * 1e6))


class ChargePoint:
    """One charge point. What it sends and what it is sent is held against the official schemas."""

    def __init__(self, mesh: MeshRig, station_id: str) -> None:
        self.mesh = mesh
        self.station_id = station_id
        self.tag = station_id  # a driver of its own, so that no other case is charging for it
        self.station: RawStation

    @asynccontextmanager
    async def connected(self, **options: Any) -> AsyncIterator[None]:
        """Its socket, for the length of a `with`."""
        async with RawStation(self.mesh.station_url(self.station_id), **options) as self.station:
            yield

    # Messages that it sends

    async def call(self, action: str, **payload: Any) -> Any:
        """Sends a CALL and returns the payload of its CALLRESULT."""
        check("1.6", action, "request", payload)
        answer = await self.station.call(action, payload)
        check("1.6", action, "response", answer)
        return answer

    async def send(self, message: Message, **more: Any) -> Any:
        """The same of a message of the station kit, with further fields or other ones."""
        return await self.call(message.action, **(message.payload | more))

    async def boot(self) -> None:
        """A cold boot: BootNotification, accepted, then the status of each connector."""
        answer = await self.send(v16.boot_notification(vendor="Vendor", model="Model"))
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        for connector in (0, 1, 2):
            await self.status("Available", connector=connector)

    async def status(self, status: str, *, connector: int = 1, error: str = "NoError") -> None:
        """StatusNotification. It is kept, and is what an operator sees."""
        answer = await self.send(
            v16.status_notification(status=status, timestamp=now(), connector_id=connector, error_code=error)
        )
        assert answer == {}
        assert (await self.shown(connector)).reported_status == status

    async def authorize(self, tag: str = "") -> str:
        """Authorize; returns what the central system says of the tag, its own driver's where none is named."""
        found: str = (await self.send(v16.authorize(tag or self.tag)))["idTagInfo"]["status"]
        return found

    async def start(self, **more: Any) -> int:
        """StartTransaction, which is to be accepted; returns the transaction's number."""
        start = v16.start_transaction(id_tag=self.tag, meter_start=METER_START, timestamp=now())
        answer = await self.send(start, **more)
        assert answer["idTagInfo"]["status"] == "Accepted"
        assert answer["transactionId"] > 0
        number: int = answer["transactionId"]
        return number

    async def stop(self, number: int, reason: str, **more: Any) -> None:
        """StopTransaction."""
        stop = v16.stop_transaction(transaction_id=number, meter_stop=METER_STOP, timestamp=now(), reason=reason)
        answer = await self.send(stop, **more)
        assert answer.get("idTagInfo", {"status": "Accepted"})["status"] == "Accepted"

    async def charge(self) -> int:
        """The state that many cases begin in: a transaction goes on; returns its number."""
        await self.status("Preparing")
        assert await self.authorize() == "Accepted"
        number = await self.start()
        await self.status("Charging")
        return number

    async def finish(self, number: int, reason: str = "Local", *, flags: Sequence[str] = (), **more: Any) -> None:
        """The end of a session: the stop, the cable, the connector free again; then the stop is sent."""
        await self.stop(number, reason, **more)
        await self.status("Finishing")
        await self.status("Available")
        await self.is_ended(number, reason, flags=flags)

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
        check("1.6", action, "request", payload)
        check("1.6", action, "response", answer)
        return action, payload

    # The operator's view

    async def resource(self) -> station_pb2.Station:
        """The station, as operators see it."""
        request = station_service_pb2.GetStationRequest(station_id=self.station_id)
        response = await self.mesh.stations.GetStation(request, metadata=self.mesh.metadata, timeout=TIMEOUT_S)
        station: station_pb2.Station = response.station
        return station

    async def shown(self, connector: int) -> Any:
        """A connector, as operators see it."""
        evses = {evse.evse_id: evse for evse in (await self.resource()).evses}
        return evses[connector].connectors[0]

    async def transactions(self) -> Sequence[Any]:
        """All transactions of the charge point, newest first."""
        request = transaction_service_pb2.ListTransactionsRequest(station_id=self.station_id)
        response = await self.mesh.transactions.ListTransactions(
            request, metadata=self.mesh.metadata, timeout=TIMEOUT_S
        )
        found: Sequence[Any] = response.transactions
        return found

    async def is_ended(self, number: int, reason: str, *, flags: Sequence[str] = ()) -> None:
        """The transaction has ended for that reason, with the energy that the meter counted, and nothing else odd."""
        [transaction] = [found for found in await self.transactions() if found.transaction_id == str(number)]
        assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ENDED
        assert transaction.energy_wh == METER_STOP - METER_START
        assert (transaction.meter_start_wh, transaction.meter_stop_wh) == (METER_START, METER_STOP)
        assert transaction.stopped_reason == STOPPED_REASONS[reason]
        assert list(transaction.flags) == list(flags)

    async def is_offline(self) -> None:
        """Waits until operators see that its socket is gone."""

        async def gone() -> bool:
            return not (await self.resource()).connected

        await eventually(gone)
