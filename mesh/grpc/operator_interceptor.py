"""Checks each call of an operator service first: who calls, whether they may, whether the request is whole."""

from collections.abc import Callable, Mapping
from typing import Any

import grpc
from csms.options.v1 import options_pb2
from google.protobuf.message import DecodeError, Message

from mesh.contract.requests import check_request
from mesh.grpc.aborts import abort, for_caller
from mesh.grpc.call_limits import CallLimits
from mesh.grpc.call_watch import CallWatch, note_success, read_acting
from mesh.grpc.open_streams import OpenStreams
from mesh.grpc.station_scopes import ALL_STATIONS, StationScopes, check_station, scope_too_narrow
from mesh.grpc.types import Context, Continuation, Handler
from mesh.identity.acting import Acting, begin_acting
from mesh.identity.caller_directory import Credential, set_credential
from mesh.identity.callers import (
    CREDENTIAL_NEEDED,
    current_caller,
    current_scope,
    set_caller,
    unauthenticated,
)
from mesh.identity.operator_access import OperatorAccess
from mesh.identity.permissions import MethodRule, scope_of
from mesh.identity.sources import Sources, set_source
from mesh.identity.tickets import Tickets
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.startup_errors import ContractError

_HEALTH, _REFLECTION = "/grpc.health.v1.Health/", "/grpc.reflection."
# Reflection's own contract states no access: it serves each caller with an access token.
_REFLECTION_RULE = MethodRule(permission=options_pb2.PERMISSION_OWN_ACCOUNT, scope=options_pb2.SCOPE_RULE_CALLER)

# The rules by which a request may name one station.
_OF_STATIONS = frozenset({options_pb2.SCOPE_RULE_STATION, options_pb2.SCOPE_RULE_STATION_OR_ALL})
# Stands for a request that cannot be parsed.
_UNREADABLE = object()
# Stands for the end of a stream's responses.
_END = object()

LastWords = Mapping[str, Callable[[MeshError], Any]]
"""By method, the last response of a stream that fails after it has begun.

REST callers need it: the front door has sent their status by then.
"""


