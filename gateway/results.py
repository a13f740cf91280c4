"""Reading what came back from the lanes. The same for every OCPP version."""

from typing import TypeVar

from csms.auth.v1.authorization_service_pb2 import AuthorizeResult
from csms.common.v1.id_token_pb2 import IdTokenInfo
from google.protobuf.message import Message

from gateway.translation import LaneName, Results

M = TypeVar("M", bound=Message)


def result_of(results: Results, lane: LaneName, kind: type[M]) -> M:
    """The result of a lane that the route does not name as optional."""
    result = results[lane]
    if not isinstance(result, kind):
        raise TypeError(f"{lane} returned {type(result).__name__}, not {kind.__name__}")
    return result


def authorization(results: Results) -> IdTokenInfo | None:
    """What auth_svc said of the id token; None where it was not asked, was away, or could not say."""
    result: Message | None = results.get(LaneName.AUTHORIZE)
    if not isinstance(result, AuthorizeResult) or result.HasField("error"):
        return None
    return result.id_token_info
