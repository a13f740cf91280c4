"""Answers the CALLs of one station from the results of the services.

Sans-I/O: it turns a plan and its results into the payload of a CALLRESULT, or a `RefusalError`.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from csms.station.v1.station_ingest_service_pb2 import BootResult
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventResult
from google.protobuf.message import Message

from gateway.connection.inbound_call_plans import CallPlan, QuarantinePlan, RoutedPlan
from gateway.connection.refusal import INTERNAL_ERROR, SECURITY_ERROR, RefusalError
from gateway.connection.registration import Registration
from gateway.ocpp.frames import Payload
from gateway.ocpp.translation import IngestRpc, Results
from mesh.contract.quirk_names import QuirkName
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, from_status
from mesh.runtime.logs import get_logger
from mesh.runtime.times import Clock

log = get_logger(__name__)

# Items beside a message, which is answered without their results.
_ASKED_BESIDE = frozenset({IngestRpc.AUTHORIZATIONS, IngestRpc.OPEN_TRANSACTIONS})


class CallAnswers:
    """Makes answers; the station's registration follows from those to its boots."""

    def __init__(
        self,
        *,
        station_id: str,
        registration: Registration,
        clock: Clock,
        count: Callable[[str, str], None],
        note_quirk: Callable[[str], None],
    ) -> None:
        self._station_id = station_id
        self._registration = registration
        self._clock = clock
        self._count = count
        self._note_quirk = note_quirk

    def to_payload(self, plan: CallPlan, results: Results) -> Payload:
        """The payload of the CALLRESULT. Raises RefusalError where the CALL is to be refused.

        Results of the plan's optional RPCs may be missing.
        """
        if not isinstance(plan, RoutedPlan):
            return self._from_quarantine(plan, results) if isinstance(plan, QuarantinePlan) else plan.response
        if plan.earlier is not None:
            results = {**plan.earlier, **results}
        if plan.if_not_accepted is not None and _is_not_accepted(results):
            return self._from_quarantine(plan.if_not_accepted, results)
        for quirk in plan.quirks:
            self._note_quirk(quirk)
        route = plan.route
        if results:
            self._check(results, durable=route.quarantine_response is not None)
        return route.to_response(plan.payload, results, self._clock())

    def _from_quarantine(self, plan: QuarantinePlan, results: Results) -> Payload:
        self._check(results, durable=True)
        if plan.response is None:
            raise RefusalError(plan.fault.code, plan.fault.message)
        return plan.response.to_response(plan.payload, results)

    def _check(self, results: Results, *, durable: bool) -> None:
        for name, result in results.items():
            if result.HasField("error"):
                self._note_refused_item(name, result, durable=durable)
            elif _has_quirks(type(result)):  # type: ignore[arg-type]
                for quirk in result.quirks:  # type: ignore[attr-defined]
                    self._note_quirk(quirk)
        boot = results.get(IngestRpc.BOOTS)
        if isinstance(boot, BootResult):
            self._registration.on_boot_answered(boot)

    def _note_refused_item(self, name: IngestRpc, result: Message, *, durable: bool) -> None:
        error = from_status(result.error)  # type: ignore[attr-defined]
        log.warning("item refused", lane=name, station_id=self._station_id, reason=error.reason)
        self._count("item_refused", name)
        if name in _ASKED_BESIDE:
            return
        # A message about a transaction that failed for its content is kept by its service, and acknowledged: see
        # docs/DESIGN.md, "When a service is unavailable".
        if not durable:
            raise _refusal(error)
        if name is not IngestRpc.AUTHORIZE and not _is_not_kept(result):
            self._note_quirk(QuirkName.MESSAGE_QUARANTINED)


@cache  # a check for a field that a message lacks costs a microsecond
def _has_quirks(kind: type[Message]) -> bool:
    return "quirks" in kind.DESCRIPTOR.fields_by_name


def _is_not_kept(result: Any) -> bool:
    """Whether there was no room in quarantine for an item that was refused."""
    return from_status(result.error).reason is Reason.QUARANTINE_FULL


def _is_not_accepted(results: Results) -> bool:
    """Whether transaction_svc did not record the event because its station is not accepted."""
    result = results[IngestRpc.TRANSACTION_EVENTS]
    assert isinstance(result, TransactionEventResult)  # noqa: S101 - this RPC gives nothing else
    return result.HasField("error") and from_status(result.error).metadata.get("cause") == Reason.STATION_NOT_ACCEPTED


def _refusal(error: MeshError) -> RefusalError:
    """The CALLERROR of an item that was refused. A fault of the station's own proof is named (B01.FR.12 of 2.0.1)."""
    if error.reason is Reason.SERIAL_NUMBER_WRONG:
        return RefusalError(SECURITY_ERROR, error.message)
    return RefusalError(INTERNAL_ERROR, "the message could not be stored")
