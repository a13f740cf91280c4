"""The errors of each operation: those that the contract states, and those that any call may end with."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from csms.options.v1 import options_pb2

from deploy.openapi.comments import StatedErrors, stated_errors
from deploy.openapi.contract import Contract, Method
from deploy.openapi.schemas import reference
from mesh.runtime.error_reasons import Reason

Json = dict[str, Any]

# HTTP statuses of gRPC codes, as Envoy's transcoder has them.
HTTP_STATUS: Mapping[grpc.StatusCode, int] = {
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNKNOWN: 500,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.INTERNAL: 500,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DATA_LOSS: 500,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}
TITLES: Mapping[int, str] = {
    400: "The request cannot be served as it is",
    401: "The caller did not prove who it is",
    403: "The caller may not do this",
    404: "There is no such resource",
    408: "The request took too long to arrive",
    409: "The request is at odds with what is there",
    413: "The body is too large",
    429: "Too many requests, or a quota is used up",
    431: "The headers are too large",
    500: "A fault of the program",
    501: "The OCPP version of the station has no such command",
    503: "A part of the system is unavailable",
    504: "No answer came in time",
}
# Of every call: the services' own and the front door's.
_ANY_CALL: Mapping[int, tuple[Reason, ...]] = {
    429: (Reason.TOO_MANY_REQUESTS, Reason.TOO_MANY_CALLS),
    431: (Reason.TOO_LARGE,),
    500: (Reason.INTERNAL, Reason.UNKNOWN),
    503: (
        Reason.SERVICE_AWAY,
        Reason.SERVICE_STOPPING,
        Reason.DATABASE_UNAVAILABLE,
        Reason.CALLER_UNKNOWN,
        Reason.TENANTS_NOT_KNOWN,
    ),
    504: (Reason.NO_ANSWER_IN_TIME,),
}
# The names of responses in the components. One with other reasons than usual has a digest of them behind its name.
_NAMES: Mapping[int, str] = {
    400: "BadRequest",
    401: "Unauthenticated",
    403: "Forbidden",
    404: "NotFound",
    408: "TooSlow",
    409: "Conflict",
    413: "TooLarge",
    429: "TooManyRequests",
    431: "HeadersTooLarge",
    500: "InternalError",
    501: "NotInVersion",
    503: "Unavailable",
    504: "NoAnswerInTime",
}
_CREDENTIAL = (Reason.INVALID_TOKEN, Reason.INVALID_API_KEY)
_USUAL: Mapping[int, tuple[Reason, ...]] = {
    401: _CREDENTIAL,
    408: (Reason.TOO_SLOW,),
    413: (Reason.TOO_LARGE,),
    **_ANY_CALL,
    429: (*_ANY_CALL[429], Reason.TOO_MANY_ATTEMPTS),
}


class Errors:
    """The error responses of operations."""

    def __init__(self, contract: Contract) -> None:
        self._methods = {method.full_name: method for method in contract.methods}
        [commands] = {m.service.comment for m in contract.methods if m.service.short_name == "CommandService"}
        self._every_command = stated_errors(commands)
        self.components: Json = {}  # responses by their names, made as they are referred to

    def responses(self, method: Method, *, has_body: bool, has_path_parameters: bool) -> Json:
        """The responses of one operation but for its success, by status."""
        found = {status: list(reasons) for status, reasons in _ANY_CALL.items()}
        _add_all(found, _of_access(method))
        _add(found, 400, (Reason.INVALID_REQUEST, Reason.INVALID_FIELD))
        if has_body:
            _add_all(found, {400: (Reason.UNKNOWN_FIELD,), 408: (Reason.TOO_SLOW,), 413: (Reason.TOO_LARGE,)})
        if has_path_parameters or method.service.is_optional:
            _add(found, 404, (Reason.UNKNOWN_PATH,))
        for code, reasons in self.stated(method).items():
            _add(found, HTTP_STATUS[code], reasons)
        return {str(status): self._response(status, found[status]) for status in sorted(found)}

    def stated(self, method: Method) -> dict[grpc.StatusCode, list[Reason]]:
        """The errors that comments state of a method: its own, its service's, and those that they refer to."""
        found: dict[grpc.StatusCode, list[Reason]] = {}
        for errors in self._sources(method):
            for code, reasons in errors.reasons.items():
                known = found.setdefault(code, [])
                known += [reason for reason in reasons if reason not in known]
        return found

    def _response(self, status: int, reasons: Iterable[Reason]) -> Json:
        names = sorted(reason.value for reason in reasons)
        component = _NAMES[status]
        if set(names) != {reason.value for reason in _USUAL.get(status, ())}:
            component += "." + hashlib.sha256(" ".join(names).encode()).hexdigest()[:6]
        self.components[component] = _response(status, names)
        return {"$ref": f"#/components/responses/{component}"}

    def _sources(self, method: Method) -> Iterable[StatedErrors]:
        waiting, seen = [method], {method.full_name}
        of_service = stated_errors(method.service.comment)
        yield of_service
        of_every_command = of_service.of_every_command
        while waiting:
            own = stated_errors(waiting.pop().comment)
            yield own
            of_every_command |= own.of_every_command
            names = [f"{method.service.name}/{name}" for name in own.methods]
            waiting += [self._methods[name] for name in names if name not in seen]
            seen |= set(names)
        if of_every_command:
            yield self._every_command


