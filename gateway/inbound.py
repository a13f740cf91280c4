"""What is done about the CALLs of one station: checked, translated, sent to the services, answered from their results.

Nothing here knows of the socket: a payload comes in, a payload goes back, or a `RefusalError`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec
from csms.common.v1 import origin_pb2
from csms.station.v1 import station_ingest_service_pb2, station_pb2
from csms.transaction.v1.transaction_event_pb2 import RawMessage
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventItem

from gateway.clock_watch import ClockWatch, told_us
from gateway.lanes import LaneUnavailableError, Way
from gateway.ocppj import Call, Payload
from gateway.schemas import SchemaFault, Schemas
from gateway.translation import Inbound, Items, LaneName, Results, Salvage, UnacceptableError, Version
from mesh.logs import get_logger
from mesh.quirks import QuirkName
from mesh.times import Clock, from_timestamp

log = get_logger(__name__)

# How long a station waits for an answer before it gives up, by its usual settings; lanes try for as long.
STATION_BUDGET_S = 20.0
# What is only asked beside a message (is this token still good?) is not waited for as long.
OPTIONAL_BUDGET_S = 5.0

INTERNAL_ERROR = "InternalError"

Dialect = tuple[Version, Schemas]
"""An OCPP version, and how its messages look."""


class RefusalError(Exception):
    """A CALL is to be answered with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.code = code
        self.description = description


