"""Makes stations: those of a fleet, the same ones for the same seed, and others beside them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from random import Random

from mesh.runtime.backoff import Backoff
from simulator.clocks import StationClock
from simulator.driver import Driver, IdTags
from simulator.firmware import Failure
from simulator.line import Access, Line
from simulator.misbehaviour import Assignment, quirks_of
from simulator.runner import Dialect, Runner
from simulator.station import Identity, Station
from simulator.v16.dialect import Dialect16
from simulator.v201.dialect import Dialect201


@dataclass(frozen=True, kw_only=True)
class Product:
    """A model of charge point: what it is called, and what its connectors deliver in W."""

    vendor: str
    model: str
    connector_powers_w: tuple[int, ...]


PRODUCTS = (
    Product(vendor="Voltgarten", model="Pole 2x22", connector_powers_w=(22_000, 22_000)),
    Product(vendor="Voltgarten", model="Wallbox 11", connector_powers_w=(11_000,)),
    Product(vendor="Nordlade", model="Duo 11", connector_powers_w=(11_000, 11_000)),
)
ANY = "*"
OCPP_VERSIONS = (Dialect16.ocpp_version, Dialect201.ocpp_version)  # the first is the usual one
QUIRK_VERSIONS = (Dialect16.ocpp_version,)  # whose stations may misbehave


@dataclass(frozen=True, kw_only=True)
class FleetOptions:
    """The options of a fleet. `passwords` maps station ids, or ANY, to passwords."""

    url: str
    stations: int
    prefix: str
    speed: float
    seed: int
    id_tags: Sequence[str]
    passwords: Mapping[str, str] = field(repr=False)
    misbehave: Sequence[Assignment] = ()
    ocpp_201: Sequence[str] = ()  # patterns of the ids of stations that speak OCPP 2.0.1; the others speak 1.6
    firmware_fails: frozenset[Failure] = frozenset()


@dataclass(frozen=True, kw_only=True)
class NewStation:
    """A station beside those of the fleet. `sample_interval_s` None: the usual one."""

    station_id: str
    evse_count: int
    max_power_w: int
    is_driven: bool
    sample_interval_s: int | None = None
    ocpp_version: str = Dialect16.ocpp_version


class StationMaker:
    """Makes stations that go to one central system, with drivers who share their id tags."""

    def __init__(self, options: FleetOptions) -> None:
        self.options = options
        self._id_tags = IdTags(id_tags=options.id_tags, random=Random(options.seed))  # noqa: S311 - no secret

    def fleet(self) -> list[Runner]:
        """The runners of the fleet, not started."""
        digits = max(3, int(math.log10(self.options.stations)) + 1)
        return [self._of_fleet(f"{self.options.prefix}{n:0{digits}d}", n) for n in range(1, self.options.stations + 1)]

    def new(self, wanted: NewStation) -> Runner:
        """The runner of another station, not started."""
        power_w = wanted.max_power_w
        model = f"Post {wanted.evse_count}x{power_w // 1000}"
        product = Product(vendor="Voltgarten", model=model, connector_powers_w=(power_w,) * wanted.evse_count)
        random = Random(f"{self.options.seed}/{wanted.station_id}")  # noqa: S311 - no secret
        runner = _make_runner(
            self.options,
            wanted.station_id,
            product,
            random=random,
            id_tags=self._id_tags,
            ocpp_version=wanted.ocpp_version,
        )
        runner.station.is_driven = wanted.is_driven
        if wanted.sample_interval_s is not None:
            runner.station.configuration.set("MeterValueSampleInterval", str(wanted.sample_interval_s))
        return runner

    def _of_fleet(self, station_id: str, number: int) -> Runner:
        product = PRODUCTS[number % len(PRODUCTS)]
        random = Random(f"{self.options.seed}/{number}")  # noqa: S311 - no secret
        is_201 = any(fnmatchcase(station_id, pattern) for pattern in self.options.ocpp_201)
        return _make_runner(
            self.options,
            station_id,
            product,
            random=random,
            id_tags=self._id_tags,
            ocpp_version=(Dialect201 if is_201 else Dialect16).ocpp_version,
            quirks=frozenset() if is_201 else quirks_of(station_id, number, self.options.misbehave),
        )


def make_fleet(options: FleetOptions) -> list[Runner]:
    """The runners of a fleet, not started."""
    return StationMaker(options).fleet()


def _make_runner(
    options: FleetOptions,
    station_id: str,
    product: Product,
    *,
    random: Random,
    id_tags: IdTags,
    ocpp_version: str,
    quirks: frozenset[int] = frozenset(),
) -> Runner:
    clock = StationClock(speed=options.speed)
    station = _make_station(station_id, product, random, clock, options.firmware_fails)
    set_quirks(station, quirks)
    station.drivers.extend(
        Driver(connector=connector, random=random, id_tags=id_tags, swipe=station.swipe)
        for connector in station.connectors.values()
    )
    password = options.passwords.get(station_id, options.passwords.get(ANY))
    dialect: Dialect = Dialect16(quirks=quirks) if ocpp_version == Dialect16.ocpp_version else Dialect201()
    return Runner(
        station=station,
        dialect=dialect,
        line=Line(
            station_id=station_id,
            access=Access(url=options.url, password=password),
            subprotocol=dialect.subprotocol,
            quirks=quirks,
        ),
        clock=clock,
        backoff=Backoff(first_s=1.0, most_s=30.0, uniform=random.uniform),
        quirks=quirks,
    )


def misbehave(runner: Runner, quirks: frozenset[int]) -> None:
    """Sets the quirks of a 1.6 station that may be running, in place of those that it has."""
    if runner.ocpp_version not in QUIRK_VERSIONS:
        return
    set_quirks(runner.station, quirks)
    runner.misbehave(quirks, Dialect16(quirks=quirks))


def set_quirks(station: Station, quirks: frozenset[int]) -> None:
    """The quirks of a station's behaviour; those of its frames and its line are elsewhere."""
    station.closing_samples = 22 in quirks
    station.restarts_on_change = 24 in quirks


def _make_station(
    station_id: str, product: Product, random: Random, clock: StationClock, fails: frozenset[Failure]
) -> Station:
    identity = Identity(
        station_id=station_id,
        vendor=product.vendor,
        model=product.model,
        serial_number=f"SIM{random.randrange(10**8):08d}",
        firmware_version="1.4.2",
    )
    return Station(
        identity=identity,
        connector_powers_w=product.connector_powers_w,
        start_wh=[random.randrange(10**6) for _ in product.connector_powers_w],
        to_real=clock.to_real,
        fails=fails,
    )
