"""Errors that cross a process boundary: a gRPC code, a reason for programs, a sentence for people (AIP-193)."""

from collections.abc import Mapping

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from mesh.runtime.error_reasons import AnyReason, Reason, reason_of

DOMAIN = "csms"


class MeshError(Exception):
    """An error as a caller sees it.

    `reason` is part of the contract (mesh/runtime/error_reasons.py); `message` names the fault, its place and the
    remedy, and has no internals; `metadata` has further values for programs.
    """

    def __init__(
        self, code: grpc.StatusCode, reason: AnyReason, message: str, metadata: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})

    def to_status(self) -> status_pb2.Status:
        """As google.rpc.Status with an ErrorInfo: what batches carry per item, and the details of a failed RPC."""
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=self.metadata)
        details = [_pack(info)]
        if field := self.metadata.get("field"):
            violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=self.message)
            details.append(_pack(error_details_pb2.BadRequest(field_violations=[violation])))
        if seconds := self.metadata.get("retry_after_s"):
            delay = duration_pb2.Duration(seconds=int(seconds))
            details.append(_pack(error_details_pb2.RetryInfo(retry_delay=delay)))
        return status_pb2.Status(code=self.code.value[0], message=self.message, details=details)


def invalid_field(field: str, message: str) -> MeshError:
    """INVALID_ARGUMENT with reason INVALID_FIELD for one field of a request, named by its path."""
    return MeshError(grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, f"{field}: {message}", {"field": field})


def unavailable(reason: Reason, message: str) -> MeshError:
    """UNAVAILABLE: nothing was done, and trying again later may help."""
    return MeshError(grpc.StatusCode.UNAVAILABLE, reason, message)


def from_status(status: status_pb2.Status) -> MeshError:
    """The error for a google.rpc.Status. The status's code must not be OK."""
    reason: AnyReason = Reason.UNKNOWN
    metadata: dict[str, str] = {}
    for detail in status.details:
        info = error_details_pb2.ErrorInfo()
        if detail.Is(info.DESCRIPTOR) and detail.Unpack(info):
            reason, metadata = reason_of(info.reason), dict(info.metadata)
    return MeshError(_CODES.get(status.code, grpc.StatusCode.UNKNOWN), reason, status.message, metadata)


def from_rpc_error(error: grpc.RpcError) -> MeshError:
    """The error for a failed call; an error of the transport itself keeps its code, reason UNKNOWN.

    Where the other process refused this one as a caller, the code is UNAVAILABLE: nothing was done, the caller of this
    process has no part in it, and a new key or the right clock mends it.
    """
    assert isinstance(error, grpc.Call | grpc.aio.AioRpcError)  # noqa: S101 - as errors of calls are
    status = rpc_status.from_call(error)
    if status is None:
        return MeshError(error.code(), Reason.UNKNOWN, error.details() or error.code().name)
    known = from_status(status)
    if known.reason in (Reason.INVALID_MESH_TOKEN, Reason.CALLER_NOT_ALLOWED):
        return MeshError(grpc.StatusCode.UNAVAILABLE, known.reason, known.message)
    return known


_CODES = {code.value[0]: code for code in grpc.StatusCode}


def _pack(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
