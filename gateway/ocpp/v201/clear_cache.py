"""ClearCache, C11."""

from collections.abc import Sequence

from csms.station.v1.command_service_pb2 import ClearCacheRequest, ClearCacheResponse

from gateway.ocpp.enums import CLEAR_CACHE_STATUSES
from gateway.ocpp.translation import Outbound, Payload
from gateway.ocpp.v2.parts import status_info


def to_calls(_command: ClearCacheRequest) -> Sequence[Payload]:
    """One CALL with an empty payload."""
    return [{}]


def to_answer(_command: ClearCacheRequest, payloads: Sequence[Payload]) -> ClearCacheResponse:
    """Whether it did."""
    [payload] = payloads
    return ClearCacheResponse(status=CLEAR_CACHE_STATUSES[payload["status"]], status_info=status_info(payload))


OUTBOUND = Outbound(action="ClearCache", to_calls=to_calls, to_answer=to_answer)
