"""A charge point of OCPP 1.6 as a case plays it."""

from collections.abc import Sequence
from typing import Any, ClassVar

from csms.transaction.v1 import transaction_service_pb2

from gateway.ocpp.enums import STOPPED_REASONS
from station_kit.v16 import messages as v16
from tests.certification.played_station import PlayedStation, now

METER_START, METER_STOP = 1_000, 4_500


class ChargePoint(PlayedStation):
    """One charge point."""

    version: ClassVar[str] = "1.6"

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

    async def shown(self, connector: int) -> Any:
        """A connector, as operators see it."""
        evses = {evse.evse_id: evse for evse in (await self.resource()).evses}
        return evses[connector].connectors[0]

    async def is_ended(self, number: int, reason: str, *, flags: Sequence[str] = ()) -> None:
        """The transaction has ended for that reason, with the energy that the meter counted, and nothing else odd."""
        [transaction] = [found for found in await self.transactions() if found.transaction_id == str(number)]
        assert transaction.state == transaction_service_pb2.TRANSACTION_STATE_ENDED
        assert transaction.energy_wh == METER_STOP - METER_START
        assert (transaction.meter_start_wh, transaction.meter_stop_wh) == (METER_START, METER_STOP)
        assert transaction.stopped_reason == STOPPED_REASONS[reason]
        assert list(transaction.flags) == list(flags)
