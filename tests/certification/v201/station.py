"""A charging station of OCPP 2.0.1 as a case plays it."""

from collections.abc import Sequence
from itertools import count
from typing import Any, ClassVar

from csms.transaction.v1 import transaction_service_pb2

from gateway.ocpp.enums import STOPPED_REASONS
from station_kit.messages import EventType
from station_kit.v201 import messages as v201
from tests.certification.played_station import PlayedStation, now
from tests.gateway.rig import MeshRig

METER_START, METER_STOP = 1_000, 4_500
EVSE = {"id": 1, "connectorId": 1}


class ChargingStation(PlayedStation):
    """One station of two EVSEs with a connector each; its transactions are named by itself."""

    version: ClassVar[str] = "2.0.1"

    def __init__(self, mesh: MeshRig, station_id: str) -> None:
        super().__init__(mesh, station_id)
        self.transaction_id = f"{station_id}-1"
        self._seq_nos = count()

    async def boot(self, reason: str = "PowerUp") -> None:
        """B01: BootNotification, accepted, then the status of each connector."""
        answer = await self.send(v201.boot_notification(vendor="Vendor", model="Model", reason=reason))
        assert answer["status"] == "Accepted"
        assert answer["interval"] > 0
        for evse_id in (1, 2):
            await self.status("Available", evse_id=evse_id)

    async def status(self, status: str, *, evse_id: int = 1, connector_id: int = 1) -> None:
        """G01: StatusNotification. It is kept, and is what an operator sees."""
        message = v201.status_notification(status=status, timestamp=now(), evse_id=evse_id, connector_id=connector_id)
        assert await self.send(message) == {}
        evses = {evse.evse_id: evse for evse in (await self.resource()).evses}
        connectors = {connector.connector_id: connector for connector in evses[evse_id].connectors}
        assert connectors[connector_id].reported_status == status

    async def authorize(self, tag: str = "") -> str:
        """C01: Authorize; returns the status of the token, that of its own driver where none is named."""
        found: str = (await self.send(v201.authorize(tag or self.tag)))["idTokenInfo"]["status"]
        return found

    async def event(self, kind: EventType, trigger_reason: str, *samples: Any, **more: Any) -> Any:
        """E: TransactionEvent of the running transaction, with the next sequence number; returns the answer."""
        message = v201.transaction_event(
            kind,
            *samples,
            transaction_id=self.transaction_id,
            timestamp=now(),
            seq_no=next(self._seq_nos),
            trigger_reason=trigger_reason,
            **more,
        )
        return await self.send(message)

    async def start(self, trigger_reason: str = "Authorized", **more: Any) -> Any:
        """TransactionEvent Started with EVSE, token and register, which is to be accepted; returns the answer."""
        named = {"evse": EVSE, "idToken": v201.id_token_of(self.tag)} | more
        register = v201.sampled_value(METER_START, EventType.STARTED)
        answer = await self.event(EventType.STARTED, trigger_reason, register, **named)
        assert answer.get("idTokenInfo", {"status": "Accepted"})["status"] == "Accepted"
        return answer

    async def update(self, trigger_reason: str, charging_state: str | None = None, **more: Any) -> Any:
        """TransactionEvent Updated; returns the answer."""
        info = {} if charging_state is None else {"chargingState": charging_state}
        return await self.event(EventType.UPDATED, trigger_reason, info=info, **more)

    async def stop(self, trigger_reason: str = "StopAuthorized", reason: str = "Local", **more: Any) -> Any:
        """TransactionEvent Ended with the register; returns the answer."""
        register = v201.sampled_value(METER_STOP, EventType.ENDED)
        info = {"stoppedReason": reason}
        return await self.event(EventType.ENDED, trigger_reason, register, info=info, **more)

    async def charge(self) -> None:
        """The state that many cases begin in: the cable plugged in, a driver authorized, energy flowing."""
        await self.status("Occupied")
        assert await self.authorize() == "Accepted"
        await self.start()
        await self.update("ChargingStateChanged", "Charging")

    async def is_ended(self, reason: str = "Local", *, flags: Sequence[str] = ()) -> None:
        """The transaction has ended for that reason, with the energy that the meter counted, and nothing else odd."""
        [found] = [one for one in await self.transactions() if one.transaction_id == self.transaction_id]
        assert found.state == transaction_service_pb2.TRANSACTION_STATE_ENDED
        assert found.energy_wh == METER_STOP - METER_START
        assert found.stopped_reason == STOPPED_REASONS[reason]
        assert list(found.flags) == list(flags)
