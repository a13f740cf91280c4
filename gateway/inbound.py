"""What is done about the CALLs of one station: checked, translated, and answered from what the services say.

Sans-I/O: a CALL comes in, an `Exchange` goes out, or a `RefusalError`. Nothing here knows of the socket or the lanes.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import msgspec
from csms.common.v1 import origin_pb2
from csms.station.v1 import station_ingest_service_pb2, station_pb2
from csms.transaction.v1.transaction_event_pb2 import RawMessage
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventItem, TransactionEventResult
from google.protobuf.message import Message

from gateway.boot_watch import BootWatch
from gateway.clock_watch import ClockWatch, told_us
from gateway.exchange import Exchange
from gateway.ocppj import Call, Payload, TruncatedCall
from gateway.schemas import SchemaFault, Schemas
from gateway.translation import Inbound, Items, LaneName, Results, Salvage, UnacceptableError, Version
from gateway.values import set_time
from mesh.errors import from_status
from mesh.logs import get_logger
from mesh.quirks import QuirkName
from mesh.times import Clock

log = get_logger(__name__)

INTERNAL_ERROR = "InternalError"

STATION_NOT_ACCEPTED = "STATION_NOT_ACCEPTED"
_NOT_ACCEPTED = SchemaFault(
    code="SecurityError", message="the station is not accepted yet: send BootNotification first"
)

# What is asked and noted beside a message, which is answered in any case.
_ASKED_BESIDE = frozenset({LaneName.AUTHORIZATIONS, LaneName.OPEN_TRANSACTIONS})

Dialect = tuple[Version, Schemas]
"""An OCPP version, and how its messages look."""


class RefusalError(Exception):
    """A CALL is to be answered with a CALLERROR."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code)
        self.code = code
        self.description = description