def error_schemas() -> Json:
    """The schemas of an error's body (AIP-193), for the document's components."""
    info = {
        "type": "object",
        "description": "The reason of an error, for programs: google.rpc.ErrorInfo.",
        "properties": {
            "@type": {"const": "type.googleapis.com/google.rpc.ErrorInfo"},
            "reason": reference("Reason"),
            "domain": {"type": "string", "examples": ["csms"]},
            "metadata": {
                "type": "object",
                "description": "Further values, such as `field`, or `retry_after_s`: the seconds to wait.",
                "additionalProperties": {"type": "string"},
            },
        },
        "required": ["@type", "reason", "domain"],
    }
    error = {
        "type": "object",
        "description": "An error: google.rpc.Status. The first of the details is the ErrorInfo.",
        "properties": {
            "code": {"type": "integer", "description": "The number of the gRPC code."},
            "message": {"type": "string", "description": "The fault, its place and the remedy, for people."},
            "details": {
                "type": "array",
                "items": reference("google.protobuf.Any"),
                "contains": reference("ErrorInfo"),
            },
        },
        "required": ["code", "message", "details"],
    }
    reason = {
        "type": "string",
        "description": "A reason never changes its meaning. Later releases have further ones.",
        "examples": [Reason.STATION_NOT_FOUND.value],
        "x-reasonDescriptions": {each.value: each.description for each in Reason},
        "x-reasonRetries": {each.value: each.retry.name for each in Reason},
    }
    return {"Error": error, "ErrorInfo": info, "Reason": reason}


def _of_access(method: Method) -> dict[int, tuple[Reason, ...]]:
    """The errors that follow from the callers that a method serves."""
    access = method.access
    if access.WhichOneof("rule") == "public_access":
        ignores = access.public_access == options_pb2.PUBLIC_ACCESS_IGNORE_INVALID_TOKEN
        return {} if ignores else {401: _CREDENTIAL, 403: (Reason.TENANT_SUSPENDED,), 429: (Reason.TOO_MANY_ATTEMPTS,)}
    found: dict[int, tuple[Reason, ...]] = {
        401: _CREDENTIAL,
        403: (Reason.ROLE_TOO_LOW, Reason.TENANT_SUSPENDED, Reason.FORBIDDEN),
        429: (Reason.TOO_MANY_ATTEMPTS,),
    }
    if access.scope == options_pb2.SCOPE_RULE_TENANT:
        found[403] += (Reason.SCOPE_TOO_NARROW,)
    if access.scope in {options_pb2.SCOPE_RULE_STATION, options_pb2.SCOPE_RULE_STATION_OR_ALL}:
        found[404] = (Reason.STATION_NOT_FOUND,)
    return found


def _add_all(found: dict[int, list[Reason]], more: Mapping[int, Iterable[Reason]]) -> None:
    for status, reasons in more.items():
        _add(found, status, reasons)


def _add(found: dict[int, list[Reason]], status: int, reasons: Iterable[Reason]) -> None:
    known = found.setdefault(status, [])
    known += [reason for reason in reasons if reason not in known]


def _response(status: int, names: list[str]) -> Json:
    lines = "\n".join(f"- `{name}`: {Reason[name].description}" for name in names)
    info = {"properties": {"reason": {"enum": names}}, "required": ["reason"]}
    only = {"properties": {"details": {"contains": info}}}
    content: Json = {"schema": {"allOf": [reference("Error"), only]}}
    return {"description": f"{TITLES[status]}:\n\n{lines}", "content": {"application/json": content}}
