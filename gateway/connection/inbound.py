"""Handles the CALLs of one station: checks and translates them, and answers from the results of the services.

Sans-I/O: a CALL comes in, an `IngestPlan` goes out, or a `RefusalError`. Nothing here knows the socket or the batchers.
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

from gateway.connection.boot_watch import BootWatch
from gateway.connection.clock_watch import ClockWatch, stated_us
from gateway.connection.ingest_plan import IngestPlan
from gateway.ocpp.frames import Call, Payload, TruncatedCall
from gateway.ocpp.schemas import SchemaFault
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import Inbound, IngestRpc, Items, QuarantineResponse, Results, UnacceptableError
from gateway.ocpp.values import set_time
from mesh.contract.quirk_names import QuirkName
from mesh.runtime.errors import from_status
from mesh.runtime.logs import get_logger
from mesh.runtime.reasons import Reason
from mesh.runtime.times import Clock

log = get_logger(__name__)

INTERNAL_ERROR = "InternalError"

_NOT_ACCEPTED = SchemaFault(
    code="SecurityError", message="the station is not accepted yet: send BootNotification first"
)

# What is asked and noted beside a message, which is answered in any case.
_ASKED_BESIDE = frozenset({IngestRpc.AUTHORIZATIONS, IngestRpc.OPEN_TRANSACTIONS})


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
        served: ServedVersion,
        others: Sequence[ServedVersion],
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
        self._routes, self._schemas = served
        self._others = others
        self._clock = clock
        self._count = count
        self._note_quirk = note_quirk
        self._allow_transfer = allow_transfer
        self._triggered_actions: set[str] = set()

    def allow_triggered(self, actions: frozenset[str]) -> None:
        """Lets a station that is not accepted yet send what it was asked for (OCPP 2.0.1, B02.FR.06)."""
        self._triggered_actions |= actions

    def is_about_transactions(self, action: str) -> bool:
        """Whether a message of this action is never lost: it is kept raw where it cannot be read (docs/adr/0008)."""
        route = self._routes.inbound.get(action)
        return route is not None and route.quarantine_response is not None

    def begin(self, call: Call, ordinal: int, time_us: int, source: bytes = b"") -> IngestPlan:
        """Plans what a CALL asks of the services. Raises RefusalError.

        `ordinal` and `time_us` are of when it was read, `source` is the text of its frame.
        """
        route = self._routes.inbound.get(call.action)
        if route is None:
            return self._on_unknown_action(call, self._origin(ordinal, time_us))
        if not self.accepted and call.action != "BootNotification" and call.action not in self._triggered_actions:
            return self._on_unaccepted_station(call, self._origin(ordinal, time_us), route, source)
        accepted = self._schemas.accept(call.action, call.payload, source=source)
        if isinstance(accepted, SchemaFault):
            return self._on_schema_violation(call, self._origin(ordinal, time_us), route, accepted)
        payload = accepted.payload
        for quirk in accepted.quirks:
            self._note_quirk(quirk)
        self._watch_clock(payload, time_us)
        if route.to_items is None:
            return IngestPlan({}, lambda results: route.to_response(payload, results, self._clock()))
        origin = self._origin(ordinal, time_us)
        try:
            items = route.to_items(payload, origin)
        except UnacceptableError as error:
            fault = SchemaFault(code=error.code, message=f"{error.field}: {error}")
            if route.quarantine_response is None:
                raise RefusalError(fault.code, fault.message) from error
            return self._quarantine(call, origin, route.quarantine_response, fault, reason=Reason.VALUE_OUT_OF_RANGE)
        return (
            self._transfer(route, payload, items, time_us)
            if IngestRpc.DATA_TRANSFERS in items
            else _plan(route, payload, origin, items, partial(self._answer, route, payload))
        )

    def _transfer(self, route: Inbound, payload: Payload, items: Items, time_us: int) -> IngestPlan:
        """A vendor's own message. Each writes a row, so that a station may have only so many stored."""
        if self._allow_transfer(items[IngestRpc.DATA_TRANSFERS].ByteSize(), time_us):
            return IngestPlan(items, partial(self._answer, route, payload), route.optional)
        self._note_quirk(QuirkName.TRANSFER_NOT_STORED)
        return IngestPlan({}, lambda _results: {"status": "Rejected"})

    def _answer(self, route: Inbound, payload: Payload, results: Results) -> Payload:
        self._check(results, durable=route.quarantine_response is not None)
        return route.to_response(payload, results, self._clock())

    def _origin(self, ordinal: int, time_us: int) -> origin_pb2.Origin:
        """Where and when a CALL came in, until the next one is begun; each item has a copy of its own."""
        origin = self._call_origin
        origin.ordinal = ordinal
        set_time(origin.receive_time, time_us)
        return origin

    # What cannot be taken as what it says it is

    def _on_unknown_action(self, call: Call, origin: origin_pb2.Origin) -> IngestPlan:
        """An action that is not served: NotSupported where it is known, NotImplemented where not (docs/adr/0007)."""
        label = self._routes.label
        if call.action in self._schemas.actions:
            raise RefusalError("NotSupported", f"{call.action} is not supported by this central system")
        for other in self._others:
            if call.action in other.schemas.actions:
                return self._on_other_version(call, origin, other, code="NotSupported")
        raise RefusalError("NotImplemented", f"OCPP {label} has no action of this name")

    def _on_schema_violation(
        self, call: Call, origin: origin_pb2.Origin, route: Inbound, fault: SchemaFault
    ) -> IngestPlan:
        """A message that its schema refuses: kept and acknowledged where it is about a transaction (docs/adr/0008)."""
        for other in self._others:
            schemas = other.schemas
            if call.action in schemas.actions and schemas.fits(call.action, "request", call.payload):
                return self._on_other_version(call, origin, other, code=fault.code)
        if route.quarantine_response is None:
            raise RefusalError(fault.code, fault.message)
        if isinstance(call, TruncatedCall):
            cut = SchemaFault(code=fault.code, message="The frame ends before its payload does.")
            return self._quarantine(call, origin, route.quarantine_response, cut, reason=Reason.FRAME_TRUNCATED)
        return self._quarantine(call, origin, route.quarantine_response, fault, reason=Reason.SCHEMA_VIOLATION)

    def _on_other_version(
        self, call: Call, origin: origin_pb2.Origin, other: ServedVersion, *, code: str
    ) -> IngestPlan:
        """Refuses a message of another OCPP version (quirk 3); one about a transaction goes into quarantine."""
        self._note_quirk(QuirkName.MESSAGE_OF_OTHER_VERSION)
        spoken, other_label = self._routes.label, other.routes.label
        fault = SchemaFault(
            code=code, message=f"this is {call.action} of OCPP {other_label}, and this connection speaks OCPP {spoken}"
        )
        route = other.routes.inbound.get(call.action)
        if route is None or route.quarantine_response is None:
            raise RefusalError(fault.code, fault.message)
        reason = Reason.OTHER_VERSION if self.accepted else Reason.STATION_NOT_ACCEPTED
        return self._quarantine(call, origin, None, fault, reason=reason, label=other_label)

    def _on_unaccepted_station(
        self, call: Call, origin: origin_pb2.Origin, route: Inbound, source: bytes
    ) -> IngestPlan:
        """A message of a station that is not accepted: SecurityError, and quarantine where it is about a transaction.

        Only an event of a transaction that is recorded already is recorded and answered as ever: the session began
        while the station was accepted. transaction_svc decides that (docs/adr/0013).
        """
        if route.quarantine_response is None:
            raise RefusalError(_NOT_ACCEPTED.code, _NOT_ACCEPTED.message)
        kept = self._quarantine(call, origin, None, _NOT_ACCEPTED, reason=Reason.STATION_NOT_ACCEPTED)
        accepted = self._schemas.accept(call.action, call.payload, source=source)
        if isinstance(accepted, SchemaFault) or route.to_items is None:
            return kept
        try:
            items = dict(route.to_items(accepted.payload, origin))
        except UnacceptableError:
            return kept
        item, raw = items.get(IngestRpc.TRANSACTION_EVENTS), kept.items[IngestRpc.TRANSACTION_EVENTS]
        if not isinstance(item, TransactionEventItem) or not isinstance(raw, TransactionEventItem):
            return kept
        item.raw.CopyFrom(raw.raw)
        item.known_transaction_only = True
        items.pop(IngestRpc.REPORTS, None)  # a start that may not begin uses no reservation

        def answer(results: Results) -> Payload:
            if _is_unaccepted(results):
                return kept.answer(results)
            for quirk in accepted.quirks:
                self._note_quirk(quirk)
            return self._answer(route, accepted.payload, results)

        return _plan(route, accepted.payload, origin, items, answer)

    def _quarantine(
        self,
        call: Call,
        origin: origin_pb2.Origin,
        quarantine_response: QuarantineResponse | None,
        fault: SchemaFault,
        *,
        reason: str,
        label: str | None = None,
    ) -> IngestPlan:
        """Puts a message into quarantine as it came; acknowledges it by its quarantine response, refuses it without."""
        raw = RawMessage(
            ocpp_version=label or self._routes.label,
            action=call.action,
            payload=msgspec.json.encode(call.payload).decode(),
            reason=reason,
            message=fault.message,
        )
        questions = {} if quarantine_response is None else quarantine_response.to_questions(call.payload, origin)

        def answer(results: Results) -> Payload:
            self._check(results, durable=True)
            if quarantine_response is None:
                raise RefusalError(fault.code, fault.message)
            return quarantine_response.to_response(call.payload, results)

        kept = TransactionEventItem(origin=origin, raw=raw)
        return IngestPlan({IngestRpc.TRANSACTION_EVENTS: kept, **questions}, answer, frozenset({IngestRpc.AUTHORIZE}))

    # What the services said

    def _check(self, results: Results, *, durable: bool) -> None:
        for name, result in results.items():
            if result.HasField("error"):
                self._note_refused_item(name, result, durable=durable)
            elif _has_quirks(type(result)):  # type: ignore[arg-type]
                for quirk in result.quirks:  # type: ignore[attr-defined]
                    self._note_quirk(quirk)
        boot = results.get(IngestRpc.BOOTS)
        if isinstance(boot, station_ingest_service_pb2.BootResult):
            self.accepted = boot.registration_status == station_pb2.REGISTRATION_STATUS_ACCEPTED
            self.heartbeat_interval_s = boot.interval_s
            self._triggered_actions.clear()
            self.boot_watch.answer(boot.registration_status)

    def _note_refused_item(self, name: IngestRpc, result: Message, *, durable: bool) -> None:
        log.warning("item refused", lane=name, station_id=self._station_id)
        self._count("item_refused", name)
        if name in _ASKED_BESIDE:
            return
        # A message about a transaction that failed for its content is kept by its service, and acknowledged: see
        # docs/DESIGN.md, "When a service is unavailable".
        if not durable:
            raise RefusalError(INTERNAL_ERROR, "the message could not be stored")
        if name is not IngestRpc.AUTHORIZE and not _is_not_kept(result):
            self._note_quirk(QuirkName.MESSAGE_QUARANTINED)

    def _watch_clock(self, payload: Payload, time_us: int) -> None:
        us = stated_us(payload)
        if us is not None and self.clock_watch.observe(us, time_us):
            self._note_quirk(QuirkName.CLOCK_SKEW)


