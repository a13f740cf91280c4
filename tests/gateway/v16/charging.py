"""Charging profiles for the tests of 1.6's translators."""

from typing import Any

from csms.station.v1 import charging_profile_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

FROM = Timestamp(seconds=1_760_000_000)
FROM_TEXT = "2025-10-09T08:53:20.000Z"
TO = Timestamp(seconds=1_760_003_600, nanos=500_000_000)
TO_TEXT = "2025-10-09T09:53:20.500Z"


def schedule(*periods: pb.ChargingSchedulePeriod, **more: Any) -> pb.ChargingSchedule:
    """A schedule in amperes; one period of 16 A where none is given."""
    fields = {"charging_rate_unit": pb.CHARGING_RATE_UNIT_AMPERES, **more}
    return pb.ChargingSchedule(periods=periods or [pb.ChargingSchedulePeriod(limit=16)], **fields)


def profile(**more: Any) -> pb.ChargingProfile:
    """A profile that 1.6 can say, with other fields where they are given."""
    fields = {
        "charging_profile_id": 7,
        "purpose": pb.CHARGING_PROFILE_PURPOSE_TX_DEFAULT_PROFILE,
        "kind": pb.CHARGING_PROFILE_KIND_RELATIVE,
        "schedules": [schedule()],
        **more,
    }
    return pb.ChargingProfile(**fields)


PAYLOAD = {
    "chargingProfileId": 7,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxDefaultProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]},
}
