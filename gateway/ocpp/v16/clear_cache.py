"""ClearCache, 1.6 section 5.4."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import ClearCacheRequest, ClearCacheResponse

from gateway.ocpp.enums import CLEAR_CACHE_STATUSES
from gateway.ocpp.translation import Outbound, Payload


def to_calls(_command: ClearCacheRequest) -> Sequence[Payload]:
    """One CALL with an empty payload."""
    return [{}]


def to_answer(_command: ClearCacheRequest, payloads: Sequence[Payload]) -> ClearCacheResponse:
    """Whether it did."""
    [payload] = payloads
    return ClearCacheResponse(status=CLEAR_CACHE_STATUSES[payload["status"]])


OUTBOUND = Outbound(action="ClearCache", to_calls=to_calls, to_answer=to_answer)