class InboundCalls:
    """Answers a station's CALLs. `accepted`, `heartbeat_interval_s` and the clock follow from what passes through."""

    def __init__(
        self,
        *,
        station_id: str,
        dialect: Dialect,
        others: Sequence[Dialect],
        lanes: Mapping[LaneName, Way],
        accepted: bool,
        heartbeat_interval_s: int,
        clock: Clock,
        count: Callable[[str, str], None],
        note_quirk: Callable[[str], None],
    ) -> None:
        self.accepted = accepted
        self.heartbeat_interval_s = heartbeat_interval_s
        self.clock_watch = ClockWatch()
        self._station_id = station_id
        self._version, self._schemas = dialect
        self._others = others
        self._lanes = lanes
        self._clock = clock
        self._count = count
        self._note_quirk = note_quirk
        self._loop = asyncio.get_running_loop()
        self._invited: set[str] = set()

    def invite(self, actions: frozenset[str]) -> None:
        """Lets a station that is not accepted yet send what it was asked for (OCPP 2.0.1, B02.FR.06)."""
        self._invited |= actions

    def answer_on_the_spot(self, call: Call) -> Payload | None:
        """The answer to a CALL that needs no service (a heartbeat) and has nothing odd; None for any other."""
        route = self._version.inbound.get(call.action)
        if route is None or route.to_items is not None or not self.accepted:
            return None
        accepted = self._schemas.accept(call.action, call.payload)
        if isinstance(accepted, SchemaFault) or accepted.quirks:
            return None
        return route.to_response(accepted.payload, {}, self._clock())

    async def handle(self, call: Call, origin: origin_pb2.Origin) -> Payload:
        """The answer to a CALL. Raises RefusalError; LaneUnavailableError where a service is away for too long."""
        route = self._version.inbound.get(call.action)
        if route is None:
            raise await self._unknown(call, origin)
        if not self.accepted and call.action != "BootNotification" and call.action not in self._invited:
            raise RefusalError("SecurityError", "the station is not accepted yet: send BootNotification first")
        accepted = self._schemas.accept(call.action, call.payload)
        if isinstance(accepted, SchemaFault):
            return await self._misfit(call, origin, route, accepted)
        payload = accepted.payload
        for quirk in accepted.quirks:
            self._note_quirk(quirk)
        self._watch_clock(payload, origin)
        if route.to_items is None:
            return route.to_response(payload, {}, self._clock())
        try:
            items = route.to_items(payload, origin)
        except UnacceptableError as error:
            fault = SchemaFault(code=error.code, message=f"{error.field}: {error}")
            if route.salvage is None:
                raise RefusalError(fault.code, fault.message) from error
            return await self._keep(call, origin, route.salvage, fault, reason="VALUE_OUT_OF_RANGE")
        results = await self._submit(items, route.optional)
        self._check(results, durable=route.durable)
        return route.to_response(payload, results, self._clock())

    # What cannot be taken as what it says it is

    async def _unknown(self, call: Call, origin: origin_pb2.Origin) -> RefusalError:
        label = self._version.label
        if call.action in self._schemas.actions:
            return RefusalError("NotImplemented", f"{call.action} is not implemented by this central system")
        for other in self._others:
            if call.action in other[1].actions:
                return await self._foreign(call, origin, other, code="NotSupported")
        return RefusalError("NotSupported", f"OCPP {label} has no action of this name")

    async def _misfit(self, call: Call, origin: origin_pb2.Origin, route: Inbound, fault: SchemaFault) -> Payload:
        """A message that its schema refuses: kept and acknowledged where it tells of money (docs/adr/0008)."""
        for other in self._others:
            schemas = other[1]
            if call.action in schemas.actions and schemas.check(call.action, "request", call.payload) is None:
                raise await self._foreign(call, origin, other, code=fault.code)
        if route.salvage is None:
            raise RefusalError(fault.code, fault.message)
        return await self._keep(call, origin, route.salvage, fault, reason="SCHEMA_VIOLATION")

    async def _foreign(self, call: Call, origin: origin_pb2.Origin, other: Dialect, *, code: str) -> RefusalError:
        """What a message of another OCPP version is told (quirk 3); one of money is kept all the same."""
        self._note_quirk(QuirkName.MESSAGE_OF_OTHER_VERSION)
        spoken, told = self._version.label, other[0].label
        fault = SchemaFault(
            code=code, message=f"this is {call.action} of OCPP {told}, and this connection speaks OCPP {spoken}"
        )
        route = other[0].inbound.get(call.action)
        if self.accepted and route is not None and route.salvage is not None:
            await self._keep(call, origin, None, fault, reason="OTHER_VERSION", label=told)
        return RefusalError(fault.code, fault.message)

    async def _keep(
        self,
        call: Call,
        origin: origin_pb2.Origin,
        salvage: Salvage | None,
        fault: SchemaFault,
        *,
        reason: str,
        label: str | None = None,
    ) -> Payload:
        """Has a message put into quarantine as it came; the answer that acknowledges it."""
        raw = RawMessage(
            ocpp_version=label or self._version.label,
            action=call.action,
            payload=msgspec.json.encode(call.payload).decode(),
            reason=reason,
            message=fault.message,
        )
        items: Items = {LaneName.TRANSACTION_EVENTS: TransactionEventItem(origin=origin, raw=raw)}
        if salvage is not None:
            items = {**items, **salvage.to_questions(call.payload, origin)}
        results = await self._submit(items, frozenset({LaneName.AUTHORIZE}))
        self._check(results, durable=True)
        return {} if salvage is None else salvage.to_response(call.payload, results)

    # The services

    async def _submit(self, items: Items, optional: frozenset[LaneName]) -> Results:
        """Sends items down their lanes, all at once, and waits for them all."""
        now_s = self._loop.time()
        waiting = {}
        for name, item in items.items():
            budget_s = OPTIONAL_BUDGET_S if name in optional else STATION_BUDGET_S
            waiting[name] = self._lanes[name].submit(item, deadline_s=now_s + budget_s)
        results = {}
        for name, result in waiting.items():
            try:
                results[name] = await result
            except LaneUnavailableError:
                if name not in optional:
                    raise
                log.warning("answered without", lane=name, station_id=self._station_id)
        return results

    def _check(self, results: Results, *, durable: bool) -> None:
        for name, result in results.items():
            if not result.HasField("error"):
                for quirk in getattr(result, "quirks", ()):
                    self._note_quirk(quirk)
                continue
            log.warning("item refused", lane=name, station_id=self._station_id)
            self._count("item_refused", name)
            # A message of money that failed for its content is kept by its service, and acknowledged (design 2).
            if not durable:
                raise RefusalError(INTERNAL_ERROR, "the message could not be stored")
            if name is not LaneName.AUTHORIZE:
                self._note_quirk(QuirkName.MESSAGE_QUARANTINED)
        boot = results.get(LaneName.BOOTS)
        if isinstance(boot, station_ingest_service_pb2.BootResult):
            self.accepted = boot.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
            self.heartbeat_interval_s = boot.interval_s
            self._invited.clear()

    def _watch_clock(self, payload: Payload, origin: origin_pb2.Origin) -> None:
        us = told_us(payload)
        if us is not None and self.clock_watch.observe(us, from_timestamp(origin.receive_time)):
            self._note_quirk(QuirkName.CLOCK_SKEW)
