"""The charging of vehicles as the store returns it, and what changes it. Pure. OCPP 2.0.1 part 2, K15 to K17."""

from dataclasses import dataclass, replace

# csms.station.v1.EvChargingState
NO_TRANSACTION = 1
PENDING = 2
ACTIVE = 3
REJECTED = 4
FAILED = 5

# A vehicle that stays above the limits is sent a profile so many times more for the same needs.
MOST_RENEGOTIATIONS = 3


@dataclass(frozen=True, kw_only=True)
class EvRow:
    """The charging of the latest vehicle of an EVSE. `epoch` and `ordinal` are of the frame that brought its needs."""

    tenant_id: str
    station_id: str
    evse_id: int
    transaction_id: str
    state: int
    profile_id: int = 0
    needs: bytes  # csms.station.v1.EvChargingNeeds, serialized
    schedule: bytes | None = None  # csms.station.v1.ChargingSchedule, serialized
    schedule_us: int | None = None  # begin of its times
    exceeds: bool = False
    renegotiations: int = 0
    epoch: int
    ordinal: int
    receive_us: int
    update_us: int

    @property
    def may_renegotiate(self) -> bool:
        """Whether another profile may be sent, since the vehicle is above the limits of the one that it has."""
        return self.state == ACTIVE and self.renegotiations < MOST_RENEGOTIATIONS

    def renegotiating(self, now_us: int) -> "EvRow":
        """Itself with another profile on its way."""
        return replace(self, state=PENDING, renegotiations=self.renegotiations + 1, update_us=now_us)

    def sent(self, state: int, profile_id: int, now_us: int) -> "EvRow":
        """Itself once the profile was sent, or was not."""
        return replace(self, state=state, profile_id=profile_id or self.profile_id, update_us=now_us)