@cache  # asking a message for a field that it lacks costs a microsecond
def _has_quirks(kind: type[Message]) -> bool:
    return "quirks" in kind.DESCRIPTOR.fields_by_name


def _is_not_kept(result: Any) -> bool:
    """Whether there was no room in quarantine for an item that was refused."""
    return from_status(result.error).reason is Reason.QUARANTINE_FULL


def _is_unaccepted(results: Results) -> bool:
    """Whether transaction_svc did not record the event because its station is not accepted."""
    result = results[IngestRpc.TRANSACTION_EVENTS]
    assert isinstance(result, TransactionEventResult)  # noqa: S101 - this RPC gives nothing else
    return result.HasField("error") and from_status(result.error).metadata.get("cause") == Reason.STATION_NOT_ACCEPTED


def _plan(
    route: Inbound, payload: Payload, origin: origin_pb2.Origin, items: Items, answer: Callable[[Results], Payload]
) -> IngestPlan:
    """Sends the items, and what the route has to follow them before the answer is made."""
    to_follow_up = route.to_follow_up
    if to_follow_up is None or not items:
        return IngestPlan(items, answer, route.optional)

    def follow_up(results: Results) -> IngestPlan | None:
        following = to_follow_up(payload, origin, results)
        if not following:
            return None
        return IngestPlan(following, lambda further: answer({**results, **further}), route.optional)

    return IngestPlan(items, answer, route.optional, follow_up)
