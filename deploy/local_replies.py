"""Answers that the front door gives itself, when no service does: one row per HTTP status."""

from dataclasses import dataclass

from google.rpc import code_pb2

from mesh.runtime.error_reasons import Reason


@dataclass(frozen=True, kw_only=True)
class LocalReply:
    """An answer of Envoy's own. `message` None leaves Envoy's own text, which names the fault of the request."""

    http: int
    rest_code: int  # google.rpc.Code in the JSON body
    reason: Reason
    message: str | None
    # google.rpc.Code that Envoy gives a gRPC caller for this HTTP status; None where none gets it.
    grpc_code: int | None = None


UNAVAILABLE = "the service behind this call is unavailable: try again"
LOCAL_REPLIES = (
    LocalReply(http=400, rest_code=code_pb2.INVALID_ARGUMENT, reason=Reason.INVALID_REQUEST, message=None),
    LocalReply(
        http=401,
        rest_code=code_pb2.UNAUTHENTICATED,
        grpc_code=code_pb2.UNAUTHENTICATED,
        reason=Reason.INVALID_TOKEN,
        message="this call needs a valid access token: log in, and send it as `authorization: Bearer ...`",
    ),
    LocalReply(
        http=403,
        rest_code=code_pb2.PERMISSION_DENIED,
        grpc_code=code_pb2.PERMISSION_DENIED,
        reason=Reason.FORBIDDEN,
        message="the access token was made for something else, or a WebSocket was asked for outside of /ocpp/",
    ),
    LocalReply(
        http=404,
        rest_code=code_pb2.NOT_FOUND,
        grpc_code=code_pb2.UNIMPLEMENTED,
        reason=Reason.UNKNOWN_PATH,
        message="there is nothing at this path, or not for this HTTP method (a path with a :verb is called by POST)",
    ),
    LocalReply(
        http=405,
        rest_code=code_pb2.UNIMPLEMENTED,
        reason=Reason.UNKNOWN_METHOD,
        message="this path does not serve this HTTP method",
    ),
    LocalReply(
        http=408,
        rest_code=code_pb2.DEADLINE_EXCEEDED,
        reason=Reason.TOO_SLOW,
        message="the request took too long to arrive",
    ),
    LocalReply(
        http=413, rest_code=code_pb2.INVALID_ARGUMENT, reason=Reason.TOO_LARGE, message="the body is larger than 1 MiB"
    ),
    LocalReply(
        http=415,
        rest_code=code_pb2.INVALID_ARGUMENT,
        reason=Reason.NOT_GRPC,
        message="this path speaks gRPC and gRPC-web only; REST is under /v1/",
    ),
    LocalReply(
        http=429,
        rest_code=code_pb2.RESOURCE_EXHAUSTED,
        grpc_code=code_pb2.RESOURCE_EXHAUSTED,
        reason=Reason.TOO_MANY_REQUESTS,
        message="too many requests from your address: try again in a second",
    ),
    LocalReply(
        http=431, rest_code=code_pb2.INVALID_ARGUMENT, reason=Reason.TOO_LARGE, message="the headers are too large"
    ),
    LocalReply(
        http=502,
        rest_code=code_pb2.UNAVAILABLE,
        grpc_code=code_pb2.UNAVAILABLE,
        reason=Reason.SERVICE_AWAY,
        message=UNAVAILABLE,
    ),
    LocalReply(
        http=503,
        rest_code=code_pb2.UNAVAILABLE,
        grpc_code=code_pb2.UNAVAILABLE,
        reason=Reason.SERVICE_AWAY,
        message=UNAVAILABLE,
    ),
    LocalReply(
        http=504,
        rest_code=code_pb2.DEADLINE_EXCEEDED,
        grpc_code=code_pb2.UNAVAILABLE,
        reason=Reason.NO_ANSWER_IN_TIME,
        message="the service behind this call did not answer in time; what it was asked may still be done",
    ),
)
