"""Plans the CALLs of one station: checks each and translates it to items for the services.

Sans-I/O: it turns a CALL into a plan (`inbound_call_plans.py`), or a `RefusalError`, without socket or batchers;
`inbound_call_answers.py` answers from the plan and the results of the services.
"""

from collections.abc import Callable, Sequence

import msgspec
from csms.common.v1 import origin_pb2
from csms.transaction.v1.transaction_event_pb2 import RawMessage
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventItem

from gateway.connection.clock_watch import ClockWatch, stated_us
from gateway.connection.inbound_call_plans import CallPlan, FixedPlan, QuarantinePlan, RoutedPlan
from gateway.connection.late_turns import LATE_US
from gateway.connection.refusal import RefusalError
from gateway.connection.registration import Registration
from gateway.ocpp.frames import Call, Payload, TruncatedCall
from gateway.ocpp.schemas import SchemaFault
from gateway.ocpp.served_version import ServedVersion
from gateway.ocpp.translation import Inbound, IngestRpc, Items, QuarantineResponse, Results, UnacceptableError
from gateway.ocpp.values import set_time
from mesh.contract.quirk_names import QuirkName
from mesh.runtime.error_reasons import Reason

_NOT_ACCEPTED = SchemaFault(
    code="SecurityError", message="the station is not accepted yet: send BootNotification first"
)


