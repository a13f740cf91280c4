"""The operations of the document: one for each REST binding of each method."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from csms.options.v1 import options_pb2
from google.api.http_pb2 import HttpRule

from deploy.openapi.comments import description, summary
from deploy.openapi.contract import Contract, Field, Message, Method
from deploy.openapi.errors import Errors
from deploy.openapi.examples import Examples
from deploy.openapi.http_bodies import HTTP_BODIES
from deploy.openapi.schemas import Schemas
from mesh.identity.permissions import permission_name

Json = dict[str, Any]

_PLACE = re.compile(r"\{([^}=]+)[^}]*\}")
_VALUE_TYPES = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration", "google.protobuf.FieldMask"})
TICKET = "ticket"
SIGNED_IN: list[Json] = [{"accessToken": []}, {"apiKey": []}]
_LAST_EVENT_ID: Json = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The `id` of the last event that was received; browsers send it when they connect again.",
    "schema": {"type": "string", "pattern": "^[0-9]*$"},
}
# Parameters of HTTP that are no fields of the request.
_HEADERS: Mapping[str, list[Json]] = {"csms.event.v1.EventService/StreamEvents": [_LAST_EVENT_ID]}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A field of a request that stands in the path or the query, by its path from the request."""

    path: str  # names of the contract: user.username
    field: Field

    @property
    def name(self) -> str:
        """Its name in a query."""
        return ".".join(_camel(part) for part in self.path.split("."))

    @property
    def place(self) -> str:
        """Its name in the path of the document: without what is before the last dot."""
        return self.name.rpartition(".")[2]


