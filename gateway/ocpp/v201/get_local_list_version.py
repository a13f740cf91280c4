"""GetLocalListVersion, D02."""

from collections.abc import Sequence

from csms.station.v1.local_list_pb2 import GetLocalListVersionRequest, GetLocalListVersionResponse

from gateway.ocpp.translation import Outbound, Payload

_MOST = 2**31 - 1


def to_calls(_command: GetLocalListVersionRequest) -> Sequence[Payload]:
    """A question without more to it."""
    return [{}]


def to_answer(_command: GetLocalListVersionRequest, payloads: Sequence[Payload]) -> GetLocalListVersionResponse:
    """The version, 0 where there is no list (D02.FR.02); none for a number below 0, as stations of 1.6 return it.

    A version beyond 32 bits, which the schema allows, cannot come from here: the largest number is returned in its
    place.
    """
    [payload] = payloads
    version = int(payload["versionNumber"])
    return GetLocalListVersionResponse(version_number=None if version < 0 else min(version, _MOST))


OUTBOUND = Outbound(action="GetLocalListVersion", to_calls=to_calls, to_answer=to_answer)
