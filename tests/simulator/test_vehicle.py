"""The vehicle draws believable power; the meter counts every watt-hour of it."""

from itertools import pairwise

import pytest

from simulator.vehicle import EnergyMeter, Vehicle


def make(**changes: float) -> Vehicle:
    """A vehicle, with some things changed."""
    values = {"capacity_wh": 50_000, "soc": 0.2, "max_power_w": 11_000, "target_soc": 1.0} | changes
    return Vehicle(**values)  # type: ignore[arg-type]


def test_meter_loses_nothing_below_a_watt_hour() -> None:
    """3,600 half-second samples of 7 W are 3.5 Wh, and twice that 7 Wh, however they are cut."""
    meter = EnergyMeter(start_wh=100)
    for _ in range(3_600):
        meter.add(7, 500)
    assert meter.register_wh == 103
    meter.add(7, 1_800_000)
    assert meter.register_wh == 107


def test_meter_never_goes_back() -> None:
    """Negative power or time is an error of the caller."""
    with pytest.raises(ValueError, match="forwards"):
        EnergyMeter().add(-1, 1000)


def test_power_rises_then_is_constant() -> None:
    """Power ramps up, never above the vehicle's or the station's limit."""
    vehicle = make()
    ramp = [vehicle.power_w(22_000, ms) for ms in range(0, 20_000, 1_000)]
    assert ramp == sorted(ramp)
    assert 0 < ramp[0] < 1_000
    assert vehicle.power_w(22_000, 60_000) == 11_000
    assert vehicle.power_w(7_400, 60_000) == 7_400


def test_power_tapers_as_the_battery_fills() -> None:
    """Above 80 % the battery takes less and less."""
    powers = [make(soc=soc).power_w(22_000, 60_000) for soc in (0.5, 0.8, 0.85, 0.9, 0.95, 0.99)]
    assert powers[0] == powers[1] == 11_000
    assert all(later < earlier for earlier, later in pairwise(powers[1:]))
    assert powers[-1] > 0


def test_full_vehicle_draws_nothing() -> None:
    """A vehicle at its target takes no more."""
    assert make(soc=0.8, target_soc=0.8).power_w(22_000, 60_000) == 0


def test_charging_a_vehicle_takes_as_long_as_it_does() -> None:
    """50 kWh from 20 % to 80 % at 11 kW and 92 % efficiency takes about three hours."""
    vehicle, meter, seconds = make(target_soc=0.8), EnergyMeter(), 0
    while not vehicle.is_full:
        power_w = vehicle.power_w(22_000, seconds * 1000)
        meter.add(power_w, 1000)
        vehicle.take(power_w, 1000)
        seconds += 1
    assert 2.9 < seconds / 3600 < 3.05
    assert meter.register_wh == pytest.approx(30_000 / 0.92, rel=0.001)


def test_a_nonsense_vehicle_is_refused() -> None:
    """A state of charge beyond 1 does not exist."""
    with pytest.raises(ValueError, match="not a vehicle"):
        make(soc=1.2)
