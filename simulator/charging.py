"""How a station follows its charging profiles: what each connector may give now, and what is to come."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from simulator.charging_profiles import Bounds, Profile, ProfileStore, Purpose, Unit
from simulator.composite import Slot, Stack, Supply, TokenBucket, allowance_at, composite
from simulator.configuration import Configuration
from simulator.connector import Connector

_ANY = -1  # a transaction that is yet to begin


@dataclass(frozen=True, kw_only=True)
class CompositeSchedule:
    """The limit of a connector, or with 0 of the station, from `start` on."""

    start: datetime
    slots: list[Slot]
    voltage_v: int


class ChargingControl:
    """The profiles of a station and what they mean for its connectors. `moment` is the present, by real time."""

    def __init__(
        self,
        *,
        connectors: Mapping[int, Connector],
        configuration: Configuration,
        moment: Callable[[], datetime],
        to_real: Callable[[int], datetime],
    ) -> None:
        self._connectors = connectors
        self._configuration = configuration
        self._moment = moment
        self._to_real = to_real
        self._store = ProfileStore(connectors=len(connectors), bounds=self._bounds)

    def install(self, connector_id: int, profile: Profile) -> bool:
        """Installs a profile. Returns whether it was accepted."""
        return self._store.install(connector_id, profile, transaction=self._transaction(connector_id))

    def suits(self, connector_id: int, profile: Profile) -> bool:
        """Whether a profile may go with a start at a connector: it must be for that transaction."""
        return profile.purpose is Purpose.TX and self._store.accepts(connector_id, profile, transaction=_ANY)

    def clear(
        self,
        *,
        profile_id: int | None = None,
        connector_id: int | None = None,
        purpose: Purpose | None = None,
        stack_level: int | None = None,
    ) -> bool:
        """See ProfileStore.clear."""
        return self._store.clear(
            profile_id=profile_id, connector_id=connector_id, purpose=purpose, stack_level=stack_level
        )

    def installed(self) -> Sequence[tuple[int, Profile]]:
        """All profiles with the connectors that they are installed at."""
        return self._store.installed()

    def ended(self, connector: Connector) -> None:
        """A transaction has ended, and its profiles with it."""
        self._store.end_transaction(connector.connector_id)

    def offered(self, connector: Connector) -> TokenBucket:
        """The present limit of a connector: that of the station is shared alike by all that charge."""
        supply = connector.supply
        if not len(self._store):
            return TokenBucket(power_w=supply.power_w, phases=supply.phases)
        moment = self._to_real(connector.now_ms)
        own = allowance_at(replace(self._stack(connector, moment), station=()), supply, moment)
        whole = allowance_at(Stack(station=self._store.station(), begun=moment), self._whole_supply(), moment)
        sharing = max(1, sum(one.wants_energy for one in self._connectors.values()))
        return own.lower_of(replace(whole, power_w=whole.power_w / sharing))

    def composite(self, connector_id: int, duration_s: int) -> CompositeSchedule | None:
        """The composite schedule of a connector, or None if there is no such connector."""
        moment = self._moment()
        if connector_id == 0:
            stack, supply = Stack(station=self._store.station(), begun=moment), self._whole_supply()
        elif connector_id in self._connectors:
            connector = self._connectors[connector_id]
            stack, supply = self._stack(connector, moment), connector.supply
        else:
            return None
        slots = composite(stack, supply, start=moment, duration_s=duration_s)
        return CompositeSchedule(start=moment, slots=slots, voltage_v=supply.voltage_v)

    def _stack(self, connector: Connector, moment: datetime) -> Stack:
        transaction = connector.transaction
        return Stack(
            station=self._store.station(),
            transaction=self._store.transaction(connector.connector_id),
            default=self._store.default(connector.connector_id),
            begun=moment if transaction is None else self._to_real(transaction.started_ms),
        )

    def _whole_supply(self) -> Supply:
        supplies = [connector.supply for connector in self._connectors.values()]
        return replace(supplies[0], power_w=sum(supply.power_w for supply in supplies))

    def _transaction(self, connector_id: int) -> int | None:
        connector = self._connectors.get(connector_id)
        return None if connector is None or connector.transaction is None else connector.transaction.key

    def _bounds(self) -> Bounds:
        words = self._configuration.words("ChargingScheduleAllowedChargingRateUnit")
        units = {"Current": Unit.AMPERE, "Power": Unit.WATT}
        return Bounds(
            most_profiles=self._configuration.number("MaxChargingProfilesInstalled"),
            most_periods=self._configuration.number("ChargingScheduleMaxPeriods"),
            highest_level=self._configuration.number("ChargeProfileMaxStackLevel"),
            units=frozenset(units[word] for word in words),
        )
