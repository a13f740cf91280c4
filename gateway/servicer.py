"""GatewayService: commands on their way down to a station."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import grpc
from csms.gateway.v1 import gateway_service_pb2, gateway_service_pb2_grpc
from csms.station.v1 import command_service_pb2
from csms.transaction.v1.transaction_ingest_service_pb2 import TransactionEventItem

from gateway.connection.large_frames import run_in_thread
from gateway.connection.outbound_calls import station_offline
from gateway.connection.registry import Registry
from gateway.connection.session import Session
from gateway.message_translator import MessageTranslator
from gateway.ocpp.frames import Payload
from gateway.ocpp.schemas import SchemaFault, is_large
from gateway.ocpp.split_variables import with_limit
from gateway.ocpp.translation import CallFailure, Outbound, UnacceptableError
from gateway.websocket.station_sessions import StationSessions
from mesh.contract.quirk_names import QuirkName
from mesh.contract.structs import to_object
from mesh.contract.tenants import tenant_or_default
from mesh.grpc.types import Context
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError, invalid_field
from mesh.runtime.logs import get_logger

log = get_logger(__name__)

DEFAULT_TIMEOUT_S = 30.0
# Share of a command's time in which the station has to answer about its limit: the command is sent in any case.
LIMIT_SHARE = 0.25
LIMIT_TIMEOUT_S = 5.0


class GatewayServicer(gateway_service_pb2_grpc.GatewayServiceServicer):
    """Serves the mesh only."""

    def __init__(self, *, registry: Registry, sessions: StationSessions, translator: MessageTranslator) -> None:
        self._registry = registry
        self._sessions = sessions
        self._translator = translator

    async def Call(
        self, request: gateway_service_pb2.CallRequest, context: Context
    ) -> gateway_service_pb2.CallResponse:
        """Sends one command over the station's socket and waits for the answer."""
        del context
        session = self._registry.find((tenant_or_default(request.tenant_id), request.station_id), request.epoch)
        if session is None:
            self._sessions.note_missing(request.tenant_id, request.station_id, request.epoch)
            raise station_offline(f"station {request.station_id} is not connected")
        name = request.WhichOneof("command")
        if name is None:
            raise invalid_field("command", "is required")
        timeout_s = request.timeout.ToTimedelta().total_seconds() or DEFAULT_TIMEOUT_S
        command = getattr(request, name)
        if name == "send_call":
            return gateway_service_pb2.CallResponse(send_call=await _send_call(session, command, timeout_s))
        answer = await _carry_out(session, name, command, timeout_s)
        return gateway_service_pb2.CallResponse(**{name: answer})

    async def CloseSockets(
        self, request: gateway_service_pb2.CloseSocketsRequest, context: Context
    ) -> gateway_service_pb2.CloseSocketsResponse:
        """Closes the sockets that are named, in the background."""
        del context
        for reference in request.sockets:
            station = tenant_or_default(reference.tenant_id), reference.station_id
            session = self._registry.find(station, reference.epoch)
            if session is not None:
                if request.quirk:
                    session.reports.note_quirk(request.quirk)
                self._sessions.close_soon(session, request.close_code, request.reason)
        return gateway_service_pb2.CloseSocketsResponse()

    async def TranslateMessage(
        self, request: gateway_service_pb2.TranslateMessageRequest, context: Context
    ) -> gateway_service_pb2.TranslateMessageResponse:
        """Translates a message that an operator mended. Needs no station, and sends nothing."""
        del context
        item = self._translator.translate(request.ocpp_version, request.action, request.payload, request.origin)
        if isinstance(item, TransactionEventItem):
            return gateway_service_pb2.TranslateMessageResponse(transaction_event=item)
        return gateway_service_pb2.TranslateMessageResponse(meter_values=item)


async def _carry_out(session: Session, name: str, command: Any, timeout_s: float) -> Any:
    """A typed command: translated into one or more CALLs, and their answers back."""
    route = session.routes.outbound_for(name, command)
    if route is None:
        raise _not_in_version(session, name)
    payloads = _to_calls(session, route, command)
    if route.to_partial_answer is not None:
        return await _carry_out_in_parts(session, route, command, payloads, timeout_s)
    answers = [await _send_one(session, route, payload, timeout_s) for payload in payloads]
    try:
        return route.to_answer(command, answers)
    except UnacceptableError as error:
        raise _invalid_answer(session, f"{error.field}: {error}", error.code) from error


def _to_calls(session: Session, route: Outbound, command: Any) -> Sequence[Payload]:
    try:
        return route.to_calls(command)
    except UnacceptableError as error:
        raise invalid_field(error.field, str(error)) from error


async def _carry_out_in_parts(
    session: Session, route: Outbound, command: Any, payloads: Sequence[Payload], timeout_s: float
) -> Any:
    """A command whose answer may be of several CALLs; variables that are read have the station's limits beside them."""
    limit_answer = await _read_limit(session, route, command, timeout_s)
    if limit_answer is not None:
        command = with_limit(command, limit_answer)
        payloads = _to_calls(session, route, command)
    answer = _partial_answer(session, route, command, await _send_all(session, route, payloads, timeout_s))
    if isinstance(limit_answer, type(answer)):
        answer.results.extend([one for one in limit_answer.results if one not in answer.results])
    return answer


