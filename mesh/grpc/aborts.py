"""The end of a failed call: a google.rpc.Status for programs and people."""

import secrets

import grpc
from grpc_status import rpc_status

from mesh.grpc.types import Context
from mesh.runtime.error_reasons import Reason
from mesh.runtime.errors import MeshError
from mesh.runtime.logs import get_logger

log = get_logger(__name__)


async def abort(context: Context, method: str, error: Exception) -> None:
    """Ends a call with the status of `error`; an unexpected error is logged, and the caller gets no details."""
    if isinstance(error, grpc.aio.AbortError):
        raise error
    await context.abort_with_status(rpc_status.to_status(for_caller(method, error).to_status()))


def for_caller(method: str, error: Exception) -> MeshError:
    """An error as the caller may see it; an unexpected one is logged, and has the number of its log line."""
    if isinstance(error, MeshError):
        return error
    incident = secrets.token_hex(4)
    log.error("call failed", method=method, incident=incident, exc_info=error)
    return MeshError(
        grpc.StatusCode.INTERNAL,
        Reason.INTERNAL,
        f"this should not have happened; the service's log has it as incident {incident}",
        {"incident": incident},
    )