class InboundCalls:
    """Plans a station's CALLs, and watches its clock.

    `plan` may be called in another thread, for one CALL at a time, if `note_quirk` may. `allow_transfer(bytes,
    time_us)` returns whether the station may have one more DataTransfer stored.
    """

    def __init__(
        self,
        *,
        tenant_id: str,
        station_id: str,
        epoch: int,
        served: ServedVersion,
        others: Sequence[ServedVersion],
        registration: Registration,
        note_quirk: Callable[[str], None],
        allow_transfer: Callable[[int, int], bool],
    ) -> None:
        self.clock_watch = ClockWatch()
        self._registration = registration
        self._call_origin = origin_pb2.Origin(tenant_id=tenant_id, station_id=station_id, epoch=epoch)
        self._routes, self._schemas = served
        self._others = others
        self._note_quirk = note_quirk
        self._allow_transfer = allow_transfer

    def is_about_transactions(self, action: str) -> bool:
        """Whether a message of this action is never lost: it is kept raw where it cannot be read (docs/adr/0008)."""
        route = self._routes.inbound.get(action)
        return route is not None and route.quarantine_response is not None

    def plan(self, call: Call, ordinal: int, time_us: int, source: bytes = b"") -> CallPlan:
        """Plans the items of a CALL. Raises RefusalError.

        `ordinal` and `time_us` are of the reading of its frame, `source` is the text of the frame.
        """
        route = self._routes.inbound.get(call.action)
        if route is None:
            return self._on_unknown_action(call, self._origin(ordinal, time_us))
        if not self._registration.accepted and not self._registration.may_send(call.action):
            return self._on_unaccepted_station(call, self._origin(ordinal, time_us), route, source)
        accepted = self._schemas.accept(call.action, call.payload, source=source)
        if isinstance(accepted, SchemaFault):
            return self._on_schema_violation(call, self._origin(ordinal, time_us), route, accepted)
        for quirk in accepted.quirks:
            self._note_quirk(quirk)
        is_late = self._watch_clock(accepted.payload, time_us)
        if route.to_items is None:
            return RoutedPlan({}, route=route, payload=accepted.payload)
        origin = self._origin(ordinal, time_us)
        return self._translate(call, accepted.payload, route, origin, time_us, is_late=is_late)

    def _translate(
        self, call: Call, payload: Payload, route: Inbound, origin: origin_pb2.Origin, time_us: int, *, is_late: bool
    ) -> CallPlan:
        """The plan of a message that is valid by its schema, with the items of its route."""
        assert route.to_items is not None  # noqa: S101 - by whom it is called
        try:
            items = route.to_items(payload, origin)
        except UnacceptableError as error:
            fault = SchemaFault(code=error.code, message=f"{error.field}: {error}")
            if route.quarantine_response is None:
                raise RefusalError(fault.code, fault.message) from error
            return self._quarantine(call, origin, route.quarantine_response, fault, reason=Reason.VALUE_OUT_OF_RANGE)
        if IngestRpc.DATA_TRANSFERS in items and not self._may_transfer(items, time_us):
            return FixedPlan({}, response={"status": "Rejected"})
        has_follow_up = route.to_follow_up is not None and bool(items)
        return RoutedPlan(items, route.optional, has_follow_up, is_late, route=route, payload=payload)

    def _may_transfer(self, items: Items, time_us: int) -> bool:
        """Whether one more message of a vendor's own is stored: each writes a row."""
        if self._allow_transfer(items[IngestRpc.DATA_TRANSFERS].ByteSize(), time_us):
            return True
        self._note_quirk(QuirkName.TRANSFER_NOT_STORED)
        return False

    def follow_up(self, plan: CallPlan, results: Results) -> CallPlan | None:
        """The follow-up of a plan whose results have arrived; None without follow-up items.

        The plan that it returns makes the answer in place of the one before. Call it before the next CALL is planned.
        """
        if not isinstance(plan, RoutedPlan) or plan.route.to_follow_up is None:
            return None
        items = plan.route.to_follow_up(plan.payload, self._call_origin, results)
        if not items:
            return None
        return msgspec.structs.replace(plan, items=items, has_follow_up=False, earlier=results)

    def _origin(self, ordinal: int, time_us: int) -> origin_pb2.Origin:
        """The origin of a CALL, until the next one is planned; each item has a copy of its own."""
        origin = self._call_origin
        origin.ordinal = ordinal
        set_time(origin.receive_time, time_us)
        return origin

    # CALLs that cannot be handled as the action that they name

    def _on_unknown_action(self, call: Call, origin: origin_pb2.Origin) -> CallPlan:
        """An action that is not served: NotSupported where it is known, NotImplemented where not (docs/adr/0007).

        In 2.x a station that is not accepted gets SecurityError for either (B02.FR.09, B03.FR.07).
        """
        label = self._routes.label
        is_refused = self._routes.ocpp.refuses_before_action and not self._registration.may_send(call.action)
        if call.action in self._schemas.actions and not is_refused:
            raise RefusalError("NotSupported", f"{call.action} is not supported by this central system")
        for other in self._others:
            if call.action in other.schemas.actions and call.action not in self._schemas.actions:
                code = _NOT_ACCEPTED.code if is_refused else "NotSupported"
                return self._on_other_version(call, origin, other, code=code)
        if is_refused:
            raise RefusalError(_NOT_ACCEPTED.code, _NOT_ACCEPTED.message)
        raise RefusalError("NotImplemented", f"OCPP {label} has no action of this name")

    def _on_schema_violation(
        self, call: Call, origin: origin_pb2.Origin, route: Inbound, fault: SchemaFault
    ) -> CallPlan:
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

    def _on_other_version(self, call: Call, origin: origin_pb2.Origin, other: ServedVersion, *, code: str) -> CallPlan:
        """Refuses a message of another OCPP version (quirk 3); one about a transaction goes into quarantine."""
        self._note_quirk(QuirkName.MESSAGE_OF_OTHER_VERSION)
        spoken, other_label = self._routes.label, other.routes.label
        fault = SchemaFault(
            code=code, message=f"this is {call.action} of OCPP {other_label}, and this connection speaks OCPP {spoken}"
        )
        route = other.routes.inbound.get(call.action)
        if route is None or route.quarantine_response is None:
            raise RefusalError(fault.code, fault.message)
        reason = Reason.OTHER_VERSION if self._registration.accepted else Reason.STATION_NOT_ACCEPTED
        return self._quarantine(call, origin, None, fault, reason=reason, label=other_label)

    def _on_unaccepted_station(self, call: Call, origin: origin_pb2.Origin, route: Inbound, source: bytes) -> CallPlan:
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
        return RoutedPlan(
            items,
            route.optional,
            route.to_follow_up is not None,
            route=route,
            payload=accepted.payload,
            if_not_accepted=kept,
            quirks=accepted.quirks,
        )

    def _quarantine(
        self,
        call: Call,
        origin: origin_pb2.Origin,
        quarantine_response: QuarantineResponse | None,
        fault: SchemaFault,
        *,
        reason: str,
        label: str | None = None,
    ) -> QuarantinePlan:
        """Puts a message into quarantine as it came; acknowledges it by its quarantine response, refuses it without."""
        raw = RawMessage(
            ocpp_version=label or self._routes.label,
            action=call.action,
            payload=msgspec.json.encode(call.payload).decode(),
            reason=reason,
            message=fault.message,
        )
        questions = {} if quarantine_response is None else quarantine_response.to_questions(call.payload, origin)
        kept = TransactionEventItem(origin=origin, raw=raw)
        return QuarantinePlan(
            {IngestRpc.TRANSACTION_EVENTS: kept, **questions},
            frozenset({IngestRpc.AUTHORIZE}),
            payload=call.payload,
            response=quarantine_response,
            fault=fault,
        )

    def _watch_clock(self, payload: Payload, time_us: int) -> bool:
        """Watches the station's clock; returns whether the message is late."""
        us = stated_us(payload)
        if us is None:
            return False
        if self.clock_watch.observe(us, time_us):
            self._note_quirk(QuirkName.CLOCK_SKEW)
        return time_us - us > LATE_US