async def _read_limit(session: Session, route: Outbound, command: Any, timeout_s: float) -> Any:
    """The limit that the station states, where it has to be known first; None where it states none."""
    reading = None if route.to_limit_read is None else route.to_limit_read(command)
    if reading is None:
        return None
    reader = session.routes.outbound_for("get_variables", reading)
    assert reader is not None  # noqa: S101 - each version that has limits has it
    [payload] = reader.to_calls(reading)
    limit_timeout_s = min(timeout_s * LIMIT_SHARE, LIMIT_TIMEOUT_S)
    try:
        limit_answer: Any = reader.to_answer(reading, [await _send_one(session, reader, payload, limit_timeout_s)])
    except (MeshError, UnacceptableError) as error:
        log.info("limit of a station not read", station_id=session.connection.station_id, why=str(error))
        return None
    limited = with_limit(command, limit_answer)
    return limit_answer if limited.items_per_message or limited.bytes_per_message else None


async def _send_all(
    session: Session, route: Outbound, payloads: Sequence[Payload], timeout_s: float
) -> Sequence[Payload | CallFailure]:
    """An answer for each payload, or why there is none. Raises MeshError where none was answered.

    One that the station refuses leaves the others as they are; after any other failure nothing more is sent.
    """
    answers: list[Payload | CallFailure] = []
    first: MeshError | None = None
    for position, payload in enumerate(payloads):
        try:
            answers.append(await _send_one(session, route, payload, timeout_s))
        except MeshError as error:
            first = first or error
            answers.append(CallFailure(reason=error.reason, message=error.message))
            if error.reason is not Reason.CALL_ERROR:
                unsent = CallFailure(reason=Reason.NOT_SENT, message="not sent: the one before it failed")
                answers.extend([unsent] * (len(payloads) - position - 1))
                break
    if first is not None and all(isinstance(answer, CallFailure) for answer in answers):
        raise first
    return answers


def _partial_answer(session: Session, route: Outbound, command: Any, answers: Sequence[Payload | CallFailure]) -> Any:
    """The command's answer of those that came. One that has a value beyond its range is a failure of its own.

    Raises MeshError INVALID_ANSWER where no other is left.
    """
    to_answer = route.to_partial_answer
    assert to_answer is not None  # noqa: S101 - by whom it is called
    try:
        return to_answer(command, answers)
    except UnacceptableError as error:
        invalid = _invalid_answer(session, f"{error.field}: {error}", error.code)
    failure = CallFailure(reason=invalid.reason, message=invalid.message)

    def checked(position: int, answer: Payload | CallFailure) -> Payload | CallFailure:
        alone = [answer if other == position else failure for other in range(len(answers))]
        try:
            to_answer(command, alone)
        except UnacceptableError:
            return failure
        return answer

    readable = [checked(position, answer) for position, answer in enumerate(answers)]
    if all(isinstance(answer, CallFailure) for answer in readable):
        raise invalid
    return to_answer(command, readable)


async def _send_one(session: Session, route: Outbound, payload: Payload, timeout_s: float) -> Payload:
    _check_request(session, route.action, payload)
    try:
        answer = await session.call(route.action, payload, timeout_s=timeout_s)
    except MeshError as error:
        if (
            error.reason is Reason.CALL_TIMEOUT
            and route.silence_hint is not None
            and (hint := route.silence_hint(payload))
        ):
            raise MeshError(error.code, error.reason, f"{error.message}; {hint}", error.metadata) from error
        raise
    accept = partial(session.schemas.accept, source=answer.source)
    if is_large(answer.payload):
        accepted = await run_in_thread(accept, route.action, answer.payload, "response")
    else:
        accepted = accept(route.action, answer.payload, "response")
    if isinstance(accepted, SchemaFault):
        raise _invalid_answer(session, accepted.message, accepted.code)
    for quirk in accepted.quirks:
        session.reports.note_quirk(quirk)
    return accepted.payload


async def _send_call(
    session: Session, command: command_service_pb2.SendCallRequest, timeout_s: float
) -> command_service_pb2.SendCallResponse:
    """Any action, raw. The answer is returned as it came: the operator needs the station's own answer."""
    payload = to_object(command.payload)
    if command.action not in session.schemas.actions:
        raise _not_in_version(session, command.action)
    _check_request(session, command.action, payload)
    answer = (await session.call(command.action, payload, timeout_s=timeout_s)).payload
    response = command_service_pb2.SendCallResponse()
    if isinstance(answer, dict):
        try:
            if is_large(answer):
                await run_in_thread(response.payload.update, answer)
            else:
                response.payload.update(answer)
        except (OverflowError, ValueError) as error:
            session.reports.note_quirk(QuirkName.INVALID_ANSWER)
            raise MeshError(
                grpc.StatusCode.ABORTED,
                Reason.INVALID_ANSWER,
                "the station answered with a number that is too large for any of ours, or text that is none",
            ) from error
    return response


def _check_request(session: Session, action: str, payload: Payload) -> None:
    fault = session.schemas.check(action, "request", payload)
    if isinstance(fault, SchemaFault):
        raise MeshError(
            grpc.StatusCode.INVALID_ARGUMENT,
            Reason.INVALID_PAYLOAD,
            f"{action} of OCPP {session.routes.label} does not allow this: {fault.message}",
            {"ocpp_error_code": fault.code, "field": "payload"},
        )


def _invalid_answer(session: Session, what: str, code: str) -> MeshError:
    session.reports.note_quirk(QuirkName.INVALID_ANSWER)
    return MeshError(
        grpc.StatusCode.ABORTED,
        Reason.INVALID_ANSWER,
        f"the station answered, but not as OCPP {session.routes.label} has it: {what}",
        {"ocpp_error_code": code},
    )


def _not_in_version(session: Session, command: str) -> MeshError:
    return MeshError(
        grpc.StatusCode.UNIMPLEMENTED,
        Reason.NOT_IN_VERSION,
        f"the station speaks OCPP {session.routes.label}, which has no such command: {command}",
    )