class InboundCalls:
    """Answers a station's CALLs. `accepted`, `heartbeat_interval_s` and the clock follow from what passes through.

    `begin` may be called in another thread, for one CALL at a time, if `note_quirk` may. `allow_transfer(bytes,
    time_us)` says whether the station may have one more DataTransfer stored.
    """

    def __init__(
        self,
        *,
        tenant_id: str,
        station_id: str,
        epoch: int,
        dialect: Dialect,
        others: Sequence[Dialect],
        accepted: bool,
        heartbeat_interval_s: int,
        clock: Clock,
        count: Callable[[str, str], None],
        note_quirk: Callable[[str], None],
        allow_transfer: Callable[[int, int], bool],
    ) -> None:
        self.accepted = accepted
        self.heartbeat_interval_s = heartbeat_interval_s
        self.clock_watch = ClockWatch()
        self.boot_watch = BootWatch()
        self._station_id = station_id
        self._call_origin = origin_pb2.Origin(tenant_id=tenant_id, station_id=station_id, epoch=epoch)
        self._version, self._schemas = dialect
        self._others = others
        self._clock = clock
        self._count = count
        self._note_quirk = note_quirk
        self._allow_transfer = allow_transfer
        self._invited: set[str] = set()

    def invite(self, actions: frozenset[str]) -> None:
        """Lets a station that is not accepted yet send what it was asked for (OCPP 2.0.1, B02.FR.06)."""
        self._invited |= actions

    def is_about_transactions(self, action: str) -> bool:
        """Whether a message of this action is never lost: it is kept raw where it cannot be read (docs/adr/0008)."""
        route = self._version.inbound.get(action)
        return route is not None and route.salvage is not None

    def begin(self, call: Call, ordinal: int, time_us: int, source: bytes = b"") -> Exchange:
        """What a CALL asks of the services. Raises RefusalError.

        `ordinal` and `time_us` are of when it was read, `source` is the text of its frame.
        """
        route = self._version.inbound.get(call.action)
        if route is None:
            return self._unknown(call, self._origin(ordinal, time_us))
        if not self.accepted and call.action != "BootNotification" and call.action not in self._invited:
            return self._from_unaccepted(call, self._origin(ordinal, time_us), route, source)
        accepted = self._schemas.accept(call.action, call.payload, source=source)
        if isinstance(accepted, SchemaFault):
            return self._misfit(call, self._origin(ordinal, time_us), route, accepted)
        payload = accepted.payload
        for quirk in accepted.quirks:
            self._note_quirk(quirk)
        self._watch_clock(payload, time_us)
        if route.to_items is None:
            return Exchange({}, lambda results: route.to_response(payload, results, self._clock()))
        origin = self._origin(ordinal, time_us)
        try:
            items = route.to_items(payload, origin)
        except UnacceptableError as error:
            fault = SchemaFault(code=error.code, message=f"{error.field}: {error}")
            if route.salvage is None:
                raise RefusalError(fault.code, fault.message) from error
            return self._keep(call, origin, route.salvage, fault, reason="VALUE_OUT_OF_RANGE")
        return (
            self._transfer(route, payload, items, time_us)
            if LaneName.DATA_TRANSFERS in items
            else _exchange(route, payload, origin, items, partial(self._answer, route, payload))
        )

    def _transfer(self, route: Inbound, payload: Payload, items: Items, time_us: int) -> Exchange:
        """A vendor's own message, of which each writes a row, whoever its vendor is: so many are stored."""
        if self._allow_transfer(items[LaneName.DATA_TRANSFERS].ByteSize(), time_us):
            return Exchange(items, partial(self._answer, route, payload), route.optional)
        self._note_quirk(QuirkName.TRANSFER_NOT_STORED)
        return Exchange({}, lambda _results: {"status": "Rejected"})

    def _answer(self, route: Inbound, payload: Payload, results: Results) -> Payload:
        self._check(results, durable=route.salvage is not None)
        return route.to_response(payload, results, self._clock())

    def _origin(self, ordinal: int, time_us: int) -> origin_pb2.Origin:
        """Where and when a CALL came in, until the next one is begun; each item has a copy of its own."""
        origin = self._call_origin
        origin.ordinal = ordinal
        set_time(origin.receive_time, time_us)
        return origin

    # What cannot be taken as what it says it is

    def _unknown(self, call: Call, origin: origin_pb2.Origin) -> Exchange:
        """An action that is not served: NotSupported where it is known, NotImplemented where not (docs/adr/0007)."""
        label = self._version.label
        if call.action in self._schemas.actions:
            raise RefusalError("NotSupported", f"{call.action} is not supported by this central system")
        for other in self._others:
            if call.action in other[1].actions:
                return self._foreign(call, origin, other, code="NotSupported")
        raise RefusalError("NotImplemented", f"OCPP {label} has no action of this name")

    def _misfit(self, call: Call, origin: origin_pb2.Origin, route: Inbound, fault: SchemaFault) -> Exchange:
        """A message that its schema refuses: kept and acknowledged where it tells of money (docs/adr/0008)."""
        for other in self._others:
            schemas = other[1]
            if call.action in schemas.actions and schemas.fits(call.action, "request", call.payload):
                return self._foreign(call, origin, other, code=fault.code)
        if route.salvage is None:
            raise RefusalError(fault.code, fault.message)
        if isinstance(call, TruncatedCall):
            cut = SchemaFault(code=fault.code, message="The frame ends before its payload does.")
            return self._keep(call, origin, route.salvage, cut, reason="FRAME_TRUNCATED")
        return self._keep(call, origin, route.salvage, fault, reason="SCHEMA_VIOLATION")

    def _foreign(self, call: Call, origin: origin_pb2.Origin, other: Dialect, *, code: str) -> Exchange:
        """What a message of another OCPP version is told (quirk 3); one of money is kept all the same."""
        self._note_quirk(QuirkName.MESSAGE_OF_OTHER_VERSION)
        spoken, told = self._version.label, other[0].label
        fault = SchemaFault(
            code=code, message=f"this is {call.action} of OCPP {told}, and this connection speaks OCPP {spoken}"
        )
        route = other[0].inbound.get(call.action)
        if route is None or route.salvage is None:
            raise RefusalError(fault.code, fault.message)
        reason = "OTHER_VERSION" if self.accepted else STATION_NOT_ACCEPTED
        return self._keep(call, origin, None, fault, reason=reason, label=told)

    def _from_unaccepted(self, call: Call, origin: origin_pb2.Origin, route: Inbound, source: bytes) -> Exchange:
        """A message of a station that is not accepted: SecurityError, and quarantine where it tells of money.

        Only an event of a transaction that is recorded already is recorded and answered as ever: the session began
        while the station was accepted. transaction_svc decides that (docs/adr/0013).
        """
        if route.salvage is None:
            raise RefusalError(_NOT_ACCEPTED.code, _NOT_ACCEPTED.message)
        kept = self._keep(call, origin, None, _NOT_ACCEPTED, reason=STATION_NOT_ACCEPTED)
        accepted = self._schemas.accept(call.action, call.payload, source=source)
        if isinstance(accepted, SchemaFault) or route.to_items is None:
            return kept
        try:
            items = dict(route.to_items(accepted.payload, origin))
        except UnacceptableError:
            return kept
        item, raw = items.get(LaneName.TRANSACTION_EVENTS), kept.items[LaneName.TRANSACTION_EVENTS]
        if not isinstance(item, TransactionEventItem) or not isinstance(raw, TransactionEventItem):
            return kept
        item.raw.CopyFrom(raw.raw)
        item.known_transaction_only = True
        items.pop(LaneName.REPORTS, None)  # a start that may not begin uses no reservation

        def answer(results: Results) -> Payload:
            if _is_unaccepted(results):
                return kept.answer(results)
            for quirk in accepted.quirks:
                self._note_quirk(quirk)
            return self._answer(route, accepted.payload, results)

        return _exchange(route, accepted.payload, origin, items, answer)

    def _keep(
        self,
        call: Call,
        origin: origin_pb2.Origin,
        salvage: Salvage | None,
        fault: SchemaFault,
        *,
        reason: str,
        label: str | None = None,
    ) -> Exchange:
        """Has a message put into quarantine as it came, and acknowledges it by `salvage`; refuses it without one."""
        raw = RawMessage(
            ocpp_version=label or self._version.label,
            action=call.action,
            payload=msgspec.json.encode(call.payload).decode(),
            reason=reason,
            message=fault.message,
        )
        questions = {} if salvage is None else salvage.to_questions(call.payload, origin)

        def answer(results: Results) -> Payload:
            self._check(results, durable=True)
            if salvage is None:
                raise RefusalError(fault.code, fault.message)
            return salvage.to_response(call.payload, results)

        kept = TransactionEventItem(origin=origin, raw=raw)
        return Exchange({LaneName.TRANSACTION_EVENTS: kept, **questions}, answer, frozenset({LaneName.AUTHORIZE}))

    # What the services said

    def _check(self, results: Results, *, durable: bool) -> None:
        for name, result in results.items():
            if result.HasField("error"):
                self._note_refused_item(name, result, durable=durable)
            elif _has_quirks(type(result)):  # type: ignore[arg-type]
                for quirk in result.quirks:  # type: ignore[attr-defined]
                    self._note_quirk(quirk)
        boot = results.get(LaneName.BOOTS)
        if isinstance(boot, station_ingest_service_pb2.BootResult):
            self.accepted = boot.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
            self.heartbeat_interval_s = boot.interval_s
            self._invited.clear()
            self.boot_watch.answer(boot.registration_status)

    def _note_refused_item(self, name: LaneName, result: Message, *, durable: bool) -> None:
        log.warning("item refused", lane=name, station_id=self._station_id)
        self._count("item_refused", name)
        if name in _ASKED_BESIDE:
            return
        # A message of money that failed for its content is kept by its service, and acknowledged: see
        # docs/DESIGN.md, "When a service is unavailable".
        if not durable:
            raise RefusalError(INTERNAL_ERROR, "the message could not be stored")
        if name is not LaneName.AUTHORIZE and not _is_not_kept(result):
            self._note_quirk(QuirkName.MESSAGE_QUARANTINED)

    def _watch_clock(self, payload: Payload, time_us: int) -> None:
        us = told_us(payload)
        if us is not None and self.clock_watch.observe(us, time_us):
            self._note_quirk(QuirkName.CLOCK_SKEW)