class Operations:
    """Makes operations, and with them the schemas that they need."""

    def __init__(self, contract: Contract, schemas: Schemas) -> None:
        self._contract = contract
        self._schemas = schemas
        self.errors = Errors(contract)
        self._examples = Examples(contract)

    def paths(self) -> dict[str, Json]:
        """All operations by path and HTTP method."""
        found: dict[str, Json] = {}
        for method in self._contract.rest_methods:
            for number, rule in enumerate(method.bindings, start=1):
                verb = rule.WhichOneof("pattern") or ""
                path = _PLACE.sub(lambda match: "{" + _place(match[1]) + "}", getattr(rule, verb))
                item = found.setdefault(path, {})
                item[verb] = self._operation(method, rule, number)
        return dict(sorted(found.items()))

    def _operation(self, method: Method, rule: HttpRule, number: int) -> Json:
        request = self._contract.messages[method.request]
        in_path = list(self._in_path(request, getattr(rule, rule.WhichOneof("pattern") or "")))
        in_query = [] if rule.body == "*" else list(self._in_query(request, in_path, rule.body))
        parameters = [
            *(self._path_parameter(each) for each in in_path),
            *(self._query_parameter(method, each) for each in in_query),
            *_HEADERS.get(method.full_name, ()),
        ]
        operation: Json = {
            "operationId": f"{method.service.short_name}_{method.name}" + (f"_{number}" if number > 1 else ""),
            "tags": [method.service.short_name],
            "summary": summary(method.comment),
            "description": description(method.comment),
            **({"parameters": parameters} if parameters else {}),
            **self._request_body(method, request, rule, in_path),
            "responses": {
                "200": self._success(method, rule),
                **self.errors.responses(method, has_body=bool(rule.body), has_path_parameters=bool(in_path)),
            },
            "security": security(method),
            "x-grpc-method": method.full_name,
            **_access(method),
        }
        return operation

    def _in_path(self, request: Message, path: str) -> Iterator[Parameter]:
        for found in _PLACE.finditer(path):
            yield Parameter(path=found[1], field=self._field(request, found[1]))

    def _field(self, message: Message, path: str) -> Field:
        first, _, rest = path.partition(".")
        [field] = (field for field in message.fields if field.name == first)
        return self._field(self._contract.messages[field.type_name], rest) if rest else field

    def _in_query(self, request: Message, in_path: list[Parameter], body: str) -> Iterator[Parameter]:
        bound = {each.path for each in in_path}
        for each in self._leaves(request, ""):
            # A ticket is how a caller proves who it is: a security scheme of the document.
            if each.path not in bound and each.path.partition(".")[0] != body and each.path != TICKET:
                yield each

    def _leaves(self, message: Message, before: str) -> Iterator[Parameter]:
        for field in message.fields:
            if not field.is_message or field.type_name in _VALUE_TYPES:
                yield Parameter(path=before + field.name, field=field)
            elif not field.is_repeated and not field.type_name.startswith("google."):
                yield from self._leaves(self._contract.messages[field.type_name], f"{before}{field.name}.")

    def _path_parameter(self, each: Parameter) -> Json:
        return {
            "name": each.place,
            "in": "path",
            "required": True,
            "description": description(each.field.comment),
            "schema": self._schemas.of_parameter(each.field) | {"minLength": 1},
            "example": self._examples.in_path(each.field),
        }

    def _query_parameter(self, method: Method, each: Parameter) -> Json:
        example = self._examples.parameter(method, each.field)
        return {
            "name": each.name,
            "in": "query",
            **({"required": True} if each.field.is_required else {}),
            "description": description(each.field.comment),
            "schema": self._schemas.of_parameter(each.field),
            **({} if example is None else {"example": example}),
        }

    def _request_body(self, method: Method, request: Message, rule: HttpRule, in_path: list[Parameter]) -> Json:
        if not rule.body:
            return {}
        if rule.body == "*":
            without = frozenset(each.path for each in in_path)
            message, schema = request, self._schemas.body(request, without)
        else:
            [field] = (field for field in request.fields if field.name == rule.body)
            without = frozenset(each.path.rpartition(".")[2] for each in in_path)
            message = self._contract.messages[field.type_name]
            schema = self._schemas.resource(message, without)
        example = self._examples.request(method, message, without)
        content = {"application/json": {"schema": schema, "example": example}}
        return {"requestBody": {"required": bool(schema.get("required")), "content": content}}

    def _success(self, method: Method, rule: HttpRule) -> Json:
        body = HTTP_BODIES.get(method.full_name)
        if body is not None:
            content: Json = {body.media_type: {"schema": body.schema, "example": body.example}}
            return {"description": "The answer is not a message but a text of this form.", "content": content}
        message = self._contract.messages[method.response]
        if rule.response_body:
            [field] = (field for field in message.fields if field.name == rule.response_body)
            message = self._contract.messages[field.type_name]
        schema, example = self._schemas.of_answer(message.name), self._examples.answer(method, message)
        text = description(self._contract.messages[message.name].comment)
        return {"description": text, "content": {"application/json": {"schema": schema, "example": example}}}


def security(method: Method) -> list[Json]:
    """The ways to prove who calls; an empty one is of callers that do not."""
    if method.full_name == "csms.event.v1.EventService/StreamEvents":
        return [*SIGNED_IN, {TICKET: []}]
    access = method.access
    if access.WhichOneof("rule") == "permission":
        return SIGNED_IN
    ignores = access.public_access == options_pb2.PUBLIC_ACCESS_IGNORE_INVALID_TOKEN
    return [] if ignores else [{}, *SIGNED_IN]


def _access(method: Method) -> Json:
    access, audit = method.access, options_pb2.Audit.Name(method.audit).removeprefix("AUDIT_")
    if access.WhichOneof("rule") == "public_access":
        return {"x-public": True, "x-audit": audit}
    scope = options_pb2.ScopeRule.Name(access.scope).removeprefix("SCOPE_RULE_")
    return {"x-permission": permission_name(access.permission), "x-scope": scope, "x-audit": audit}


def _place(path: str) -> str:
    return _camel(path.rpartition(".")[2])


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
