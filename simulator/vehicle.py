"""The vehicle and the meter: how much power is drawn, and how much energy has flowed. Pure; time is handed in."""

from dataclasses import dataclass

MS_PER_HOUR = 3_600_000
RAMP_MS = 20_000  # contactors close, then the vehicle raises its current over about this long
FULL_POWER_BELOW = 0.8  # state of charge from which a lithium battery takes less and less
CUT_OFF_SHARE = 0.06  # share of its power at which a vehicle ends charging
CHARGING_EFFICIENCY = 0.92  # of what the meter counts, this share reaches the battery


class EnergyMeter:
    """The import register of a connector: integer watts over integer milliseconds, so that no energy is ever lost.

    The register survives restarts and never goes back.
    """

    def __init__(self, *, start_wh: int = 0) -> None:
        self._watt_ms = start_wh * MS_PER_HOUR

    @property
    def register_wh(self) -> int:
        """The register in whole watt-hours, cut; the remainder stays inside and counts later."""
        return self._watt_ms // MS_PER_HOUR

    def add(self, power_w: int, duration_ms: int) -> None:
        """Counts `power_w` drawn for `duration_ms`. Neither may be negative."""
        if power_w < 0 or duration_ms < 0:
            raise ValueError("a meter counts forwards only")
        self._watt_ms += power_w * duration_ms


@dataclass(kw_only=True)
class Vehicle:
    """A vehicle with its battery. `capacity_wh` is usable capacity, `soc` and `target_soc` go from 0 to 1."""

    capacity_wh: int
    soc: float
    max_power_w: int
    target_soc: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.soc <= 1 and 0 < self.target_soc <= 1 and self.capacity_wh > 0 and self.max_power_w > 0):
            raise ValueError(f"not a vehicle: {self}")

    @property
    def is_full(self) -> bool:
        """Whether it takes no more energy."""
        return self.soc >= self.target_soc

    def power_w(self, offered_w: int, charging_ms: int) -> int:
        """Power drawn `charging_ms` after energy began to flow, out of the `offered_w` that the station allows."""
        if self.is_full or offered_w <= 0:
            return 0
        ramp = min(1.0, (charging_ms + 1_000) / RAMP_MS)
        return round(min(offered_w, self.max_power_w * self._taper()) * ramp)

    def take(self, power_w: int, duration_ms: int) -> None:
        """Charges the battery with what the meter counted."""
        gained = power_w * duration_ms / MS_PER_HOUR * CHARGING_EFFICIENCY / self.capacity_wh
        self.soc = min(1.0, self.soc + gained)

    def _taper(self) -> float:
        """Share of the vehicle's own greatest power that its battery takes at its state of charge."""
        if self.soc <= FULL_POWER_BELOW:
            return 1.0
        left = (1.0 - self.soc) / (1.0 - FULL_POWER_BELOW)
        return CUT_OFF_SHARE + (1.0 - CUT_OFF_SHARE) * left
