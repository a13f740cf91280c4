"""The form of translators: pure functions between an OCPP payload and the mesh's messages, one module per action.

A version (`v16`, …) is a table of them. They do no I/O and do not import grpc; the session carries out a translator's
plan by sending its items.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from csms.common.v1 import origin_pb2
from google.protobuf.message import Message

from gateway.ocpp.versions import OcppVersion
from mesh.runtime.error_reasons import AnyReason

Payload = dict[str, Any]
"""The payload of an OCPP message: a JSON object."""


class IngestRpc(StrEnum):
    """The ingest RPCs that a message may be sent to; each has a sink (batching/sinks.py)."""

    BOOTS = "boots"  # StationIngestService.NotifyBoots
    STATUSES = "statuses"  # StationIngestService.NotifyStatuses
    DATA_TRANSFERS = "data_transfers"  # StationIngestService.TransferData
    CERTIFICATES = "certificates"  # StationIngestService.RequestCertificates
    REPORTS = "reports"  # StationIngestService.NotifyReports
    BACKGROUND_REPORTS = "asides"  # the same, in the background: no answer waits for it
    AUTHORIZE = "authorize"  # AuthorizationService.Authorize
    CERTIFICATE_STATUSES = "certificate_statuses"  # CertificateExchangeService.GetCertificateStatuses
    CONTRACT_CERTIFICATES = "contract_certificates"  # CertificateExchangeService.CheckContractCertificates
    EV_CERTIFICATES = "ev_certificates"  # CertificateExchangeService.GetEvCertificates
    TRANSACTION_EVENTS = "transaction_events"  # TransactionIngestService.RecordTransactionEvents
    METER_VALUES = "meter_values"  # TransactionIngestService.RecordMeterValues
    AUTHORIZATIONS = "authorizations"  # TransactionIngestService.RecordAuthorizations
    OPEN_TRANSACTIONS = "open_transactions"  # TransactionIngestService.CountOpenTransactions
    EVSE_TRANSACTIONS = "evse_transactions"  # TransactionIngestService.FindEvseTransactions
    STATION_EVENTS = "station_events"  # TransactionIngestService.NotifyStationEvents, in the background


Items = Mapping[IngestRpc, Message]
"""Items to send, at most one by each RPC, all at once."""

Results = Mapping[IngestRpc, Message]
"""Results by RPC. One that the route names as optional may be missing: its service was unavailable."""


@dataclass(frozen=True, kw_only=True)
class QuarantineResponse:
    """The acknowledgement of a message about a transaction that goes into quarantine (docs/adr/0008).

    Its payload may be any JSON value at all. `to_questions(payload, origin)` returns the items for auth_svc,
    `to_response(payload, results)` the CALLRESULT's payload.
    """

    to_questions: Callable[[Any, origin_pb2.Origin], Items]
    to_response: Callable[[Any, Results], Payload]


def _no_questions(_payload: Any, _origin: origin_pb2.Origin) -> Items:
    return {}


def _nothing(_payload: Any, _results: Results) -> Payload:
    return {}


SILENT = QuarantineResponse(to_questions=_no_questions, to_response=_nothing)
"""For a message whose answer may be empty."""


@dataclass(frozen=True, kw_only=True)
class Inbound:
    """The handling of one action from a station.

    `to_items(payload, origin)` returns the items to send, by RPC; the payload is valid by the action's schema. It
    raises `UnacceptableError` for faults that no schema can express. None where the gateway answers by itself.
    `to_response(payload, results, now_us)` makes the CALLRESULT's payload, valid by the response's schema.
    `to_follow_up(payload, origin, results)` returns items to send once all results have arrived, and whose results are
    waited for before the station is answered; then `to_response` gets the results of both rounds. Empty items: none.
    `optional` RPCs may fail without failing the message. Messages about transactions are `durable`, and have a
    `quarantine_response`: they are answered only once they are committed, never with a CALLERROR because a service is
    unavailable; one that cannot be read is kept as it came. See docs/DESIGN.md, "When a service is unavailable".
    """

    to_items: Callable[[Payload, origin_pb2.Origin], Items] | None
    to_response: Callable[[Payload, Results, int], Payload]
    optional: frozenset[IngestRpc] = frozenset()
    quarantine_response: QuarantineResponse | None = None
    to_follow_up: Callable[[Payload, origin_pb2.Origin, Results], Items] | None = None

    @property
    def durable(self) -> bool:
        """Whether it is about a transaction, and must not be lost."""
        return self.quarantine_response is not None


@dataclass(frozen=True, kw_only=True)
class CallFailure:
    """Why one of several CALLs has no answer that can be used: a reason of CommandService, or NOT_SENT."""

    reason: AnyReason
    message: str


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """The handling of one command to a station.

    `to_calls(command)` returns the payloads of one or more CALLs of `action`, sent one after the other; it raises
    `UnacceptableError` where this OCPP version cannot express the command. `to_answer(command, payloads)` makes the
    answer from the CALLRESULTs. `silence_hint(payload)` returns a possible reason for a missing answer to such a CALL.
    `to_partial_answer` makes the answer where some of several CALLs failed; without it, one that fails fails the
    command. `to_limit_read(command)` is the GetVariables to carry out first, to read the station's limits for one CALL;
    None where the limits need not be known.
    """

    action: str
    to_calls: Callable[[Any], Sequence[Payload]]
    to_answer: Callable[[Any, Sequence[Payload]], Message]
    to_partial_answer: Callable[[Any, Sequence[Payload | CallFailure]], Message] | None = None
    silence_hint: Callable[[Payload], str] | None = None
    to_limit_read: Callable[[Any], Any | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Alternatives:
    """A command for which this OCPP version has several actions: `choose(command)` returns one of them."""

    outbounds: tuple[Outbound, ...]
    choose: Callable[[Any], Outbound]


@dataclass(frozen=True, kw_only=True)
class Routes:
    """The routes of one OCPP version: how each of its actions is handled."""

    ocpp: OcppVersion
    inbound: Mapping[str, Inbound]  # by action
    outbound: Mapping[str, Outbound | Alternatives]  # by field of csms.gateway.v1.CallRequest.command

    @property
    def label(self) -> str:
        """Of the version: "1.6", "2.0.1", "2.1"."""
        return self.ocpp.label

    def outbound_for(self, name: str, command: Message) -> Outbound | None:
        """The handling of this command; None where this version has no such command."""
        route = self.outbound.get(name)
        return route.choose(command) if isinstance(route, Alternatives) else route

    def outbounds(self) -> Iterator[tuple[str, Outbound]]:
        """Every way to carry out a command, with the command's name."""
        for name, route in self.outbound.items():
            for outbound in route.outbounds if isinstance(route, Alternatives) else (route,):
                yield name, outbound


class UnacceptableError(Exception):
    """A payload or command that its schema allows but that cannot be carried out.

    `code` is the OCPP error code for the station ("PropertyConstraintViolation", "OccurrenceConstraintViolation",
    …), `field` names the wrong field, the text has the reason.
    """

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.field = field
