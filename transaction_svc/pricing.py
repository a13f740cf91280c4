"""The cost of a transaction, by an interface that a pricing engine can take over; for now by one flat tariff. Pure.

All arithmetic is in decimal: a cost is rounded once, at the end, half up. ADR 41.
"""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Protocol, Self

import msgspec

from mesh.runtime.settings import Environment
from mesh.runtime.startup_errors import SettingError
from mesh.runtime.times import SECOND_US

_MWH_PER_KWH = 1_000_000
_US_PER_MINUTE = 60 * SECOND_US
# More digits than any sum of a price with 12 digits and a usage of 64 bits has before it is rounded.
_DIGITS = 60
# A cost of up to 15 digits is the same number in JSON, whose numbers are doubles to most stations.
_MOST_COST = Decimal(10) ** 12
_MOST_PRICE = Decimal(1_000_000)
_MOST_DECIMALS = 3


class Usage(msgspec.Struct, frozen=True):
    """The part of a transaction that a price depends on, as far as it is recorded."""

    tenant_id: str
    station_id: str
    transaction_id: str
    energy_mwh: int
    duration_us: int
    ended: bool


class Pricing(Protocol):
    """Costs of transactions. A station that is answered none shows none: in 2.x that does not mean that it is free."""

    def cost(self, usage: Usage) -> str | None:
        """The cost so far, or of all where it has ended, as decimal digits; None where it is not known."""


class FlatTariff(msgspec.Struct, frozen=True):
    """One price for each kWh, each minute and each session, taxes included, in the currency of the stations."""

    per_kwh: Decimal
    per_minute: Decimal
    per_session: Decimal
    decimals: int = 2

    def cost(self, usage: Usage) -> str | None:
        """The cost by energy and by time, to the unit of the currency; None beyond 12 digits before the point."""
        with localcontext() as context:
            context.prec = _DIGITS
            exact = self.per_session
            exact += self.per_kwh * max(usage.energy_mwh, 0) / _MWH_PER_KWH
            exact += self.per_minute * max(usage.duration_us, 0) / _US_PER_MINUTE
            cost = exact.quantize(Decimal(1).scaleb(-self.decimals), rounding=ROUND_HALF_UP)
        return None if cost >= _MOST_COST else format(cost, "f")

    @classmethod
    def read(cls, env: Environment) -> Self | None:
        """The tariff of the settings; None where none of its prices is set. Raises SettingError."""
        names = ("CSMS_TARIFF_PER_KWH", "CSMS_TARIFF_PER_MINUTE", "CSMS_TARIFF_PER_SESSION")
        decimals = env.number("CSMS_TARIFF_DECIMALS", 2, least=0, most=_MOST_DECIMALS)
        if not any(env.optional(name) for name in names):
            return None
        per_kwh, per_minute, per_session = (_price(name, env.optional(name) or "0") for name in names)
        return cls(per_kwh, per_minute, per_session, decimals)


def _price(name: str, text: str) -> Decimal:
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or not 0 <= price <= _MOST_PRICE:
        raise SettingError(f"{name} is {text!r}: it must be a decimal number from 0 to {_MOST_PRICE}, such as 0.39")
    return price
