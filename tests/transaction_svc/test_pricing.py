"""Costs by a flat tariff: exact, rounded once."""

from decimal import Decimal

import pytest

from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from transaction_svc.pricing import FlatTariff, Usage

HOUR_US = 3_600_000_000


def usage(*, wh: float = 0, hours: float = 0) -> Usage:
    """So much energy in so much time."""
    return Usage("default", "CP1", "tx", round(wh * 1000), round(hours * HOUR_US), ended=True)


def tariff(per_kwh: str = "0", per_minute: str = "0", per_session: str = "0", decimals: int = 2) -> FlatTariff:
    """A tariff with these prices."""
    return FlatTariff(Decimal(per_kwh), Decimal(per_minute), Decimal(per_session), decimals)


@pytest.mark.parametrize(
    ("made", "used", "cost"),
    [
        (tariff("0.39"), usage(wh=10_000), "3.90"),
        (tariff("0.39", "0.05", "1"), usage(wh=10_000, hours=1), "7.90"),
        (tariff(), usage(wh=10_000, hours=1), "0.00"),
        (tariff("0.1"), usage(wh=50), "0.01"),  # 0.005, half up
        (tariff("0.1"), usage(wh=49.999), "0.00"),
        (tariff("0.1", "0.1", "0.1", 3), usage(wh=1000, hours=1 / 60), "0.300"),  # 0.30000000000000004 in binary
        (tariff("100", decimals=0), usage(wh=1_015), "102"),
        (tariff("0.39"), usage(wh=-5), "0.00"),
        (tariff("1000000"), usage(wh=1e9), None),  # beyond what JSON keeps to the digit
    ],
)
def test_costs(made: FlatTariff, used: Usage, cost: str | None) -> None:
    assert made.cost(used) == cost


def test_without_a_tariff_no_cost_is_known() -> None:
    assert FlatTariff.read(Environment({})) is None


def test_a_tariff_of_the_settings() -> None:
    """One price is enough, and 0 is a price."""
    read = FlatTariff.read(Environment({"CSMS_TARIFF_PER_KWH": "0.39", "CSMS_TARIFF_DECIMALS": "3"}))
    assert read == tariff("0.39", decimals=3)
    assert FlatTariff.read(Environment({"CSMS_TARIFF_PER_SESSION": "0"})) == tariff()


@pytest.mark.parametrize("text", ["-1", "NaN", "Infinity", "0,39", "free", "1000001"])
def test_a_price_that_is_none(text: str) -> None:
    """The setting is named."""
    with pytest.raises(SettingError, match="CSMS_TARIFF_PER_MINUTE"):
        FlatTariff.read(Environment({"CSMS_TARIFF_PER_MINUTE": text}))