@cache  # asking a message for a field that it lacks costs a microsecond
def _has_quirks(kind: type[Message]) -> bool:
    return "quirks" in kind.DESCRIPTOR.fields_by_name


def _is_not_kept(result: Any) -> bool:
    """Whether there was no room in quarantine for an item that was refused."""
    return from_status(result.error).reason == "QUARANTINE_FULL"


def _is_unaccepted(results: Results) -> bool:
    """Whether transaction_svc did not record the event because its station is not accepted."""
    result = results[LaneName.TRANSACTION_EVENTS]
    assert isinstance(result, TransactionEventResult)  # noqa: S101 - the lane gives nothing else
    return result.HasField("error") and from_status(result.error).metadata.get("cause") == STATION_NOT_ACCEPTED


def _exchange(
    route: Inbound, payload: Payload, origin: origin_pb2.Origin, items: Items, answer: Callable[[Results], Payload]
) -> Exchange:
    """Sends the items, and what the route has to follow them before the answer is made."""
    to_follow_up = route.to_follow_up
    if to_follow_up is None or not items:
        return Exchange(items, answer, route.optional)

    def follow_up(results: Results) -> Exchange | None:
        following = to_follow_up(payload, origin, results)
        if not following:
            return None
        return Exchange(following, lambda further: answer({**results, **further}), route.optional)

    return Exchange(items, answer, route.optional, follow_up)