class OperatorInterceptor(grpc.aio.ServerInterceptor):
    """Authenticates, authorizes and checks each call, and converts errors to a google.rpc.Status.

    `rules` are those of each method that is served, from the contract (mesh/identity/permissions.py); a method without
    one is not served. `scopes` has where stations stand, for methods about one of them. `sources` reads where a call
    comes from, and `limits` refuses those that are too many. Health needs no token, and reflection none where it is
    `reflection_open`. `audits` has the trace that each method leaves in the audit, and `watch` counts calls that
    leave none in a transaction. `tickets` are of methods that take one.
    """

    def __init__(
        self,
        *,
        access: OperatorAccess,
        rules: Mapping[str, MethodRule],
        sources: Sources,
        limits: CallLimits,
        scopes: StationScopes | None = None,
        reflection_open: bool = False,
        audits: Mapping[str, options_pb2.Audit.ValueType] | None = None,
        watch: CallWatch | None = None,
        tickets: Tickets | None = None,
        last_words: LastWords | None = None,
    ) -> None:
        unserved = [method for method, rule in rules.items() if rule.scope in _OF_STATIONS]
        if scopes is None and unserved:
            raise ContractError(f"nothing here knows where the stations of {unserved[0][1:]} stand")
        if tickets is None and any(rule.takes_ticket for rule in rules.values()):
            raise ContractError("a method takes tickets, and nothing here knows any")
        self._access = access
        self._streams = OpenStreams(access=access)
        self._rules = rules
        self._audits = audits or {}
        self._watch = watch
        self._sources = sources
        self._limits = limits
        self._scopes = scopes
        self._tickets = tickets
        self._last_words = last_words or {}
        self._open_prefixes = (_HEALTH, _REFLECTION) if reflection_open else (_HEALTH,)
        self._handlers: dict[str, Handler] = {}  # the handlers that wrap the methods' own, made once

    async def intercept_service(
        self,
        continuation: Continuation,
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Returns the handler of one call; None if there is no such method, or no rule for it."""
        method = handler_call_details.method
        known = self._handlers.get(method)
        if known is not None:
            return known
        handler = await continuation(handler_call_details)
        if handler is None or method.startswith(self._open_prefixes):
            return handler
        rule = _REFLECTION_RULE if method.startswith(_REFLECTION) else self._rules.get(method)
        if rule is None:
            return None
        guarded = self._handlers[method] = self._guarded(method, rule, handler)
        return guarded

    def _guarded(self, method: str, rule: MethodRule, handler: Handler) -> Handler:
        parse = _parser(handler.request_deserializer)
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(
                self._wrap_unary(method, rule, handler.unary_unary), parse, handler.response_serializer
            )
        if handler.stream_stream is not None:  # reflection is the only one: its servicer checks the requests
            return grpc.stream_stream_rpc_method_handler(
                self._wrap_stream(method, rule, handler.stream_stream),
                handler.request_deserializer,
                handler.response_serializer,
            )
        return grpc.unary_stream_rpc_method_handler(
            self._wrap_stream(method, rule, handler.unary_stream), parse, handler.response_serializer
        )

    def _wrap_unary(self, method: str, rule: MethodRule, behaviour: Any) -> Any:
        async def serve(request: Any, context: Context) -> Any:
            acting = self._begin(method, context)
            try:
                await self._admit(rule, request, context)
                with self._limits.call(method):
                    response = await behaviour(request, context)
            except Exception as error:
                self._limits.note(error)
                self._end(method, acting, error)
                await abort(context, method, error)
            else:
                self._end(method, acting)
                return response

        return serve

    def _wrap_stream(self, method: str, rule: MethodRule, behaviour: Any) -> Any:
        async def serve(request: Any, context: Context) -> Any:
            acting, has_begun = self._begin(method, context), False
            try:
                credential = await self._admit(rule, request, context)
                with self._limits.stream(method), self._streams.open(credential, rule, current_scope()) as stream:
                    self._end(method, acting)  # what it streams may last for days
                    responses = aiter(behaviour(request, context))
                    while True:
                        with stream.waiting():
                            response = await anext(responses, _END)
                        if response is _END:
                            return
                        yield response
                        has_begun = True
            except Exception as error:
                self._limits.note(error)
                self._end(method, acting, error)
                failure = error if isinstance(error, grpc.aio.AbortError) else for_caller(method, error)
                if has_begun and method in self._last_words and isinstance(failure, MeshError):
                    yield self._last_words[method](failure)
                await abort(context, method, failure)

        return serve

    def _begin(self, method: str, context: Context) -> Acting:
        set_caller(None)
        source = self._sources.read(context.invocation_metadata() or (), context.peer)
        set_source(source)
        acting = read_acting(method, context, address=source.address)
        begin_acting(acting)
        return acting

    def _end(self, method: str, acting: Acting, error: Exception | None = None) -> None:
        audit = self._audits.get(method, options_pb2.AUDIT_NONE)
        if error is None:
            note_success(acting, audit)
        if self._watch is not None:
            self._watch.ended(acting, audit, error)

    async def _admit(self, rule: MethodRule, request: Any, context: Context) -> Credential | None:
        """Sets the caller of the present call, and returns the credential. Raises MeshError for a call that may not."""
        credential = await self._identify(rule, request, context)
        if credential is None and rule.permission is not None:
            raise unauthenticated(CREDENTIAL_NEEDED)
        if request is _UNREADABLE:
            raise MeshError(
                grpc.StatusCode.INVALID_ARGUMENT,
                Reason.INVALID_REQUEST,
                "the request cannot be read: it is no message of this method's type, or a text in it is not UTF-8",
            )
        if isinstance(request, Message):  # else it is a stream of them
            check_request(request)
        await self._check_scope(rule, request)
        return credential

    async def _check_scope(self, rule: MethodRule, request: Any) -> None:
        """Raises MeshError where the scope of the caller's permission does not cover the request."""
        scope = current_scope()
        if scope.is_whole:
            return
        if rule.scope == options_pb2.SCOPE_RULE_TENANT:
            raise scope_too_narrow()
        if rule.scope == options_pb2.SCOPE_RULE_STATION_OR_ALL and request.station_id == ALL_STATIONS:
            return  # the method shows what is within the scope
        if rule.scope in _OF_STATIONS and self._scopes is not None:
            await check_station(self._scopes, request, current_caller().tenant_id, scope)

    async def _identify(self, rule: MethodRule, request: Any, context: Context) -> Credential | None:
        set_caller(None)
        try:
            credential = await self._credential(rule, request, context)
            set_credential(credential)
            if credential is None:
                return None
            caller = await self._access.caller(credential)
        except MeshError as error:
            if rule.ignores_invalid_token and error.code is grpc.StatusCode.UNAUTHENTICATED:
                return None
            raise
        set_caller(caller)  # the audit names a caller who is refused, too
        if rule.permission is not None:
            set_caller(caller, scope_of(caller, rule.permission))
        return credential

    async def _credential(self, rule: MethodRule, request: Any, context: Context) -> Credential | None:
        credential = await self._access.credential(context.invocation_metadata())
        ticket = request.ticket if rule.takes_ticket and request is not _UNREADABLE else ""
        if not ticket or self._tickets is None:
            return credential
        if credential is not None:
            raise unauthenticated("send a ticket, or an access token or an API key, not both")
        return await self._tickets.redeem(ticket)


def _parser(parse: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    """`parse`, with _UNREADABLE for an unreadable request: grpc would answer INTERNAL, with the exception's text."""

    def parse_or_not(data: bytes) -> Any:
        try:
            return data if parse is None else parse(data)
        except DecodeError:
            return _UNREADABLE

    return parse_or_not
