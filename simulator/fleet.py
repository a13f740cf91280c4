"""Makes the stations of a fleet: the same ones for the same seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from mesh.runtime.backoff import Backoff
from simulator.clocks import StationClock
from simulator.driver import Driver, IdTags
from simulator.firmware import Failure
from simulator.line import Access, Line
from simulator.misbehaviour import Assignment, quirks_of
from simulator.runner import Runner
from simulator.station import Identity, Station
from simulator.v16.dialect import Dialect16


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
    firmware_fails: frozenset[Failure] = frozenset()


def make_fleet(options: FleetOptions) -> list[Runner]:
    """The runners of a fleet, not started."""
    id_tags = IdTags(id_tags=options.id_tags, random=Random(options.seed))  # noqa: S311 - no secret
    digits = max(3, int(math.log10(options.stations)) + 1)
    return [
        _make_runner(options, f"{options.prefix}{n:0{digits}d}", n, id_tags) for n in range(1, options.stations + 1)
    ]


def _make_runner(options: FleetOptions, station_id: str, number: int, id_tags: IdTags) -> Runner:
    random = Random(f"{options.seed}/{number}")  # noqa: S311 - no secret
    clock = StationClock(speed=options.speed)
    quirks = quirks_of(station_id, number, options.misbehave)
    station = _make_station(station_id, PRODUCTS[number % len(PRODUCTS)], random, clock, options.firmware_fails)
    misbehave(station, quirks)
    station.drivers.extend(
        Driver(connector=connector, random=random, id_tags=id_tags, swipe=station.swipe)
        for connector in station.connectors.values()
    )
    password = options.passwords.get(station_id, options.passwords.get(ANY))
    return Runner(
        station=station,
        dialect=Dialect16(quirks=quirks),
        line=Line(
            station_id=station_id,
            access=Access(url=options.url, password=password),
            subprotocol=Dialect16.subprotocol,
            quirks=quirks,
        ),
        clock=clock,
        backoff=Backoff(first_s=1.0, most_s=30.0, uniform=random.uniform),
        boots_once=8 in quirks,
    )


def misbehave(station: Station, quirks: frozenset[int]) -> None:
    """Configures the quirks of a station's behaviour; those of its frames and its line are elsewhere."""
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
